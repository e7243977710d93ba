"""What clients put into the bodies and queries of this contract's REST routes."""

from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, WithJsonSchema

from folkmoot.contracts.sessions import frames as wire
from folkmoot.core.conversations.desk import MAX_DAYS, MIN_DAYS
from folkmoot.core.messages.model import MAX_MENTIONS
from folkmoot.kit.bodies import Caption, ClientId, Seq, Title
from folkmoot.kit.queries import MAX_PAGE

SessionPath = Annotated[str, Path(description="The session's UUID")]
Scope = Annotated[
    Literal["mine", "unassigned", "all"],
    Query(description="`mine`: where one is a participant; the others are for staff"),
]
Status = Annotated[
    Literal["active", "closed", "waiting"] | None,
    Query(description="Only these; `waiting` is never used, a new session is `active`"),
]
MaxMessages = Annotated[int, Query(ge=1, le=MAX_PAGE, description="How many at most")]
AccountField = Annotated[StrictStr, Field(description="An account, by UUID or by username")]
DAYS = WithJsonSchema({"type": "integer", "minimum": MIN_DAYS, "maximum": MAX_DAYS})


class NewSessionBody(BaseModel):
    """What a customer wants, and who is to serve them, if that is known."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"title": "My parcel"}]})

    title: Title | None = None
    assigned_agent_id: AccountField | None = None
    assistant: StrictBool = Field(default=False, description="Whether the assistant is to answer")


class SessionChangeBody(BaseModel):
    """What is to be different; what is absent or null stays as it is."""

    title: Title | None = None
    assigned_agent_id: AccountField | None = None
    assistant: StrictBool | None = None


class CleanupBody(BaseModel):
    """Which sessions are to be closed."""

    max_age_days: Annotated[StrictInt, DAYS] | None = Field(
        default=None, description="Without activity for so many days, 1 to 365"
    )
    dry_run: StrictBool = Field(default=False, description="Only say which they are")


class SessionMessageBody(BaseModel):
    """A message to post; for all but `text`, `file_url` names the file."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"content": "Hello!", "client_id": "8d3c1a52-5e0f-4f0e-9d1b-3a7e6c1f2b90"}]
        }
    )

    content: Caption = ""
    message_type: Literal["text", "file", "image", "voice"] = "text"
    client_id: ClientId | None = Field(
        default=None, description="The same again gets the first message back, however late"
    )
    reply_to_id: StrictStr | None = None
    mentions: Annotated[list[StrictStr], Field(max_length=MAX_MENTIONS)] | None = Field(
        default=None, description="Participants, by UUID"
    )
    if_last_seq: Seq | None = Field(
        default=None, description="Refuse with 409 when the session has moved on"
    )
    file_url: StrictStr | None = Field(
        default=None, description="From `POST /api/v1/chat/files`, or any https address"
    )
    file_name: StrictStr | None = None
    file_size: Seq | None = None
    file_type: StrictStr | None = None

    def said(self, idempotency_key: str | None) -> wire.Say:
        """The same as a frame would say it; the header stands in for a missing `client_id`."""
        client_id = self.client_id if self.client_id is not None else idempotency_key
        if self.message_type == "text":
            return wire.SessionText(
                self.content, self.reply_to_id, self.mentions, client_id, self.if_last_seq
            )
        return _FILES[self.message_type](
            file_url=self.file_url or "",
            content=self.content,
            file_name=self.file_name,
            file_size=self.file_size,
            file_type=self.file_type,
            reply_to_id=self.reply_to_id,
            mentions=self.mentions,
            client_id=client_id,
            if_last_seq=self.if_last_seq,
        )


class UpToMessageBody(BaseModel):
    """The message up to which everything was read."""

    up_to_message_id: StrictStr


class SessionParticipantBody(BaseModel):
    """Who is to be added. `role` is taken for the sake of older clients and changes nothing."""

    user_id: AccountField
    role: StrictStr | None = None


class BlockBody(BaseModel):
    """Whom to block, or to block no more."""

    user_id: AccountField


_FILES: dict[str, type[wire.SessionFile]] = {
    "file": wire.SessionFile,
    "image": wire.SessionImage,
    "voice": wire.SessionVoice,
}
