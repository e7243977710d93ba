"""How a file is named on the wire: by our own address for one kept here, else by its https one."""

from urllib.parse import urlsplit

from folkmoot.contracts.sessions.frames import SessionFile
from folkmoot.core.messages.errors import LinkInvalid, NoSuchAttachment
from folkmoot.core.messages.model import Attachment
from folkmoot.core.shared.ids import Uid
from folkmoot.files.links import PREFIX, upload_id_of
from folkmoot.files.names import harmless

NOTHING = Attachment(name="", size=None, media_type=None)
"""What hangs on a message without a file."""


def attachment_of(say: SessionFile, *, host: str) -> Uid | Attachment:
    """What a ``file_url`` stands for: one of our files, or one elsewhere as its poster tells of it.

    ``host`` is the name (and port) by which the client reached us: our path on it is ours too.
    Whether the file may be shown, and the address followed, is the core's to say.

    Raises:
        LinkInvalid: it is no address at all.
        NoSuchAttachment: it looks like one of ours and is none.
    """
    url = say.file_url.strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        raise LinkInvalid(field="file_url") from None
    is_relative = not parts.scheme and not parts.netloc
    is_here = parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower()
    if (is_relative or is_here) and parts.path.startswith(f"{PREFIX}/"):
        upload_id = upload_id_of(parts.path)
        if upload_id is None:
            raise NoSuchAttachment
        return upload_id
    name = harmless(say.file_name or say.content or parts.path)
    return Attachment(name=name, size=say.file_size, media_type=say.file_type, url=url)
