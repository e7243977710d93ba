"""What the REST routes of the `sessions` contract answer; the OpenAPI document is made from it."""

from msgspec import UNSET, Struct, UnsetType

from folkmoot.contracts.sessions.frames import Instant, Missed, SessionReactionOut
from folkmoot.kit.rejections import NotUpToDateBody


class SessionOut(Struct):
    """A session as the one who asks sees it. ``started_at`` is the time of its first message."""

    id: str
    title: str
    status: str
    initiator_id: str
    assigned_agent_id: str | None
    created_at: Instant
    started_at: Instant | None
    closed_at: Instant | None
    total_messages: int
    unread_count: int
    assistant: bool
    conversation_id: int
    participant_count: int
    last_seq: int
    last_activity_at: Instant


class SessionMessageOut(Struct):
    """A message; ``status`` is how far it has come with the other participants."""

    id: str
    chat_session_id: str
    sender_id: str | None
    message_type: str
    content: str
    status: str
    created_at: Instant
    read_by_count: int
    seq: int
    sender_name: str
    reply_to_id: str | None
    mentions: list[str]
    file_url: str | None
    file_name: str | None
    file_size: int | None
    file_type: str | None
    edited_at: Instant | None
    is_deleted: bool
    reactions: list[SessionReactionOut]
    metadata: dict[str, str]
    client_id: str | UnsetType = UNSET


class SessionParticipantOut(Struct):
    """Somebody's place in a session; ``role`` is their account's."""

    id: str
    user_id: str
    role: str
    joined_at: Instant
    is_active: bool
    last_read_at: Instant | None
    username: str
    full_name: str
    online: bool
    read_seq: int


class SessionDoneOut(Struct):
    """It was done."""

    success: bool
    message: str


class SessionReadOut(Struct):
    """It was read; ``timestamp`` is when the server heard of it."""

    success: bool
    message: str
    timestamp: Instant


class SessionCleanupOut(Struct):
    """What had lain idle since ``cutoff``; of many only the first hundred are named."""

    cleaned: int
    session_ids: list[str]
    cutoff: Instant
    dry_run: bool


class SessionTurnOut(Struct):
    """One thing said, as a model reads it."""

    role: str
    content: str


class SessionPageOut(Struct):
    """A passage of a help page, and where the page is."""

    title: str
    link: str
    text: str


class SessionContextOut(Struct):
    """What an assistant would be given about a session, oldest first."""

    session_id: str
    messages: list[SessionTurnOut]
    estimated_tokens: int
    max_tokens: int
    log_lines: list[str]
    pages: list[SessionPageOut]


class SessionBlockOut(Struct):
    """Somebody whom the one who asks has blocked."""

    user_id: str
    username: str
    full_name: str


class SessionPresenceOut(Struct):
    """How lively one session is."""

    user_count: int
    typing_count: int


class SessionStatsOut(Struct):
    """Who is connected. The map has every session for staff, for others their own."""

    total_sessions: int
    total_connections: int
    average_users_per_session: float
    sessions: dict[str, SessionPresenceOut]


class SessionSocketOut(Struct):
    """What the socket offers; the frames are described in the AsyncAPI document."""

    address: str
    summary: str
    query: dict[str, str]
    client_messages: list[str]
    server_messages: list[str]
    close_codes: dict[str, str]
    document: str


class SessionNotUpToDateOut(NotUpToDateBody):
    """Why a message was not posted, and what the author had not seen: as the socket shows it."""

    missed: list[Missed]


ANSWERS: tuple[type[Struct], ...] = (
    SessionOut,
    SessionMessageOut,
    SessionParticipantOut,
    SessionDoneOut,
    SessionReadOut,
    SessionCleanupOut,
    SessionContextOut,
    SessionBlockOut,
    SessionStatsOut,
    SessionSocketOut,
    SessionNotUpToDateOut,
)
