"""The program that makes one thumbnail: an image comes on stdin, a small WebP goes to stdout.

It runs in a process of its own (see `thumbnails`), bounded in memory and time, because decoders of
images are large, old, and fed by strangers. Nothing that the image says about itself (place, time,
camera) goes into the thumbnail; only which way up it is to be held is obeyed.
"""

import resource
import sys
from typing import BinaryIO, Final

from PIL import Image, ImageOps, UnidentifiedImageError

from folkmoot.files.shrinking_codes import NOT_AN_IMAGE, TOO_MANY_PIXELS

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")
MEMORY_BYTES: Final = 1024 * 1024 * 1024
CPU_SECONDS: Final = 10


def shrink(source: BinaryIO, target: BinaryIO, *, max_pixels: int, max_side: int) -> int:
    """Write the thumbnail of an image; the exit code, 0 if there is one now."""
    # Ours comes first, and says which fault it is.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(source, formats=FORMATS) as image:
            if image.width * image.height > max_pixels:
                return TOO_MANY_PIXELS
            image.thumbnail((max_side, max_side))
            small = _clean(ImageOps.exif_transpose(image))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError):
        return NOT_AN_IMAGE
    small.save(target, "WEBP", quality=80)
    return 0


def _clean(image: Image.Image) -> Image.Image:
    """The pixels alone."""
    mode = "RGBA" if image.has_transparency_data else "RGB"
    pixels = image.convert(mode)
    clean = Image.new(mode, pixels.size)
    clean.paste(pixels)
    return clean


def main(arguments: list[str]) -> int:
    """Shrink what is on stdin; the arguments are the most pixels and the longest side."""
    max_pixels, max_side = (int(one) for one in arguments)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return shrink(sys.stdin.buffer, sys.stdout.buffer, max_pixels=max_pixels, max_side=max_side)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
