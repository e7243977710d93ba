"""Every way in which anything in the server can say no has an answer in this contract."""

import importlib
import pkgutil
import string
from collections.abc import Iterator
from typing import Any

import pytest

import folkmoot
from folkmoot.contracts.sessions import codec, errors
from folkmoot.contracts.sessions.frames import OUTBOUND
from folkmoot.contracts.sessions.spec import SPEC
from folkmoot.core.accounts import errors as accounts
from folkmoot.core.conversations import errors as conversations
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.shared.refusals import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    StorageFull,
    TooMany,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from folkmoot.realtime.limits import TooManyConnections
from folkmoot.realtime.wire_format import CloseReason
from tests.contracts.sessions.samples import ANA, ANA_UID, EVENTS, LOBBY_UID, NOW

KINDS = {Invalid, Unauthenticated, Forbidden, NotFound, Conflict, TooMany, Refusal}
HERE = {"conversation": LOBBY_UID, "account": ANA_UID, "at": NOW}


def _descendants(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def _all_faults() -> list[type]:
    for module in pkgutil.walk_packages(folkmoot.__path__, "folkmoot."):
        if not module.name.endswith(("__main__", ".env")) and ".versions." not in module.name:
            importlib.import_module(module.name)
    found = {Unavailable, *_descendants(Refusal), *_descendants(Unavailable)} - KINDS
    ours = [kind for kind in found if kind.__module__.startswith("folkmoot.")]
    return sorted(ours, key=lambda kind: kind.__qualname__)


def instance(kind: type) -> Any:
    """A refusal of this kind with all the facts that its sentence needs."""
    if not issubclass(kind, Refusal):
        return kind()
    names = {name for _, name, _, _ in string.Formatter().parse(kind.sentence) if name}
    facts: dict[str, Any] = dict.fromkeys(names, "x" * 80)
    if issubclass(kind, Invalid):
        facts["field"] = "content"
    if issubclass(kind, TooMany):
        facts["retry_after"] = 1.5
    if issubclass(kind, NotUpToDate):
        facts |= {"last_seq": 9, "missed": list(EVENTS[:8])}
    return kind(**facts)


every_fault = pytest.mark.parametrize("kind", _all_faults(), ids=lambda kind: kind.__qualname__)


@every_fault
def test_a_client_turned_away_by_it_reads_a_close_code_that_is_described_and_a_reason(kind):
    code, reason = errors.rejection_of(instance(kind))
    assert code in SPEC.close_codes
    assert 0 < len(reason.encode()) <= errors.MAX_REASON_BYTES


@every_fault
def test_a_frame_refused_by_it_is_answered_with_an_error_frame(kind):
    frame = errors.error_frame(instance(kind), **HERE, client_id="mine")
    assert type(frame) in OUTBOUND
    assert (frame.metadata.code, frame.metadata.client_id) == (kind.code, "mine")
    assert (frame.chat_session_id, frame.user_id) == (LOBBY_UID, ANA_UID)
    assert frame.content
    codec.encode(frame)


@pytest.mark.parametrize(
    ("refusal", "code", "word"),
    [
        (accounts.TokenMissing(), 1008, "invalid token"),
        (accounts.TokenInvalid(), 1008, "invalid token"),
        (accounts.TokenExpired(), 1008, "invalid token"),
        (accounts.LoginRevoked(), 1008, "invalid token"),
        (accounts.AccountInactive(), 1008, "deactivated"),
        (conversations.NotAMember(), 1008, "not a participant"),
        (conversations.NotADesk(), 1008, "session not found"),
        (conversations.NoSuchConversation(), 1008, "session not found"),
        (TooManyConnections(retry_after=1.0, max_connections=1), 1013, "at once"),
        (StorageFull(), 1011, "space"),
        (None, 1011, "our side"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_client_is_turned_away_with_the_code_and_reason_of_the_contract(refusal, code, word):
    given, reason = errors.rejection_of(refusal)
    assert given == code
    assert word in reason


def test_every_ending_has_a_close_code_that_is_described():
    for close_reason in CloseReason:
        code, reason = errors.close_code(close_reason)
        assert code in SPEC.close_codes
        assert 0 < len(reason.encode()) <= errors.MAX_REASON_BYTES


def test_a_lost_right_ends_with_1008():
    for close_reason in (CloseReason.LOGIN_ENDED, CloseReason.TOKEN_EXPIRED, CloseReason.REMOVED):
        assert errors.close_code(close_reason)[0] == 1008


def test_who_is_too_early_is_told_when_and_who_is_wrong_is_told_where():
    early = errors.error_frame(TooManyRequests(retry_after=1.23456), **HERE)
    wrong = errors.error_frame(instance(Invalid.__subclasses__()[0]), **HERE)
    assert early.metadata.retry_after == 1.235
    assert wrong.metadata.field == "content"


def test_who_is_behind_is_told_what_they_missed_as_the_socket_shows_it():
    metadata = errors.error_frame(instance(NotUpToDate), **HERE).metadata
    assert metadata.last_seq == 9
    assert [type(missed).__struct_config__.tag for missed in metadata.missed][:3] == [
        "message",
        "message_edited",
        "message_deleted",
    ]


def test_what_was_missed_of_hidden_authors_is_told_to_nobody():
    hidden = {ANA.id}
    assert (
        len(errors.error_frame(instance(NotUpToDate), **HERE, hidden=hidden).metadata.missed) == 5
    )
    assert len(errors.not_up_to_date(instance(NotUpToDate), hidden=hidden).missed) == 5
