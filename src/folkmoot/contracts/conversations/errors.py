"""Refusals and close reasons as clients of the `conversations` contract read them."""

from functools import partial

from folkmoot.contracts.conversations.frames import ErrorOut, NotUpToDateOut
from folkmoot.core.conversations.errors import NoSuchConversation, NotAMember
from folkmoot.core.messages.errors import ClientIdReused
from folkmoot.core.shared.refusals import Unauthenticated
from folkmoot.kit import rejections
from folkmoot.kit.rejections import CloseCodes
from folkmoot.kit.rest import refusals

BAD_TOKEN = 4001
AUTH_ERROR = 4000
NOT_A_PARTICIPANT = 4003
NO_SUCH_CONVERSATION = 4004

refused = partial(
    refusals,
    such_as={403: NotAMember(), 404: NoSuchConversation(), 409: ClientIdReused()},
)
"""How this contract's routes describe their refusals."""

CLOSE_CODES = CloseCodes(
    ended=AUTH_ERROR,
    removed=NOT_A_PARTICIPANT,
    refused=(
        (Unauthenticated, BAD_TOKEN),
        (NoSuchConversation, NO_SUCH_CONVERSATION),
        (NotAMember, NOT_A_PARTICIPANT),
    ),
)

error_frame = partial(rejections.error_frame, ErrorOut)
"""The ``error`` frame for a refused frame; the socket stays open."""

not_up_to_date = partial(rejections.not_up_to_date, NotUpToDateOut)
"""The body of the REST answer to whoever wrote without knowing what others have written."""
