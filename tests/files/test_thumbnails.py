from io import BytesIO

import pytest
from PIL import Image

from folkmoot.core.messages.errors import ImageTooLarge
from folkmoot.files import shrinking
from folkmoot.files.shrinking_codes import PROGRAM, TOO_MANY_PIXELS
from folkmoot.files.thumbnails import Thumbnails
from tests.files.pictures import SECRET_PLACE, bomb, holiday_picture, picture

pytestmark = pytest.mark.program
MAX_PIXELS = 4_000_000


async def made(tmp_path, content: bytes, **options: float) -> bytes | None:
    path = tmp_path / "image"
    path.write_bytes(content)
    return await Thumbnails(max_pixels=MAX_PIXELS, max_side=64, **options).of(path)


def opened(content: bytes | None) -> Image.Image:
    assert content is not None
    return Image.open(BytesIO(content))


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "AVIF"])
async def test_a_picture_becomes_a_small_one_of_the_same_shape(tmp_path, form):
    small = opened(await made(tmp_path, picture(form, (400, 200))))
    assert (small.format, small.size) == ("WEBP", (64, 32))


async def test_a_small_picture_is_not_made_larger(tmp_path):
    assert opened(await made(tmp_path, picture(size=(3, 2)))).size == (3, 2)


async def test_what_is_seen_through_stays_so(tmp_path):
    target = BytesIO()
    Image.new("RGBA", (10, 10), (255, 0, 0, 0)).save(target, "PNG")
    small = opened(await made(tmp_path, target.getvalue()))
    assert small.convert("RGBA").getpixel((5, 5))[3] == 0


async def test_a_thumbnail_is_the_right_way_up_and_tells_nothing(tmp_path):
    content = holiday_picture((40, 20))
    assert SECRET_PLACE.encode() in content
    small = await made(tmp_path, content)
    assert opened(small).size == (20, 40)
    assert not opened(small).getexif()
    assert b"EXIF" not in small
    assert SECRET_PLACE.encode() not in small


@pytest.mark.parametrize("shown", [None, 200])
async def test_a_bomb_is_refused_by_its_first_bytes(tmp_path, shown):
    with pytest.raises(ImageTooLarge):
        await made(tmp_path, bomb()[:shown])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        picture()[:50],
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"GIF89a/*" + b"x" * 1000,
        picture("TIFF"),
        picture("BMP"),
        bomb(1000, 1000)[:-30],
    ],
)
async def test_what_is_none_of_the_four_kinds_has_no_thumbnail(tmp_path, content):
    assert await made(tmp_path, content) is None


async def test_a_picture_that_takes_too_long_has_no_thumbnail(tmp_path):
    assert await made(tmp_path, picture(), seconds=0.01) is None


def test_the_most_pixels_are_still_allowed():
    source, target = BytesIO(picture(size=(10, 10))), BytesIO()
    assert shrinking.shrink(source, target, max_pixels=100, max_side=5) == 0
    source.seek(0)
    found = shrinking.shrink(source, target, max_pixels=99, max_side=5)
    assert found == TOO_MANY_PIXELS
    assert shrinking.__name__ == PROGRAM
