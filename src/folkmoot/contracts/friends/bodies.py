"""What clients put into the bodies and queries of this contract's REST routes."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictStr

from folkmoot.kit.bodies import ClientId, Content, Seq
from folkmoot.kit.ids import MAX_NUMBER

_FRIEND = "8d3c1a52-5e0f-7f0e-9d1b-3a7e6c1f2b90"

Skip = Annotated[int, Query(ge=0, le=MAX_NUMBER, description="How many to pass over, newest first")]
FriendPath = Annotated[str, Path(description="An account, by UUID or username")]
MessagePath = Annotated[str, Path(description="The message's UUID")]
RequestPath = Annotated[str, Path(description="The request's UUID")]


class DirectBody(BaseModel):
    """A message to a friend."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"receiver_id": _FRIEND, "content": "Hello!"}]}
    )

    receiver_id: StrictStr = Field(description="The friend, by UUID or username")
    content: Content
    client_id: ClientId | None = Field(
        default=None, description="The same again gets the first message back, however late"
    )
    if_last_seq: Seq | None = Field(
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
