"""With what the program `shrinking` ends; apart from it, because it loads the library of images."""

from typing import Final

PROGRAM: Final = "folkmoot.files.shrinking"
TOO_MANY_PIXELS: Final = 3
NOT_AN_IMAGE: Final = 4
