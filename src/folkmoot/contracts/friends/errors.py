"""Refusals and close reasons as clients of the `friends` contract read them."""

from functools import partial

from folkmoot.contracts.friends.frames import DirectNotUpToDateOut, FriendsErrorOut
from folkmoot.kit import rejections
from folkmoot.kit.rejections import CloseCodes

STATUSES = {"self_request": 400}
"""The statuses that this contract's REST routes have of their own, by code."""

CLOSE_CODES = CloseCodes()

error_frame = partial(rejections.error_frame, FriendsErrorOut)
"""The ``error`` frame for a refused frame; the socket stays open."""

not_up_to_date = partial(rejections.not_up_to_date, DirectNotUpToDateOut)
"""The body of the REST answer to whoever wrote without knowing what the other has written."""
