"""What clients put into the bodies and queries of this contract's REST routes."""

from typing import Annotated

from fastapi import Header, Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

MAX_PLACE = 2**53
MAX_LIMIT = 100
_FRIEND = "8d3c1a52-5e0f-7f0e-9d1b-3a7e6c1f2b90"

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at most")]
Skip = Annotated[int, Query(ge=0, le=MAX_PLACE, description="How many to pass over, newest first")]
BeforeSeq = Annotated[
    int | None, Query(ge=0, le=MAX_PLACE, description="The page that ends just before this `seq`")
]
AfterSeq = Annotated[
    int | None, Query(ge=0, le=MAX_PLACE, description="The oldest page after this `seq`")
]
FriendPath = Annotated[str, Path(description="An account, by UUID or username")]
MessagePath = Annotated[str, Path(description="The message's UUID")]
RequestPath = Annotated[str, Path(description="The request's UUID")]
IdempotencyKey = Annotated[
    str | None, Header(description="Stands for `client_id` where the body has none")
]


class DirectBody(BaseModel):
    """A message to a friend."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"receiver_id": _FRIEND, "content": "Hello!"}]}
    )

    receiver_id: StrictStr = Field(description="The friend, by UUID or username")
    content: StrictStr
    client_id: StrictStr | None = Field(
        default=None, description="The same again gets the first message back, however late"
    )
    if_last_seq: Annotated[StrictInt, Field(ge=0, le=MAX_PLACE)] | None = Field(
        default=None, description="Refuse with 409 when the conversation has moved on"
    )
    reply_to_id: StrictStr | None = Field(
        default=None, description="The UUID of the message between the two that this one answers"
    )
    attachment_id: StrictStr | None = Field(
        default=None, description="A file that the sender has uploaded: `POST /api/v1/chat/files`"
    )


class FriendBody(BaseModel):
    """With whom the asker wants to be friends."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"account": "alice"}]})

    account: StrictStr = Field(description="The account, by UUID or username")
