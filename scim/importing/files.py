"""Files of users: SCIM users in JSON, one a line, or a table in CSV (RFC 4180).

The columns of a table are named by the paths of attributes (RFC 7644 §3.5.2), such as `userName`,
`name.familyName`, `emails[type eq "work"].value` and
`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department`. An empty cell assigns nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import file_digest
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, Final

from scim.api import bodies
from scim.protocol import patch, representation
from scim.protocol.errors import InvalidPath, InvalidSyntax
from scim.protocol.filters import parse_path
from scim.protocol.patch import Op, Operation
from scim.protocol.schema import Mutability, ResourceType, Type
from scim.provider import tables
from scim.provider.catalog import CAPABILITIES
from scim.provider.tables import UnreadableFileError
from tenants.words import counted

PIECE: Final = 100  # users a transaction
_TABLE: Final = ".csv"


@dataclass(frozen=True, slots=True)
class Line:
    """A user of the file: a line that is not blank, or a row's cells; a row may go over several lines."""

    number: int  # from 1; of a row its first
    content: bytes | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """The users of one transaction; `columns` are those of a table."""

    lines: tuple[Line, ...]
    columns: tuple[str, ...] = ()


def digest(path: Path) -> str:
    """The name of the file's content: 12 hexadecimal digits. Raises OSError."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()[:12]


def columns(path: Path, user_type: ResourceType) -> tuple[str, ...]:
    """The columns of a table, each a path that may be written; none of a file of JSON.

    Raises OSError, UnreadableFileError.
    """
    if path.suffix.lower() != _TABLE:
        return ()
    header = next(_rows(path), None)
    if header is None:
        raise UnreadableFileError("The file is empty; its first line must name the columns.")
    names = tuple(name.strip() for name in header[1])
    known: set[str] = set()
    for number, name in enumerate(names, 1):
        flaw = "is there twice" if name.lower() in known else _flaw(name, user_type)
        if flaw:
            raise UnreadableFileError(f"Column {number}, {name[:80]!r}, {flaw}.")
        known.add(name.lower())
    return names


def _flaw(name: str, user_type: ResourceType) -> str:
    """The reason why no column can be named so, "" if one can."""
    try:
        path = parse_path(name)
    except InvalidPath as error:
        return f"is no path of an attribute: {error.detail.rstrip('.')}"
    at = path.attribute
    located = user_type.locate(at.urn, at.name, path.sub or at.sub)
    if located is None:
        return f"is no attribute of {user_type.name}"
    if Mutability.READ_ONLY in (located.attribute.mutability, located.leaf.mutability):
        return "is assigned by the server"
    if located.keys == ("schemas",):
        return "follows from the other columns"
    if located.leaf.type is Type.COMPLEX:
        return f"has parts: name one of them, such as {name}.{located.leaf.sub_attributes[0].name}"
    return ""


def pieces(path: Path, names: tuple[str, ...] = ()) -> Iterator[Piece]:
    """The users of the file, or of the table with these columns, a transaction's worth each.

    Raises OSError, UnreadableFileError.
    """
    rows = (Line(*each) for each in islice(_rows(path), 1, None))
    lines = rows if names else _lines(path)
    while piece := tuple(islice(lines, PIECE)):
        yield Piece(piece, names)


def _lines(path: Path) -> Iterator[Line]:
    with path.open("rb") as file:
        for number, content in enumerate(file, 1):
            if content := content.strip():
                yield Line(number, content)


def _rows(path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The rows of a table, the header first, each with the number of its first line."""
    with path.open("rb") as file, tables.text_of(file) as text:
        yield from tables.rows(text)


def body(user_type: ResourceType, line: Line, piece: Piece) -> Any:
    """The body of the request that would create the user of the line.

    Raises ContentTooLarge, InvalidSyntax, and for a row what a PATCH of its columns raises.
    """
    if isinstance(line.content, bytes):
        return bodies.parse(bodies.read(BytesIO(line.content), {}, CAPABILITIES.max_body))
    names = piece.columns
    if len(line.content) > len(names):
        raise InvalidSyntax(
            "body.unreadable",
            f"The row has {counted(len(line.content), 'cell')}, the table {counted(len(names), 'column')}.",
        )
    given = [
        Operation(Op.ADD, name, cell)
        for name, cell in zip(names, line.content, strict=False)
        if cell.strip()
    ]
    user = patch.apply(user_type, {}, given).resource
    return {"schemas": representation.schemas(user_type, user), **user}


def sent(line: Line, piece: Piece) -> Any:
    """The row as the log keeps it when no body can be made of it; None for a line of JSON."""
    if isinstance(line.content, bytes):
        return None
    return dict(zip(piece.columns, line.content, strict=False))
