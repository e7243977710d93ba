"""Every way in which anything in the server can say no has an answer in this contract."""

import msgspec
import pytest

from folkmoot.contracts.support import errors
from folkmoot.core.accounts.errors import TokenExpired, TokenMissing
from folkmoot.core.messages.errors import NotUpToDate
from folkmoot.core.shared.refusals import TooManyRequests, Unavailable
from folkmoot.realtime.wire_format import CloseReason
from tests.contracts.sessions.test_errors import every_fault, instance
from tests.contracts.support.samples import AGENT, SHOWN


@every_fault
def test_an_event_refused_by_it_is_answered_with_a_code_and_a_sentence(kind):
    error = errors.error_data(instance(kind))

    assert error["code"] == kind.code
    assert error["message"]
    msgspec.json.encode(error)


@every_fault
def test_a_client_turned_away_by_it_reads_why(kind):
    refusal = errors.rejection_of(instance(kind))

    assert refusal.message
    assert refusal.data is not None
    assert refusal.data["code"] == kind.code


@pytest.mark.parametrize("refusal", [TokenMissing(), TokenExpired()])
def test_whoever_shows_nothing_valid_has_to_authenticate(refusal):
    assert errors.rejection_of(refusal).message == "authentication required"


def test_an_ending_says_whether_to_come_back():
    codes = {close_reason: errors.close_code(close_reason)[0] for close_reason in CloseReason}

    assert codes[CloseReason.SHUTDOWN] == codes[CloseReason.SILENT] == errors.COME_BACK
    assert codes[CloseReason.LOGIN_ENDED] == codes[CloseReason.TOKEN_EXPIRED] == errors.RIGHTS_LOST


def test_who_is_too_early_is_told_when():
    assert errors.error_data(TooManyRequests(retry_after=1.23456))["retry_after"] == 1.235
    assert "retry_after" not in errors.error_data(Unavailable())


def test_what_was_missed_of_hidden_authors_is_told_to_nobody():
    events = [event for event, _ in SHOWN[:5]]
    refusal = NotUpToDate(if_last_seq=1, last_seq=9, missed=events)

    assert errors.missed_in(refusal, ()) == events
    assert len(errors.missed_in(refusal, {AGENT.id})) == 3
    assert errors.missed_in(Unavailable(), ()) == []
