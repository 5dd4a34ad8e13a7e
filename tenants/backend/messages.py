"""Several commands in one message to PostgreSQL: the beginning of a transaction, statements, COMMIT."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from tenants.backend.statements import Command, Hot, Rows, Statements

COMMIT: Final = b"COMMIT"


class Opening(NamedTuple):
    """The commands that begin a transaction and put its search path in force, as far as either is needed."""

    commands: tuple[bytes, ...]  # the path's is the last of them
    path: bytes  # the command that has put it in force, or will; b"" is the session's


class Message:
    """Hot statements as text, behind what opens their transaction."""

    def __init__(
        self, statements: Statements, opening: Opening, question: Hot | None = None
    ) -> None:
        """`question` names its schema and goes before the path: PostgreSQL plans anew what is executed
        on another path than the last time.
        """
        self._statements = statements
        self._path = opening.path
        self._is_in_force = not opening.commands
        self._ends = False
        self._parts: list[bytes | Command] = [*opening.commands[:-1]]
        if question is not None:
            self._parts.append(self._command(question, b""))
        self._parts.extend(opening.commands[-1:])

    def add(self, hot: Hot) -> None:
        """Add a statement. Raises psycopg's errors for a value that cannot be written."""
        self._parts.append(self._command(hot, self._path))

    def add_last(self, hot: Hot) -> bool:
        """Add a statement and COMMIT, if PostgreSQL then plans nothing; False, and nothing, otherwise.

        Nor where the path has to stay in force, since a statement is to be prepared on it.
        """
        last = self._command(hot, self._path)
        for each in (*self._commands(), last):
            if not each.is_prepared or self._statements.is_due(each.key):
                return False
        self._parts.append(last)
        self.end()
        return True

    def end(self) -> None:
        """Add COMMIT."""
        self._ends = True
        self._parts.append(COMMIT)

    def send(self) -> list[Rows]:
        """The rows of each statement. Raises psycopg's errors, after which nothing of it is done."""
        texts = [each.text if isinstance(each, Command) else each for each in self._parts]
        answers = self._statements.send_all(b"; ".join(texts))
        if not self._is_in_force:
            for each in self._commands():
                self._statements.count(each.key, prepares=not self._ends)
        pairs = zip(self._parts, answers, strict=True)
        return [rows for each, rows in pairs if isinstance(each, Command)]

    def _command(self, hot: Hot, path: bytes) -> Command:
        return self._statements.command(hot, path, is_in_force=self._is_in_force)

    def _commands(self) -> Iterator[Command]:
        return (each for each in self._parts if isinstance(each, Command))
