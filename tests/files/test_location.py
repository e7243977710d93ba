import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational

from folkmoot.files.location import forget_location
from tests.deadlines import costs_less_than
from tests.files.pictures import GPS_IFD, ON_ITS_SIDE, ORIENTATION, noise, picture

MAKER = 0x010F
CAMERA = "A camera"
LATITUDE = (IFDRational(47, 1), IFDRational(22, 1), IFDRational(4711, 100))
LATITUDE_BYTES = {"<": struct.pack("<6I", 47, 1, 22, 1, 4711, 100),
                  ">": struct.pack(">6I", 47, 1, 22, 1, 4711, 100)}  # fmt: skip
PACKET = b"""<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
 xmlns:exif="http://ns.adobe.com/exif/1.0/" exif:GPSLatitude="47,22.4711N"
 xmlns:photoshop="p:" photoshop:City='Wicketville' xmlns:xmp="x:" xmp:Rating="5">
<exif:GPSLongitude>8,32.4711E</exif:GPSLongitude>
<Iptc4xmpExt:LocationCreated xmlns:Iptc4xmpExt="i:"><rdf:Bag><rdf:li>Wicketville</rdf:li></rdf:Bag>
</Iptc4xmpExt:LocationCreated><xmp:Label>Blue</xmp:Label></rdf:Description></rdf:RDF></x:xmpmeta>"""
TELLING = [b"4711", b"Wicketville"]


def exif(order: str = "<") -> Image.Exif:
    """What a camera writes: by whom, which way up, and where."""
    found = Image.Exif()
    found.endian = order
    found[MAKER], found[ORIENTATION] = CAMERA, ON_ITS_SIDE
    found.get_ifd(GPS_IFD).update({1: "N", 2: LATITUDE, 3: "E", 4: LATITUDE})
    return found


def without_location(tmp_path: Path, content: bytes, media_type: str) -> bytes:
    path = tmp_path / "file"
    path.write_bytes(content)
    changed = forget_location(path, media_type)
    after = path.read_bytes()
    assert changed is (after != content)
    assert len(after) == len(content)
    return after


def shown(content: bytes) -> Image.Image:
    image = Image.open(BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_picture_forgets_where_it_was_made_and_nothing_else(tmp_path, form, order):
    content = picture(form, exif=exif(order).tobytes())
    assert LATITUDE_BYTES[order] in content

    after = without_location(tmp_path, content, f"image/{form.lower()}")

    assert LATITUDE_BYTES[order] not in after
    kept = shown(after).getexif()
    assert GPS_IFD not in kept
    assert (kept[MAKER], kept[ORIENTATION]) == (CAMERA, ON_ITS_SIDE)
    assert shown(after).tobytes() == shown(content).tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_raw_picture_forgets_where_it_was_made(tmp_path, order):
    content = exif(order).tobytes().removeprefix(b"Exif\0\0")

    after = without_location(tmp_path, content, "image/tiff")

    assert LATITUDE_BYTES[order] not in after
    assert CAMERA.encode() in after


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "AVIF", "TIFF"])
def test_a_packet_of_xmp_loses_the_fields_that_name_a_location(tmp_path, form):
    content = picture(form, xmp=PACKET) if form != "TIFF" else picture(form, tiffinfo={700: PACKET})
    assert all(word in content for word in TELLING)

    after = without_location(tmp_path, content, f"image/{form.lower()}")

    assert not [word for word in TELLING if word in after]
    assert b'xmp:Rating="5"' in after
    assert b"<xmp:Label>Blue</xmp:Label>" in after
    assert shown(after).tobytes() == shown(content).tobytes()


@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize("keyword", ["XML:com.adobe.xmp", "Raw profile type exif"])
def test_texts_of_a_png_that_hold_metadata_become_empty(tmp_path, keyword, is_compressed):
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt(keyword, PACKET.decode(), zip=is_compressed)
    texts.add_text("Title", "A whale", zip=is_compressed)
    content = picture("PNG", pnginfo=texts)

    after = without_location(tmp_path, content, "image/png")

    image = shown(after)
    assert image.text.pop("Comment").strip() == ""
    assert image.text == {"Title": "A whale"}
    assert image.tobytes() == shown(content).tobytes()
    chunks = after[8:]
    while chunks:
        length = int.from_bytes(chunks[:4])
        assert zlib.crc32(chunks[4 : 8 + length]) == int.from_bytes(
            chunks[8 + length : 12 + length]
        )
        chunks = chunks[12 + length :]


def test_records_of_iptc_that_name_a_location_become_blank(tmp_path):
    def record(number: int, text: bytes) -> bytes:
        return struct.pack(">BBBH", 0x1C, 2, number, len(text)) + text

    records = record(90, b"Wicketville") + record(5, b"A whale") + record(101, b"Nowhere")
    block = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(records)) + records
    segment = b"\xff\xed" + struct.pack(">H", len(block) + 2) + block
    plain = picture("JPEG")

    after = without_location(tmp_path, plain[:2] + segment + plain[2:], "image/jpeg")

    assert record(90, b" " * 11) + record(5, b"A whale") + record(101, b" " * 7) in after


def test_every_picture_of_a_file_with_several_forgets(tmp_path):
    one = picture("JPEG", exif=exif().tobytes())
    after = without_location(tmp_path, one + noise(3_000_000) + one, "image/jpeg")
    assert LATITUDE_BYTES["<"] not in after


def test_a_mark_on_the_edge_of_what_is_read_at_once_is_found(tmp_path):
    block = b"Exif\0\0" + exif().tobytes().removeprefix(b"Exif\0\0")
    for edge in range(2**20 - 8, 2**20 + 1):
        after = without_location(tmp_path, bytes(edge) + block, "image/heic")
        assert LATITUDE_BYTES["<"] not in after


@pytest.mark.parametrize(
    ("film", "media_type"),
    [
        (b"\0\0\0\x1e\xa9xyz\0\x12\x15\xc7+47.4711+008.4711/", "video/mp4"),
        (
            b"\0\0\0\x2cmdtacom.apple.quicktime.location.ISO6709"
            + b"\0\0\0\x20ilst\0\0\0\x01data\0\0\0\1\0\0\0\0+47.4711+008.4711+400.4711/",
            "video/quicktime",
        ),
    ],
)
def test_a_film_forgets_where_it_was_made(tmp_path, film, media_type):
    after = without_location(tmp_path, noise(2_000_000) + film + noise(100), media_type)
    assert b"4711" not in after


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (picture("JPEG"), "image/jpeg"),
        (picture("PNG"), "image/png"),
        (PACKET, "text/plain"),
        (PACKET, "image/svg+xml"),
        (b"+47.4711+008.4711/", "application/octet-stream"),
        (b"", "image/jpeg"),
    ],
)
def test_what_names_no_location_or_is_none_of_these_is_left_alone(tmp_path, content, media_type):
    assert without_location(tmp_path, content, media_type) == content


MEGABYTES = 4_000_000
HEADER = b"II*\0\x08\0\0\0"
HOSTILE = {
    "a directory that points to itself": HEADER + b"\1\0\x69\x87\4\0\1\0\0\0\x08\0\0\0\x08\0\0\0",
    "more entries than there is": HEADER + b"\xff\xff" + b"\x25\x88\4\0\1\0\0\0\x08\0\0\0" * 9,
    "directories of GPS that are each other": HEADER
    + b"\xff\xff"
    + b"\x25\x88\4\0\xff\xff\xff\xff\x0a\0\0\0" * 300_000,
    "nothing but marks": b"Exif\0\0II*\0\x08\0\0\0" * (MEGABYTES // 14),
    "elements that never end": b"<rdf:RDF" + b"<a:City>" * (MEGABYTES // 8),
    "packets that never end": b"<rdf:RDF " * (MEGABYTES // 9),
    "fields that never end": b"<rdf:RDF" + b" a:City='" * (MEGABYTES // 9),
    "names that never end": b"<rdf:RDF " + b"a:GPS" + b"a" * MEGABYTES,
    "spaces without end": b"<rdf:RDF <a:City" + b" " * MEGABYTES,
    "records without end": b"8BIM\x04\x04\0\0\0\0\0\0" + b"\x1c\2\x5a\0\0" * (MEGABYTES // 5),
    "numbers without end": b"\xa9xyz" + b"+1" * (MEGABYTES // 2),
    "half a header": b"II*\0\x08",
    "a chunk that says it is larger": b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffeXIfII*\0",
    "chunks without end": b"\x89PNG\r\n\x1a\n" + bytes(4) + b"teXt" + bytes(MEGABYTES),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("media_type", ["image/jpeg", "image/heic", "image/png", "video/mp4"])
def test_what_was_made_to_take_long_does_not(tmp_path, content, media_type):
    with costs_less_than(1.0):
        without_location(tmp_path, content, media_type)
