"""A picture that somebody uploads, read as bytes and never decoded: PNG and JPEG, and nothing beside them.

What is kept is put together anew from the parts that draw the picture. Names, places and comments of a
camera or a program stay behind, and so does whatever follows the end of the picture. There is no SVG: it may
hold scripts.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

MOST_BYTES: Final = 32_768  # of the file, so that a page with it stays light
LEAST_SIDE: Final = 16  # pixels
MOST_SIDE: Final = 1_024

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_DRAWING_CHUNKS: Final = frozenset(
    {b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"IDAT", b"IEND"}
)
_CHUNK_FRAME: Final = 12  # bytes of a chunk beside its data: length, type, checksum
_JPEG: Final = b"\xff\xd8"
_MARKER: Final = 0xFF
_END: Final = 0xD9
_SCAN: Final = 0xDA
# Frames, without arithmetic coding, which browsers cannot read: baseline, extended, progressive.
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})
# Tables, restart interval, and Adobe's note of the colors. JFIF is the other application segment.
_DRAWING_SEGMENTS: Final = _FRAMES | {0xC4, 0xDB, 0xDD, 0xE0, 0xEE, _SCAN}
_RESTARTS: Final = frozenset({0x00, *range(0xD0, 0xD8)})  # within the data of a scan


class PictureError(ValueError):
    """The bytes are no picture that can be kept; the message says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of one of the kinds that are kept."""

    media_type: str
    width: int
    height: int
    content: bytes = field(repr=False)


def read(content: bytes) -> Picture:
    """The picture in the bytes of a file. Raises PictureError."""
    if len(content) > MOST_BYTES:
        raise PictureError(f"The file has {len(content):,} bytes, more than {MOST_BYTES:,}.")
    if content.startswith(_PNG):
        found = _read_png(content)
    elif content.startswith(_JPEG):
        found = _read_jpeg(content)
    else:
        raise PictureError("The file is neither PNG nor JPEG. Export the logo as one of the two.")
    sides = (found.width, found.height)
    if min(sides) < LEAST_SIDE or max(sides) > MOST_SIDE:
        raise PictureError(
            f"The picture has {sides[0]} by {sides[1]} pixels: each side must have"
            f" {LEAST_SIDE} to {MOST_SIDE:,}."
        )
    return found


def _read_png(content: bytes) -> Picture:
    """PNG (ISO/IEC 15948): a signature, then chunks, the first IHDR, the last IEND."""
    kept = list(_chunks(content))
    kinds = [kind for kind, _, _ in kept]
    header = kept[0][1] if kept else b""
    is_complete = kinds[:1] == [b"IHDR"] and kinds[-1:] == [b"IEND"] and b"IDAT" in kinds
    if not is_complete or len(header) != 13:  # bytes of an IHDR
        raise PictureError("The PNG file is damaged or incomplete. Export it again.")
    width, height = (int.from_bytes(header[at : at + 4]) for at in (0, 4))
    whole = _PNG + b"".join(chunk for kind, _, chunk in kept if kind in _DRAWING_CHUNKS)
    return Picture("image/png", width, height, whole)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """The kind, the data and all bytes of each chunk, up to the first that is damaged or the end."""
    at = len(_PNG)
    while at + _CHUNK_FRAME <= len(content):
        end = at + _CHUNK_FRAME + int.from_bytes(content[at : at + 4])
        chunk = content[at:end]
        if end > len(content) or zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
            return
        yield chunk[4:8], chunk[8:-4], chunk
        if chunk[4:8] == b"IEND":
            return
        at = end


def _read_jpeg(content: bytes) -> Picture:
    """JPEG (ITU-T T.81): markers with segments, a frame that has the size, scans, an end."""
    parts, size, at = [_JPEG], (0, 0), len(_JPEG)
    for marker, segment, end in _segments(content):
        at = end
        if marker in _FRAMES and len(segment) > 9:  # up to the width
            size = (int.from_bytes(segment[7:9]), int.from_bytes(segment[5:7]))
        if marker in _DRAWING_SEGMENTS:
            parts.append(segment)
    if size == (0, 0) or content[at : at + 2] != bytes((_MARKER, _END)):
        raise PictureError("The JPEG file is damaged or incomplete. Export it again.")
    return Picture("image/jpeg", *size, b"".join((*parts, content[at : at + 2])))


def _segments(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Each marker with its segment, and the data of a scan behind it, and where the next one begins."""
    at = len(_JPEG)
    while at + 4 <= len(content) and content[at] == _MARKER and content[at + 1] != _END:
        marker = content[at + 1]
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4])
        if marker == _SCAN:
            end = _end_of_scan(content, end)
        if end <= at + 3 or end > len(content):
            return
        yield marker, content[at:end], end
        at = end


def _end_of_scan(content: bytes, at: int) -> int:
    """The place of the next marker that is none of the data's own."""
    while True:
        at = content.find(_MARKER, at)
        if at < 0 or at + 1 >= len(content):
            return len(content) + 1
        if content[at + 1] not in _RESTARTS:
            return at
        at += 2
