"""Ids as clients write them: whatever can name nothing is refused as what it was to name."""

import pytest

from folkmoot.core.messages.errors import MentionUnknown, NoSuchAttachment, NoSuchMessage
from folkmoot.core.shared.ids import uid_of
from folkmoot.kit.ids import (
    MAX_NUMBER,
    mentions_of,
    message_id_of,
    message_uid_of,
    reply_uid_of,
    upload_id_of,
)

UID = "0190b2c4-5e0f-7f0e-9d1b-3a7e6c1f2b90"


def test_a_uuid_has_one_spelling():
    assert uid_of(UID.upper()) == UID
    assert uid_of("x") is None
    assert uid_of(f"{UID}0") is None


@pytest.mark.parametrize("text", ["7", "none", "", f"{UID}x"])
def test_a_text_that_no_message_can_have_names_none(text):
    with pytest.raises(NoSuchMessage):
        message_uid_of(text)


@pytest.mark.parametrize("number", [0, -1, MAX_NUMBER + 1])
def test_a_number_that_no_message_can_have_names_none(number):
    with pytest.raises(NoSuchMessage):
        message_id_of(number)


def test_an_answer_to_nothing_answers_nothing():
    assert reply_uid_of(None) is None
    assert reply_uid_of(UID) == UID


def test_one_mention_of_nobody_spoils_them_all():
    assert mentions_of(None) == []
    assert mentions_of([UID]) == [UID]
    with pytest.raises(MentionUnknown):
        mentions_of([UID, "bo"])


def test_a_path_is_no_name_of_a_file():
    assert upload_id_of(None) is None
    with pytest.raises(NoSuchAttachment):
        upload_id_of("../../etc")
