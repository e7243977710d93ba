from contextlib import suppress

import pytest

from folkmoot.files.form import MAX_HEADER_BYTES, MAX_HEADERS, MAX_PARTS, FileForm, FormMalformed
from tests.deadlines import costs_less_than

KIND = "multipart/form-data; boundary=edge"
HEAD = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
FIELD = b'--edge\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
END = b"\r\n--edge--\r\n"


def taken(body: bytes, *, step: int = 65_536) -> tuple[str, bytes]:
    form = FileForm(KIND)
    found = [piece for at in range(0, len(body), step) for piece in form.feed(body[at : at + step])]
    return form.finish(), b"".join(found)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 65_536])
def test_the_file_comes_out_however_the_body_is_cut(step):
    content = b"\r\n--edg\r\n--\r\r\n" * 5
    assert taken(FIELD + HEAD + content + END, step=step) == ("a.txt", content)


def test_nothing_of_the_file_waits_for_its_end():
    form = FileForm(KIND)
    form.feed(HEAD)
    assert form.feed(b"x" * 1000) == [b"x" * 1000]


def test_an_empty_file_has_a_name_and_no_bytes():
    assert taken(HEAD + END) == ("a.txt", b"")


@pytest.mark.parametrize(
    "kind",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/mixed; boundary=edge",
        "multipart/form-data; boundary=",
        f"multipart/form-data; boundary={'b' * 10_000}",
    ],
)
def test_another_body_is_refused_before_anything_is_read(kind):
    with pytest.raises(FormMalformed):
        FileForm(kind)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense" * 100,
        HEAD + b"no closing boundary",
        FIELD + b"--edge--\r\n",
        HEAD.replace(b'"file"', b'"other"') + b"x" + END,
        HEAD.replace(b'; filename="a.txt"', b"") + b"x" + END,
        HEAD + b"x\r\n" + HEAD + b"y" + END,
        FIELD * (MAX_PARTS + 1) + HEAD + END,
        HEAD[:-2] + b"X: y\r\n" * MAX_HEADERS + b"\r\nx" + END,
        HEAD[:-2] + b"X: " + b"y" * MAX_HEADER_BYTES + b"\r\n\r\nx" + END,
        b"--edge\r\nbroken header\r\n\r\nx" + END,
        b"preamble " * 1000 + HEAD + b"x" + END,
    ],
)
def test_a_form_that_is_none_is_refused(body):
    with pytest.raises(FormMalformed):
        taken(body)


def test_another_field_is_passed_over():
    assert taken(FIELD * 3 + HEAD + b"x\r\n" + FIELD + b"--edge--\r\n") == ("a.txt", b"x")


def test_the_extended_name_of_a_part_does_not_count():
    head = HEAD.replace(b'"a.txt"', b"\"a.txt\"; filename*=UTF-8''..%2fb")
    assert taken(head + b"x" + END)[0] == "a.txt"


@pytest.mark.parametrize(
    "body",
    [
        FIELD * 100_000,
        HEAD[:-2] + b"X: y\r\n" * 100_000,
        b"\r\n" * 5_000_000,
        HEAD + b"\r\n--edg" * 1_000_000,
        HEAD + b"\r" * 10_000_000,
        HEAD + b"x" + END + b"epilogue" * 1_000_000,
    ],
)
def test_a_hostile_form_costs_little(body):
    with costs_less_than(1), suppress(FormMalformed):
        taken(body)


@pytest.mark.parametrize("filler", ["; a" * 20_000, ";" * 60_000, '; a="' * 15_000, " " * 60_000])
def test_a_hostile_content_type_costs_little(filler):
    with costs_less_than(1), pytest.raises(FormMalformed):
        FileForm("multipart/form-data" + filler)
