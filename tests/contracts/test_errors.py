"""Every way in which anything in the server can say no has an answer in every contract."""

import importlib
import json
import pkgutil
import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

import folkmoot
from folkmoot.contracts.assistant import codec as assistant_codec
from folkmoot.contracts.assistant import errors as assistant
from folkmoot.contracts.assistant.spec import SPEC as ASSISTANT
from folkmoot.contracts.catalogue import CONTRACTS
from folkmoot.contracts.conversations import codec as conversations_codec
from folkmoot.contracts.conversations import errors as conversations
from folkmoot.contracts.conversations.spec import SPEC as CONVERSATIONS
from folkmoot.contracts.friends import errors as friends
from folkmoot.contracts.friends.spec import SPEC as FRIENDS
from folkmoot.contracts.sessions import errors as sessions
from folkmoot.contracts.sessions.spec import SPEC as SESSIONS
from folkmoot.contracts.support import errors as support
from folkmoot.core.accounts.errors import (
    AccountInactive,
    LoginRevoked,
    OriginNotAllowed,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
)
from folkmoot.core.conversations.errors import NoSuchConversation, NotADesk, NotAMember
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
from folkmoot.kit.json_frame import json_frame
from folkmoot.kit.json_wire_format import JsonWireFormat
from folkmoot.kit.rejections import COME_BACK, MAX_REASON_BYTES, RESTART, CloseCodes, missed_in
from folkmoot.kit.socket_spec import SocketSpec
from folkmoot.realtime.entrance import TooManyConnections
from folkmoot.realtime.wire_format import CloseReason
from folkmoot.server.http.refusals import answer_to, status_of
from tests.contracts.samples import LOBBY_UID, TIMELINE
from tests.contracts.sessions.samples import NOW, WIRE_FORMAT
from tests.contracts.support.samples import AGENT, SHOWN
from tests.events import ANA

KINDS = {Invalid, Unauthenticated, Forbidden, NotFound, Conflict, TooMany, Refusal}
MISSED = list(TIMELINE[:8])
HERE = {"conversation": LOBBY_UID, "account": ANA.uid, "at": NOW}


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
    return sorted(ours, key=lambda kind: f"{kind.__module__}.{kind.__qualname__}")


def instance(kind: type, missed: list[Any]) -> Any:
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
        facts |= {"last_seq": 9, "missed": missed}
    return kind(**facts)


@dataclass(frozen=True)
class Answers:
    """How one contract answers refusals, under one form for all of them.

    ``frame`` makes an error frame, ``facts`` is the part of it that programs read.
    """

    spec: SocketSpec
    frame: Callable[..., Any]
    close_codes: CloseCodes
    wire_format: JsonWireFormat | None = None
    missed: list[Any] = field(default_factory=list)
    facts: Callable[[Any], Any] = lambda frame: frame

    def refused(self, kind: type, *, hidden: Any = (), **given: Any) -> Any:
        refusal = instance(kind, self.missed)
        if self.wire_format is not None:
            given["missed"] = self.wire_format.missed(refusal, hidden)
        return self.frame(refusal, **given)


OVER_WEBSOCKETS = {
    "conversations": Answers(
        CONVERSATIONS,
        conversations.error_frame,
        conversations.CLOSE_CODES,
        conversations_codec.WIRE_FORMAT,
        MISSED,
    ),
    "sessions": Answers(
        SESSIONS,
        lambda refusal, **given: sessions.error_frame(refusal, **HERE, **given),
        sessions.CLOSE_CODES,
        WIRE_FORMAT,
        MISSED,
        lambda frame: frame.metadata,
    ),
    "assistant": Answers(
        ASSISTANT,
        assistant.error_frame,
        assistant.CLOSE_CODES,
        assistant_codec.WIRE_FORMAT,
        MISSED,
    ),
    "friends": Answers(FRIENDS, friends.error_frame, friends.CLOSE_CODES),
}
SHOWS_MISSED = ["conversations", "sessions", "assistant"]
FAULTS = _all_faults()
every_fault = pytest.mark.parametrize("kind", FAULTS, ids=lambda kind: kind.__qualname__)
every_contract = pytest.mark.parametrize(
    "contract", OVER_WEBSOCKETS.values(), ids=OVER_WEBSOCKETS.keys()
)


def test_no_contract_is_left_out():
    live = {spec.name for contract in CONTRACTS for spec in contract.specs}
    assert live == OVER_WEBSOCKETS.keys() | {"support"}


def test_the_walk_finds_the_faults_of_every_storey():
    modules = {kind.__module__.split(".")[1] for kind in FAULTS}
    assert {"core", "auth", "storage", "realtime", "contracts"} <= modules


@every_fault
def test_it_has_a_stable_code_and_a_sentence(kind):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)
    assert str(instance(kind, [])).endswith((".", "'.", ":"))


@every_fault
def test_a_request_refused_by_it_is_answered_with_the_status_of_its_kind(kind):
    fault = instance(kind, [])
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


@every_contract
@every_fault
def test_a_client_rejected_by_it_reads_a_close_code_that_is_described_and_why(contract, kind):
    code, reason, _ = contract.close_codes.rejecting(instance(kind, contract.missed))
    assert code in contract.spec.close_codes
    assert 0 < len(reason.encode()) <= MAX_REASON_BYTES


@every_contract
@every_fault
def test_a_frame_refused_by_it_is_answered_with_an_error_frame(contract, kind):
    frame = contract.refused(kind, client_id="mine")
    facts = contract.facts(frame)
    assert type(frame) in contract.spec.outbound
    assert (facts.code, facts.client_id) == (kind.code, "mine")
    assert getattr(frame, "message", None) or frame.content
    assert (facts.field == "content") == issubclass(kind, Invalid)
    assert (facts.retry_after == 1.5) == issubclass(kind, TooMany)
    assert (facts.last_seq == 9) == issubclass(kind, NotUpToDate)
    assert json_frame(frame)


def passes(kind: type) -> bool:
    return issubclass(kind, TooMany | Unavailable)


@every_contract
@every_fault
def test_what_passes_by_itself_says_so_and_when_in_every_frame(contract, kind):
    said = json.loads(msgspec.json.encode(contract.refused(kind)))
    said = said.get("metadata", said)
    wanted = instance(kind, []).retry_after if passes(kind) else None
    assert (said.get("passing"), said.get("retry_after")) == (passes(kind) or None, wanted)


@every_fault
def test_what_passes_by_itself_says_so_and_when_over_rest_and_socket_io(kind):
    fault = instance(kind, [])
    answer = answer_to(fault)
    wanted = fault.retry_after if passes(kind) else None
    rejection = support.rejection_of(fault).data
    for said in (json.loads(answer.body), support.error_data(fault), rejection):
        assert (said.get("passing"), said.get("retry_after")) == (passes(kind) or None, wanted)
    assert answer.headers.get("retry-after") == (None if wanted is None else str(ceil(wanted)))


@every_contract
@pytest.mark.parametrize("close_reason", CloseReason)
def test_every_close_reason_has_a_close_code_that_is_described(contract, close_reason):
    code, reason = contract.close_codes.closing(close_reason)
    assert code in contract.spec.close_codes
    assert reason == close_reason.value
    assert 0 < len(reason.encode()) <= MAX_REASON_BYTES


@pytest.mark.parametrize("name", SHOWS_MISSED)
def test_who_is_behind_is_told_what_they_missed_as_the_socket_shows_it(name):
    contract = OVER_WEBSOCKETS[name]
    missed = contract.facts(contract.refused(NotUpToDate)).missed
    tags = [type(one).__struct_config__.tag for one in missed]
    assert tags[:3] == ["message", "message_edited", "message_deleted"]


@pytest.mark.parametrize("name", SHOWS_MISSED)
def test_what_was_missed_of_hidden_authors_is_told_to_nobody(name):
    contract = OVER_WEBSOCKETS[name]
    frame = contract.refused(NotUpToDate, hidden={ANA.id})
    assert len(contract.facts(frame).missed) == 5


@pytest.mark.parametrize(
    ("name", "errors"), [("conversations", conversations), ("sessions", sessions)]
)
def test_over_rest_too_what_was_missed_of_hidden_authors_is_told_to_nobody(name, errors):
    contract = OVER_WEBSOCKETS[name]
    refusal = instance(NotUpToDate, contract.missed)
    missed = contract.wire_format.missed(refusal, {ANA.id})
    assert len(errors.not_up_to_date(refusal, missed).missed) == 5


@every_contract
def test_how_long_to_wait_is_told_to_the_millisecond(contract):
    frame = contract.frame(TooManyRequests(retry_after=1.23456))
    assert contract.facts(frame).retry_after == 1.235


TOO_MANY = TooManyConnections(retry_after=1.0, max_connections=1)


@pytest.mark.parametrize(
    ("name", "refusal", "code", "word"),
    [
        ("conversations", TokenMissing(), 4001, ""),
        ("conversations", TokenInvalid(), 4001, ""),
        ("conversations", TokenExpired(), 4001, ""),
        ("conversations", LoginRevoked(), 4001, ""),
        ("conversations", AccountInactive(), 4000, ""),
        ("conversations", OriginNotAllowed(), 4000, ""),
        ("conversations", NotAMember(), 4003, ""),
        ("conversations", NoSuchConversation(), 4004, ""),
        ("conversations", TooManyRequests(retry_after=1.0), 1013, ""),
        ("conversations", TOO_MANY, 1013, ""),
        ("conversations", StorageFull(), 1013, ""),
        ("conversations", None, 1011, ""),
        ("sessions", TokenMissing(), 1008, "invalid token"),
        ("sessions", TokenInvalid(), 1008, "invalid token"),
        ("sessions", TokenExpired(), 1008, "invalid token"),
        ("sessions", LoginRevoked(), 1008, "invalid token"),
        ("sessions", AccountInactive(), 1008, "deactivated"),
        ("sessions", NotAMember(), 1008, "not a participant"),
        ("sessions", NotADesk(), 1008, "session not found"),
        ("sessions", NoSuchConversation(), 1008, "session not found"),
        ("sessions", TOO_MANY, 1013, "at once"),
        ("sessions", StorageFull(), 1011, "space"),
        ("sessions", None, 1011, "our side"),
        ("assistant", TokenMissing(), 1008, "invalid token"),
        ("assistant", TokenInvalid(), 1008, "invalid token"),
        ("assistant", TokenExpired(), 1008, "invalid token"),
        ("assistant", LoginRevoked(), 1008, "invalid token"),
        ("assistant", AccountInactive(), 1008, "deactivated"),
        ("assistant", TOO_MANY, 1013, "at once"),
        ("assistant", StorageFull(), 1011, "space"),
        ("assistant", None, 1011, "our side"),
        ("friends", LoginRevoked(), 1008, ""),
        ("friends", AccountInactive(), 1008, ""),
        ("friends", TOO_MANY, 1013, ""),
        ("friends", StorageFull(), 1013, ""),
        ("friends", None, 1011, ""),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_client_is_rejected_with_the_code_and_reason_of_the_contract(name, refusal, code, word):
    given, reason, _ = OVER_WEBSOCKETS[name].close_codes.rejecting(refusal)
    assert given == code
    assert word in reason


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("conversations", (4000, 4000, 4000, 4003, 1008, 1013, 1012)),
        ("sessions", (1008, 1008, 1008, 1008, 1008, 1011, 1012)),
        ("assistant", (1008, 1008, 1008, 1008, 1008, 1011, 1012)),
        ("friends", (1008, 1008, 1008, 1008, 1008, 1013, 1012)),
    ],
)
def test_a_connection_ends_with_the_code_of_the_contract(name, codes):
    given = [
        OVER_WEBSOCKETS[name].close_codes.closing(close_reason)[0] for close_reason in CloseReason
    ]
    assert tuple(given) == codes


@every_fault
def test_friends_come_back_after_what_passes_and_after_nothing_else(kind):
    code = friends.CLOSE_CODES.rejecting(instance(kind, [])).code
    assert (code == COME_BACK) == issubclass(kind, TooMany | Unavailable)


def test_a_fault_of_ours_says_nothing_of_what_it_was():
    frame = friends.error_frame(None)
    assert (frame.code, frame.client_id) == ("internal_error", UNSET)


@every_fault
def test_the_assistant_says_why_in_a_last_frame_too(kind):
    last_frame = assistant.rejection_of(instance(kind, [])).last_frame
    assert b'"type":"error"' in last_frame
    assert kind.code.encode() in last_frame


def test_the_assistant_names_the_session_in_which_a_frame_was_refused():
    frame = OVER_WEBSOCKETS["assistant"].refused(NotAMember, session=LOBBY_UID)
    assert frame.session_id == LOBBY_UID


def test_a_session_names_itself_and_the_account_in_an_error():
    frame = OVER_WEBSOCKETS["sessions"].refused(NotAMember)
    assert (frame.chat_session_id, frame.user_id) == (LOBBY_UID, ANA.uid)


# -- support, over Socket.IO ---------------------------------------------------------------------


@every_fault
def test_an_event_refused_by_it_is_answered_with_a_code_and_a_sentence(kind):
    error = support.error_data(instance(kind, []))
    assert error["code"] == kind.code
    assert error["message"]
    msgspec.json.encode(error)


@every_fault
def test_a_socket_io_client_rejected_by_it_reads_why(kind):
    refusal = support.rejection_of(instance(kind, []))
    assert refusal.message
    assert refusal.data is not None
    assert refusal.data["code"] == kind.code


@pytest.mark.parametrize("refusal", [TokenMissing(), TokenExpired()])
def test_whoever_shows_nothing_valid_has_to_authenticate(refusal):
    assert support.rejection_of(refusal).message == "authentication required"


def test_a_close_reason_says_whether_to_come_back():
    codes = {
        close_reason: support.CLOSE_CODES.closing(close_reason)[0] for close_reason in CloseReason
    }
    assert codes[CloseReason.SHUTDOWN] == codes[CloseReason.SILENT] == RESTART
    assert codes[CloseReason.LOGIN_ENDED] == support.RIGHTS_LOST
    assert codes[CloseReason.TOKEN_EXPIRED] == support.RIGHTS_LOST


def test_who_is_too_early_is_told_when():
    assert support.error_data(TooManyRequests(retry_after=1.23456))["retry_after"] == 1.235
    assert "retry_after" not in support.error_data(NotAMember())


def test_support_shows_nobody_what_was_missed_of_hidden_authors():
    events = [event for event, _ in SHOWN[:5]]
    refusal = NotUpToDate(if_last_seq=1, last_seq=9, missed=events)
    assert missed_in(refusal, ()) == events
    assert len(missed_in(refusal, {AGENT.id})) == 3
    assert missed_in(Unavailable(), ()) == []
