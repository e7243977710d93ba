"""What the queries, paths and headers of several contracts have in common."""

from typing import Annotated

from fastapi import Header, Query

from folkmoot.kit.ids import MAX_NUMBER

MAX_PAGE = 100

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most")]
Offset = Annotated[int, Query(ge=0, le=MAX_NUMBER, description="How many to pass over")]
BeforeSeq = Annotated[
    int | None, Query(ge=0, le=MAX_NUMBER, description="The page that ends just before this `seq`")
]
AfterSeq = Annotated[
    int | None, Query(ge=0, le=MAX_NUMBER, description="The oldest page after this `seq`")
]
IdempotencyKey = Annotated[
    str | None, Header(description="Stands for `client_id` where the body has none")
]
