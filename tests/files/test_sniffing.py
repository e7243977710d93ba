from io import BytesIO
from zipfile import ZipFile

import pytest

from folkmoot.files.sniffing import HEAD_BYTES, media_type_of, served_type
from tests.deadlines import costs_less_than
from tests.files.pictures import noise, picture

OFFICE = "application/vnd.openxmlformats-officedocument."


def archive(*names: str) -> bytes:
    target = BytesIO()
    with ZipFile(target, "w") as file:
        for name in names:
            file.writestr(name, "application/epub+zip")
    return target.getvalue()


SEEN = [
    (picture("PNG"), "image/png"),
    (picture("JPEG"), "image/jpeg"),
    (picture("GIF"), "image/gif"),
    (picture("WEBP"), "image/webp"),
    (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "application/pdf"),
    (b"%PDF-1.7\n1 0 obj", "application/pdf"),
    (b"Hello, B\xc3\xb6!", "text/plain"),
    ("ö".encode() * HEAD_BYTES, "text/plain"),
    (b"function(){}", "text/plain"),
    (b"  <!DOCTYPE html><script>alert(1)</script>", "text/html"),
    (b"\xef\xbb\xbf<HTML>", "text/html"),
    (b"<svg onload='alert(1)'/>", "image/svg+xml"),
    (b"<?xml version='1.0'?>\n<!-- --><svg/>", "image/svg+xml"),
    (b"<?xml version='1.0'?><note/>", "text/xml"),
    (b"\xff\xfe\x00\x01no kind of file", "application/octet-stream"),
    (b"PK\x03\x04" + bytes(100), "application/zip"),
    (archive("a.txt"), "application/zip"),
    (archive("[Content_Types].xml", "word/document.xml"), f"{OFFICE}wordprocessingml.document"),
    (archive("[Content_Types].xml", "xl/workbook.xml"), f"{OFFICE}spreadsheetml.sheet"),
    (archive("mimetype"), "application/epub+zip"),
    (noise(500), "application/octet-stream"),
]


@pytest.mark.parametrize(("content", "media_type"), SEEN)
def test_the_content_says_what_a_file_is(content, media_type):
    assert media_type_of(content[:HEAD_BYTES]) == media_type


def test_half_a_signature_is_no_picture():
    assert not media_type_of(b"\x89PNG\x00\x00\x00").startswith("image/")
    assert not media_type_of(b"GIF89\x00alert(1)").startswith("image/")


@pytest.mark.parametrize(
    "media_type", ["text/html", "image/svg+xml", "text/xml", "application/xhtml+xml", "text/css"]
)
def test_nothing_that_a_browser_would_run_is_served_as_what_it_is(media_type):
    assert served_type(media_type) == "application/octet-stream"


@pytest.mark.parametrize(
    "media_type", ["image/png", "text/plain", "video/mp4", "application/pdf", "audio/mpeg"]
)
def test_what_a_browser_only_shows_is_served_as_what_it_is(media_type):
    assert served_type(media_type) == media_type


@pytest.mark.parametrize("content", [b"<" * HEAD_BYTES, b" " * HEAD_BYTES, bytes(HEAD_BYTES)])
def test_looking_costs_next_to_nothing(content):
    with costs_less_than(0.1):
        media_type_of(content)
