"""What the queries, paths and headers of several contracts have in common."""

from typing import Annotated

from fastapi import Depends, Header, Query

from folkmoot.core.shared.pages import Page
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


def _page(
    limit: Limit = 50,
    offset: Offset = 0,
    before_seq: BeforeSeq = None,
    after_seq: AfterSeq = None,
) -> Page:
    return Page(limit, offset, before_seq, after_seq)


PageOf = Annotated[Page, Depends(_page)]
"""Which messages of a conversation are asked for."""
IdempotencyKey = Annotated[
    str | None, Header(description="Stands for `client_id` where the body has none")
]
