"""Files that people give: text in the encodings that spreadsheets write, and tables in CSV (RFC 4180)."""

import csv
from collections.abc import Iterator
from io import TextIOWrapper
from typing import BinaryIO, Final

_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_DELIMITERS: Final = ",;\t"
_NAMED: Final = "sep="  # by which Excel is told the delimiter, in a line of its own
_MOST_HEADER: Final = 65_536  # characters


class UnreadableFileError(Exception):
    """A file that is no table or no text, with the sentence for the person who gave it."""


def text_of(file: BinaryIO) -> TextIOWrapper:
    """The file as text: UTF-16 where its first bytes say so, UTF-8 otherwise, without the mark."""
    file.seek(0)
    start = file.read(2)
    file.seek(0)
    encoding = "utf-16" if start in _UTF_16 else "utf-8-sig"
    if len(start) == len(_UTF_16[0]) and 0 in start:  # no text begins with NUL
        encoding = "utf-16-be" if start[0] == 0 else "utf-16-le"
    return TextIOWrapper(file, encoding=encoding, newline="")


def rows(text: TextIOWrapper) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The rows that are not blank, the header first, each with the number of its first line.

    Semicolons and tabs, too, may stand between cells: spreadsheets of many countries write them.
    Raises UnreadableFileError.
    """
    number = 1
    try:
        delimiter, skipped = _delimiter(text)
        number += skipped
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        for row in reader:
            if any(cell.strip() for cell in row):
                yield number, tuple(row)
            number = reader.line_num + skipped + 1
    except UnicodeDecodeError:
        raise UnreadableFileError(NOT_TEXT) from None
    except csv.Error as error:
        raise UnreadableFileError(f"The row at line {number} is no CSV: {error}.") from None


NOT_TEXT: Final = "The file is neither UTF-8 nor UTF-16: save it as CSV UTF-8."


def _delimiter(text: TextIOWrapper) -> tuple[str, int]:
    """The character between cells, and the number of lines that only name it; leaves the text there."""
    header = text.readline(_MOST_HEADER)
    named = header.strip().strip('"').lower()
    if named.startswith(_NAMED) and len(named) == len(_NAMED) + 1:
        return named[-1], 1
    text.seek(0)
    return max(_DELIMITERS, key=header.count), 0
