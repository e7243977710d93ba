"""Pictures made for tests, harmless ones and others."""

import struct
import zlib
from io import BytesIO

from PIL import Image

GPS_IFD, LATITUDE_REF, ORIENTATION = 0x8825, 1, 0x0112
ON_ITS_SIDE = 6
SECRET_PLACE = "N-secret-index"


def picture(form: str = "PNG", size: tuple[int, int] = (40, 20), **options: object) -> bytes:
    """An orange picture."""
    target = BytesIO()
    Image.new("RGB", size, "orange").save(target, form, **options)
    return target.getvalue()


def holiday_picture(size: tuple[int, int] = (40, 20)) -> bytes:
    """A JPEG that tells where it was made, and lies on its side."""
    exif = Image.Exif()
    exif[ORIENTATION] = ON_ITS_SIDE
    exif.get_ifd(GPS_IFD)[LATITUDE_REF] = SECRET_PLACE
    return picture("JPEG", size, exif=exif, comment=SECRET_PLACE.encode())


def bomb(width: int = 50_000, height: int = 50_000) -> bytes:
    """A small PNG that says it unfolds to 50,000 times 50,000 pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000))
    parts = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


def noise(count: int) -> bytes:
    """Bytes that are no kind of file, always the same ones."""
    block = bytes((31 * index * index + 7) % 256 for index in range(65_537))
    return (block * (count // len(block) + 1))[:count]
