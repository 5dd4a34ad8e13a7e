"""A recording of migrations in fewer statements, which make the same schema.

Migrations add to tables that earlier ones made, and drop indexes that earlier ones made. A new schema gets a
table with all its columns and foreign keys at once, and a table or an index that is dropped again, the index
of a unique column included, not at all (decision 0153). Rows are not changed where there are none. Statements
of another kind stay as they are, and so does each table from there on.
"""

import re
from collections.abc import Iterable
from typing import Final

_TABLE: Final = re.compile(r'CREATE TABLE "(\w+)" \(.*\)', re.DOTALL)
# A column or a constraint. What Django says of a column's constraint matters to rows that are there.
_ADDITION: Final = re.compile(
    r'ALTER TABLE "(\w+)" ADD (?:COLUMN ("[^;]*)|(CONSTRAINT [^;]*))(?:; SET CONSTRAINTS "\w+" IMMEDIATE)?',
    re.DOTALL,
)
_REFERENCE: Final = re.compile(r'\bREFERENCES "(\w+)"')
# A column that is unique no more, under the name that PostgreSQL gave the constraint.
_DROPPED_UNIQUE: Final = re.compile(r'ALTER TABLE "(\w+)" DROP CONSTRAINT "(\w+)_key"')
_DROPPED_TABLE: Final = re.compile(r'DROP TABLE "(\w+)" CASCADE')
_INDEX: Final = re.compile(r'CREATE INDEX (?!IF\b)"?(\w+)"? [^;]*')
_DROPPED_INDEX: Final = re.compile(r'DROP INDEX (?:IF EXISTS )?"?(\w+)"?')
_IF_EXISTS: Final = "DROP INDEX IF EXISTS "
_CHANGE_OF_ROWS: Final = "UPDATE "
# Whether a column is there already makes no difference to them.
_NEUTRAL: Final = ("CREATE INDEX ", "CREATE UNIQUE INDEX ", "GRANT ", "REVOKE ", _CHANGE_OF_ROWS)


def folded(statements: Iterable[str], *, in_empty_schema: bool) -> tuple[str, ...]:
    """The statements in which tables are made with what is added to them, without what goes again."""
    schema = _Schema(in_empty_schema=in_empty_schema)
    for statement in statements:
        schema.take(statement)
    return tuple(each for each in schema.statements if each)


class _Schema:
    """The statements so far; those that others have made needless are empty."""

    def __init__(self, *, in_empty_schema: bool) -> None:
        self.statements: list[str] = []
        self._is_all_known = in_empty_schema
        self._is_without_rows = in_empty_schema
        self._tables: dict[str, int] = {}  # all that were made, with the places of their statements
        self._open: set[str] = set()  # those that are still as they were made
        self._indexes: dict[str, int] = {}

    def take(self, statement: str) -> None:
        """Add the statement, or let an earlier one do its work."""
        if self._fold(statement):
            return
        if found := _TABLE.fullmatch(statement):
            self._tables[found[1]] = len(self.statements)
            self._open.add(found[1])
        elif found := _INDEX.fullmatch(statement):
            self._indexes[found[1]] = len(self.statements)
        elif _ADDITION.fullmatch(statement) or _DROPPED_INDEX.fullmatch(statement):
            pass  # _fold has seen to the table
        elif ";" in statement or not statement.startswith(_NEUTRAL):
            self._close(statement)
        self.statements.append(statement)

    def _fold(self, statement: str) -> bool:
        """Let an earlier statement do the work of this one. False if none can."""
        if found := _ADDITION.fullmatch(statement):
            return self._add(found[1], found[2] or found[3])
        if found := _DROPPED_INDEX.fullmatch(statement):
            return self._drop_index(found[1], statement)
        if found := _DROPPED_UNIQUE.fullmatch(statement):
            return self._drop_unique(found[1], found[2].removeprefix(f"{found[1]}_"))
        if found := _DROPPED_TABLE.fullmatch(statement):
            return self._drop_table(found[1])
        is_of_rows = statement.startswith(_CHANGE_OF_ROWS) and ";" not in statement
        return self._is_without_rows and is_of_rows

    def _add(self, table: str, definition: str) -> bool:
        """Make the table with it. False where it refers to a later one, or where other things were done to it."""
        if table not in self._open:
            return False
        place = self._tables[table]
        if any(self._tables.get(other, place) > place for other in _REFERENCE.findall(definition)):
            self._open.discard(table)  # columns keep their order
            return False
        self.statements[place] = f"{self.statements[place][:-1]}, {definition})"
        return True

    def _drop_unique(self, table: str, column: str) -> bool:
        """Make the table without the index of a unique column. False where other things were done to it."""
        if table not in self._open:
            return False
        place = self._tables[table]
        column_alone = rf'([(,] ?"{column}" [^,]*) UNIQUE(?=[,)])'
        self.statements[place], count = re.subn(column_alone, r"\1", self.statements[place])
        return count == 1

    def _drop_table(self, table: str) -> bool:
        """Do without the table and its indexes. False where anything else was done to it, or names it."""
        if table not in self._open:
            return False
        on_table = f' ON "{table}" '
        indexes = {name for name, at in self._indexes.items() if on_table in self.statements[at]}
        made = {self._tables[table], *(self._indexes[name] for name in indexes)}
        others = [each for at, each in enumerate(self.statements) if at not in made]
        if any(table in _words(each) for each in others):
            return False
        for place in made:
            self.statements[place] = ""
        for name in indexes:
            del self._indexes[name]
        self._open.discard(table)
        del self._tables[table]
        return True

    def _drop_index(self, name: str, statement: str) -> bool:
        """Do without the index. False for one that may be there, not made here or in another way."""
        place = self._indexes.pop(name, None)
        if place is None:
            is_named = any(name in each for each in self.statements)
            return self._is_all_known and not is_named and statement.startswith(_IF_EXISTS)
        self.statements[place] = ""
        return True

    def _close(self, statement: str) -> None:
        """Leave the tables alone that the statement names; it may add rows, too."""
        self._is_without_rows = False
        self._open.difference_update(_words(statement))


def _words(statement: str) -> list[str]:
    return re.findall(r"\w+", statement)
