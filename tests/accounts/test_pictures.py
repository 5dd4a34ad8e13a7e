"""Uploaded pictures: PNG and JPEG, without anything that does not draw them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import pictures
from accounts.pictures import MOST_BYTES, PictureError
from tests.support.logos import JPEG, PNG_SIGNATURE, chunk, png

NOTE = b"\xff\xe1\x00\x0cExif\0\0GPS!"
COMMENT = b"\xff\xfe\x00\x08secret"


def test_a_png_is_kept_as_it_is():
    found = pictures.read(png(64, 32))

    assert (found.media_type, found.width, found.height) == ("image/png", 64, 32)
    assert found.content == png(64, 32)


def test_a_jpeg_is_kept_as_it_is():
    found = pictures.read(JPEG)

    assert (found.media_type, found.width, found.height) == ("image/jpeg", 32, 16)
    assert found.content == JPEG


def test_notes_of_programs_and_what_follows_the_end_stay_behind():
    noted = png(64, 32, more=chunk(b"tEXt", b"Author\0Tara") + chunk(b"eXIf", b"GPS"))

    assert pictures.read(noted + b"<script>").content == png(64, 32)
    assert pictures.read(JPEG[:2] + NOTE + COMMENT + JPEG[2:] + b"PK\3\4").content == JPEG


def test_chunks_that_draw_are_kept():
    colored = png(64, 32, more=chunk(b"sRGB", b"\0"))

    assert pictures.read(colored).content == colored


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "neither PNG nor JPEG"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "neither PNG nor JPEG"),
        (b"GIF89a" + bytes(100), "neither PNG nor JPEG"),
        (bytes(MOST_BYTES + 1), "32,769 bytes, more than 32,768"),
        (png(15, 32), "15 by 32 pixels: each side must have 16 to 1,024"),
        (png(1025, 32), "1025 by 32 pixels"),
        (PNG_SIGNATURE, "PNG file is damaged"),
        (png()[:-1], "PNG file is damaged"),
        (png().replace(b"\0\0\0\x40\0\0\0\x20", b"\0\0\0\x20\0\0\0\x20"), "PNG file is damaged"),
        (PNG_SIGNATURE + chunk(b"IEND", b""), "PNG file is damaged"),
        (JPEG[:-2], "JPEG file is damaged"),
        (JPEG[:40], "JPEG file is damaged"),
        (b"\xff\xd8\xff\xd9", "JPEG file is damaged"),
    ],
)
def test_anything_else_is_refused_with_the_reason(content, message):
    with pytest.raises(PictureError, match=message):
        pictures.read(content)


@given(st.sampled_from((JPEG, png(16, 16))), st.integers(0, 600), st.binary(max_size=6))
def test_a_damaged_file_is_read_or_refused_and_reading_again_changes_nothing(whole, at, damage):
    content = whole[:at] + damage + whole[at + len(damage) :]
    try:
        found = pictures.read(content)
    except PictureError:
        return

    assert pictures.read(found.content) == found
