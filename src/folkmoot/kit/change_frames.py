"""How clients ask for a message to be changed: frames that are the same in every contract."""

from typing import Generic, TypeVar, assert_never

from msgspec import Struct

from folkmoot.kit.sending import ChangeIntention, DeleteIntention, EditIntention, ReactIntention

Name = TypeVar("Name")
"""How a contract names messages."""


class EditFrame(Struct, Generic[Name]):
    """Another content for a message of one's own."""

    message_id: Name
    content: str


class DeleteFrame(Struct, Generic[Name]):
    """Leave only the place of a message."""

    message_id: Name


class ReactFrame(Struct, Generic[Name]):
    """Put an emoji on a message, or take it back."""

    message_id: Name
    emoji: str
    remove: bool = False


def change_of(
    frame: EditFrame[Name] | DeleteFrame[Name] | ReactFrame[Name],
) -> ChangeIntention:
    """What is to become of a message."""
    match frame:
        case EditFrame(content=content):
            return EditIntention(content)
        case DeleteFrame():
            return DeleteIntention()
        case ReactFrame(emoji=emoji, remove=remove):
            return ReactIntention(emoji, remove)
        case _:
            assert_never(frame)
