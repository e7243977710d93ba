"""Every way in which anything in the server can say no has an answer in this contract."""

import importlib
import pkgutil
import re
import string
from collections.abc import Iterator
from typing import Any

import pytest

import folkmoot
from folkmoot.contracts.conversations import codec, errors
from folkmoot.contracts.conversations.frames import OUTBOUND
from folkmoot.contracts.conversations.spec import SPEC
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
from folkmoot.server.http.refusals import answer_to, status_of
from tests.contracts.conversations.samples import ANA, EVENTS

KINDS = {Invalid, Unauthenticated, Forbidden, NotFound, Conflict, TooMany, Refusal}


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


FAULTS = _all_faults()
every_fault = pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.__qualname__)


def test_the_walk_finds_the_faults_of_every_storey():
    modules = {kind.__module__.split(".")[1] for kind in FAULTS}
    assert {"core", "auth", "storage", "realtime", "contracts"} <= modules


@every_fault
def test_it_has_a_stable_code_and_a_sentence(kind):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)
    assert str(instance(kind)).endswith((".", "'.", ":"))


@every_fault
def test_a_client_turned_away_by_it_reads_a_close_code_that_is_described_and_a_reason(kind):
    code, reason = errors.rejection_of(instance(kind))
    assert code in SPEC.close_codes
    assert 0 < len(reason.encode()) <= errors.MAX_REASON_BYTES


@every_fault
def test_a_frame_refused_by_it_is_answered_with_an_error_frame(kind):
    frame = errors.error_frame(instance(kind), client_id="mine")
    assert type(frame) in OUTBOUND
    assert (frame.code, frame.client_id) == (kind.code, "mine")
    assert frame.message
    codec.encode(frame)


@every_fault
def test_a_request_refused_by_it_is_answered_with_the_status_of_its_kind(kind):
    fault = instance(kind)
    status = status_of(fault)
    wanted = {
        Invalid: {422},
        Unauthenticated: {401},
        Forbidden: {403},
        NotFound: {404},
        Conflict: {409},
        TooMany: {429},
        Unavailable: {503, 507},
    }
    assert status in next(statuses for of, statuses in wanted.items() if isinstance(fault, of))
    headers = answer_to(fault).headers
    assert ("retry-after" in headers) == (status in {429, 503, 507})
    assert ("www-authenticate" in headers) == (status == 401)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (accounts.TokenMissing(), 4001),
        (accounts.TokenInvalid(), 4001),
        (accounts.TokenExpired(), 4001),
        (accounts.LoginRevoked(), 4001),
        (accounts.AccountInactive(), 4000),
        (accounts.OriginNotAllowed(), 4000),
        (conversations.NotAMember(), 4003),
        (conversations.NoSuchConversation(), 4004),
        (TooManyRequests(retry_after=1.0), 1013),
        (TooManyConnections(retry_after=1.0, max_connections=1), 1013),
        (StorageFull(), 1013),
        (None, 1011),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else type(value).__name__,
)
def test_a_client_is_turned_away_with_the_code_of_the_contract(refusal, code):
    assert errors.rejection_of(refusal)[0] == code


@pytest.mark.parametrize(
    ("close_reason", "code"),
    [
        (CloseReason.LOGIN_ENDED, 4000),
        (CloseReason.TOKEN_EXPIRED, 4000),
        (CloseReason.ACCOUNT_INACTIVE, 4000),
        (CloseReason.REMOVED, 4003),
        (CloseReason.SILENT, 1013),
        (CloseReason.SHUTDOWN, 1012),
    ],
)
def test_a_connection_ends_with_the_code_of_the_contract(close_reason, code):
    given, reason = errors.close_code(close_reason)
    assert given == code
    assert given in SPEC.close_codes
    assert 0 < len(reason.encode()) <= errors.MAX_REASON_BYTES


def test_every_ending_has_a_close_code():
    for close_reason in CloseReason:
        errors.close_code(close_reason)


def test_who_is_too_early_is_told_when_and_who_is_wrong_is_told_where():
    assert errors.error_frame(TooManyRequests(retry_after=1.23456)).retry_after == 1.235
    assert errors.error_frame(instance(Invalid.__subclasses__()[0])).field == "content"


def test_who_is_behind_is_told_what_they_missed():
    frame = errors.error_frame(instance(NotUpToDate))
    assert frame.last_seq == 9
    assert [type(missed).__struct_config__.tag for missed in frame.missed][:3] == [
        "message",
        "message_edited",
        "message_deleted",
    ]


def test_what_was_missed_of_hidden_authors_is_told_to_nobody():
    hidden = {ANA.id}
    assert len(errors.error_frame(instance(NotUpToDate), hidden=hidden).missed) == 5
    assert len(errors.not_up_to_date(instance(NotUpToDate), hidden=hidden).missed) == 5
