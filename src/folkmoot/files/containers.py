"""What files are whose first bytes name a container only: by their brands and their codecs."""

import re
from typing import Final

# An ISO base media file (ISO/IEC 14496-12) begins with a box `ftyp`: its length, a brand, the
# brand's version, and the brands of all that the file can be read as.
_FTYP: Final = re.compile(rb"(.{4})ftyp(.{4}).{4}", re.DOTALL)
_MOST_BRANDS: Final = 64
_PRECISE: Final = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis"), "image/heic"),
    **dict.fromkeys((b"hevc", b"hevx", b"hevm", b"hevs"), "image/heic-sequence"),
    b"crx ": "image/x-canon-cr3",
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "), "audio/mp4"),
    b"qt  ": "video/quicktime",
}
"""Brands that say what the file is. Any other of its brands may be the one that does."""
_LOOSE: Final = {b"mif1": "image/heif", b"mif2": "image/heif", b"msf1": "image/heif-sequence"}
_TELEPHONE: Final = re.compile(rb"3g(?:(p|e|g|s|r|h)|2).")
_VIDEO: Final = re.compile(
    rb"iso.|mp4.|mp7.|avc.|hvc.|av01|M4V.|f4v |F4V |dash|msdh|cmf.|MSNV|mmp4"
)
_SHOWN: Final = {b"M4V ", b"M4VH", b"M4VP", b"avc1"}
# What QuickTime wrote before there was `ftyp`.
_QUICKTIME: Final = re.compile(rb"\x00.{3}(?:moov|mdat|wide|pnot|skip|free)", re.DOTALL)

_OGG: Final = b"OggS\x00"
_OGG_VIDEO: Final = re.compile(rb"\x80theora|\x01video\x00|BBCD\x00|fishead\x00")

_MATROSKA: Final = b"\x1a\x45\xdf\xa3"
# The codecs of a file's tracks, as Matroska names them: `V_VP9`, `A_OPUS`.
_SOUND_TRACK: Final = re.compile(rb"\x86[\x80-\xff]A_[A-Z]")
_VIDEO_TRACK: Final = re.compile(rb"\x86[\x80-\xff]V_[A-Z]")


def container_type(head: bytes) -> str | None:
    """The media type of a file that begins like this, if that is one of these containers."""
    if _FTYP.match(head):
        return _of_brands(head)
    if _QUICKTIME.match(head):
        return "video/quicktime"
    if head.startswith(_OGG):
        return "video/ogg" if _OGG_VIDEO.search(head[:512]) else "audio/ogg"
    if head.startswith(_MATROSKA):
        return _of_tracks(head)
    return None


def _of_brands(head: bytes) -> str:
    length = min(int.from_bytes(head[:4]), len(head), 4 * _MOST_BRANDS)
    brand, others = head[8:12], [head[at : at + 4] for at in range(16, length, 4)]
    if brand in _PRECISE:
        return _PRECISE[brand]
    if telephone := _TELEPHONE.match(brand):
        return "video/3gpp" if telephone[1] else "video/3gpp2"
    if brand in _LOOSE:
        pictures = (_PRECISE[one] for one in others if one in _PRECISE)
        return next((one for one in pictures if one.startswith("image/")), _LOOSE[brand])
    if not _VIDEO.match(brand):
        return "application/mp4"
    is_sound = b"M4A " in others and not _SHOWN & {brand, *others}
    return "audio/mp4" if is_sound else "video/mp4"


def _of_tracks(head: bytes) -> str:
    is_sound = _SOUND_TRACK.search(head) and not _VIDEO_TRACK.search(head)
    if b"webm" in head[:64]:
        return "audio/webm" if is_sound else "video/webm"
    return "audio/x-matroska" if is_sound else "video/x-matroska"
