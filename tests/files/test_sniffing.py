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


def branded(major: bytes, *others: bytes) -> bytes:
    """The beginning of an ISO base media file."""
    box = b"ftyp" + major + bytes(4) + b"".join(others)
    return (len(box) + 4).to_bytes(4) + box + b"\0\0\0\x08free"


def tracked(kind: bytes, *codecs: bytes) -> bytes:
    """The beginning of a Matroska file with a track for each codec."""
    tracks = b"".join(b"\xae\x86" + bytes([0x80 + len(one)]) + one for one in codecs)
    return b"\x1a\x45\xdf\xa3\x9f\x42\x82" + bytes([0x80 + len(kind)]) + kind + tracks


def paged(codec: bytes) -> bytes:
    return b"OggS\0\x02" + bytes(20) + bytes([1, len(codec)]) + codec


SEEN = [
    (branded(b"avif", b"mif1", b"miaf"), "image/avif"),
    (branded(b"avis", b"avif", b"msf1"), "image/avif"),
    (branded(b"mif1", b"miaf", b"avif"), "image/avif"),
    (branded(b"mif1", b"heic"), "image/heic"),
    (branded(b"heic", b"mif1"), "image/heic"),
    (branded(b"heix"), "image/heic"),
    (branded(b"hevc", b"msf1"), "image/heic-sequence"),
    (branded(b"mif1"), "image/heif"),
    (branded(b"M4A ", b"mp42", b"isom"), "audio/mp4"),
    (branded(b"M4B "), "audio/mp4"),
    (branded(b"isom", b"M4A "), "audio/mp4"),
    (branded(b"M4V ", b"M4A ", b"mp42", b"isom"), "video/mp4"),
    (branded(b"qt  "), "video/quicktime"),
    (b"\0\0\0\x08wide\0\0\1\0mdat", "video/quicktime"),
    (b"\0\0\x10\0moov\0\0\x0f\xf8mvhd", "video/quicktime"),
    (branded(b"isom", b"iso2", b"avc1", b"mp41"), "video/mp4"),
    (branded(b"mp42"), "video/mp4"),
    (branded(b"dash"), "video/mp4"),
    (branded(b"iso6"), "video/mp4"),
    (branded(b"3gp5"), "video/3gpp"),
    (branded(b"3g2a"), "video/3gpp2"),
    (branded(b"crx "), "image/x-canon-cr3"),
    (branded(b"what"), "application/mp4"),
    (b"\0\0\0\x04ftypavif" + bytes(8), "image/avif"),
    (tracked(b"webm", b"V_VP9", b"A_OPUS"), "video/webm"),
    (tracked(b"webm", b"A_OPUS"), "audio/webm"),
    (tracked(b"matroska", b"V_MPEG4/ISO/AVC"), "video/x-matroska"),
    (tracked(b"matroska", b"A_FLAC"), "audio/x-matroska"),
    (paged(b"OpusHead\1\2"), "audio/ogg"),
    (paged(b"\1vorbis\0"), "audio/ogg"),
    (paged(b"\x80theora\3"), "video/ogg"),
    (picture("AVIF"), "image/avif"),
    (picture("BMP"), "image/bmp"),
    (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav"),
    (b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
    (b"\x1f\x8b\x08\0" + bytes(20), "application/gzip"),
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
