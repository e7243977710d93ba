"""What clients say, as drafts: the socket and the REST route post alike."""

from folkmoot.contracts.sessions.frames import Say, SessionFile
from folkmoot.contracts.sessions.links import attachment_of
from folkmoot.core.messages.model import UnaddressedDraft
from folkmoot.core.messages.service import Messages
from folkmoot.core.shared.ids import AccountId, ConnectionId
from folkmoot.kit.ids import mentions_of, reply_uid_of


def draft_of(
    messages: Messages,
    author: AccountId,
    say: Say,
    *,
    host: str,
    origin: ConnectionId | None = None,
) -> UnaddressedDraft:
    """The draft of a message that a client wants posted; ``host`` is how it reached us.

    Raises:
        Invalid: a part of it can never be right.
        NotFound: it names a message or a file that cannot be there.
    """
    attachment, content = None, say.content
    if isinstance(say, SessionFile):
        attachment = attachment_of(say, host=host)
        content = say.content.strip() or say.file_name or "file"
    return messages.draft(
        author,
        content,
        client_id=say.client_id,
        reply_to=reply_uid_of(say.reply_to_id),
        if_last_seq=say.if_last_seq,
        kind=say.kind,
        attachment=attachment,
        mentions=mentions_of(say.mentions),
        origin=origin,
    )
