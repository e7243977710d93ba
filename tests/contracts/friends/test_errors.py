"""Every way in which anything in the server can say no has an answer in this contract."""

import importlib
import pkgutil
import string
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import UNSET

import folkmoot
from folkmoot.contracts.friends import codec, errors
from folkmoot.contracts.friends.spec import SPEC
from folkmoot.core.accounts.errors import AccountInactive, LoginRevoked
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.shared.refusals import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refusal,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from folkmoot.realtime.wire_format import CloseReason

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
    return sorted(ours, key=lambda kind: f"{kind.__module__}.{kind.__qualname__}")


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
        facts |= {"last_seq": 9, "missed": []}
    return kind(**facts)


every_fault = pytest.mark.parametrize("kind", _all_faults(), ids=lambda kind: kind.__qualname__)


@every_fault
def test_it_makes_an_error_frame_with_its_code_and_the_client_id(kind):
    refusal = instance(kind)

    frame = errors.error_frame(refusal, client_id="mine")

    assert (frame.code, frame.client_id) == (kind.code, "mine")
    assert frame.message
    assert (frame.field == "content") == isinstance(refusal, Invalid)
    assert (frame.retry_after == 1.5) == isinstance(refusal, TooMany)
    assert (frame.last_seq == 9) == isinstance(refusal, NotUpToDate)
    assert len(codec.encode(frame)) < 1000


@every_fault
def test_it_turns_a_client_away_with_a_code_that_the_documents_name(kind):
    code, reason = errors.rejection_of(instance(kind))

    assert code in SPEC.close_codes
    assert 0 < len(reason.encode()) <= 400
    comes_back = issubclass(kind, TooMany | Unavailable)
    assert (code == errors.COME_BACK) == comes_back


def test_a_lost_right_and_a_fault_of_ours_have_codes_of_their_own():
    assert errors.rejection_of(LoginRevoked())[0] == errors.NO_RIGHT
    assert errors.rejection_of(AccountInactive())[0] == errors.NO_RIGHT
    assert errors.rejection_of(None)[0] == errors.OUR_FAULT


@pytest.mark.parametrize("close_reason", CloseReason)
def test_every_ending_has_a_close_code_that_the_documents_name(close_reason):
    code, reason = errors.close_code(close_reason)

    assert code in SPEC.close_codes
    assert reason == close_reason.value


def test_a_fault_of_ours_says_nothing_of_what_it_was():
    frame = errors.fault_frame()

    assert (frame.code, frame.client_id) == ("internal_error", UNSET)
