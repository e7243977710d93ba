"""What clients put into the bodies and queries of this contract's REST routes."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr

from folkmoot.core.conversations.model import MAX_MEMBERS
from folkmoot.kit.bodies import ClientId, Content, Seq, Title
from folkmoot.kit.ids import MAX_NUMBER

Participants = Annotated[
    list[Annotated[StrictInt, Field(le=MAX_NUMBER)] | StrictStr],
    Field(max_length=MAX_MEMBERS, description="Accounts, each by number or by username"),
]


class NewConversationBody(BaseModel):
    """Who is to speak with the creator, and under which title."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"title": "Lunch", "participant_ids": ["alice"]}]}
    )

    title: Title | None = None
    participant_ids: Participants


class TitleBody(BaseModel):
    """The new title; null or empty takes it away."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "Lunch at one"}]})

    title: Title | None


class ParticipantsBody(BaseModel):
    """Who is to be added."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"participant_ids": ["alice"]}]})

    participant_ids: Annotated[Participants, Field(min_length=1)]


class MessageBody(BaseModel):
    """A message to post."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"content": "Hello!", "client_id": "8d3c1a52-5e0f-4f0e-9d1b-3a7e6c1f2b90"}]
        }
    )

    content: Content
    client_id: ClientId | None = Field(
        default=None, description="The same again gets the first message back, however late"
    )
    reply_to_id: Annotated[StrictInt, Field(ge=1, le=MAX_NUMBER)] | None = None
    attachment_id: StrictStr | None = None
    if_last_seq: Seq | None = Field(
        default=None, description="Refuse with 409 when the conversation has moved on"
    )


class ContentBody(BaseModel):
    """The new content of a message."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"content": "Hello again!"}]})

    content: Content


class ReadBody(BaseModel):
    """The place up to which everything was read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"up_to_seq": 7}]})

    up_to_seq: Seq
