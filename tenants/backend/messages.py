"""Several commands in one message to PostgreSQL: the beginning of a transaction, statements, COMMIT."""

from typing import NamedTuple

from tenants.backend.statements import COMMIT, Command, Foreseen, Hot, Rows, Statements


class Opening(NamedTuple):
    """The commands that begin a transaction and put its search path in force, as far as either is needed."""

    commands: tuple[bytes, ...]  # the path's is the last of them
    path: bytes  # the command that has put it in force, or will; b"" is the session's


class Message:
    """Hot statements behind what opens their transaction."""

    def __init__(
        self, statements: Statements, opening: Opening, question: Hot | None = None
    ) -> None:
        """`question` names its schema and goes before the path: PostgreSQL plans anew what is executed
        on another path than the last time.
        """
        self._statements = statements
        self._path = opening.path
        self._commands = list(map(statements.plain, opening.commands[:-1]))
        self._asked: list[int] = []  # the places of the statements among the commands
        if question is not None:
            self._ask(statements.command(question, b""))
        self._commands += map(statements.plain, opening.commands[-1:])

    def add(self, hot: Hot) -> None:
        """Add a statement. Raises psycopg's errors for a value that cannot be written."""
        self._ask(self._statements.command(hot, self._path))

    def add_ahead(self, foreseen: Foreseen) -> None:
        """Add a statement, and COMMIT if it ends the transaction."""
        self.add(foreseen.ahead)
        if foreseen.ends:
            self.end()

    def end(self) -> None:
        """Add COMMIT."""
        self._commands.append(self._statements.plain(COMMIT))

    def send(self) -> list[Rows]:
        """The rows of each statement. Raises psycopg's errors, after which nothing of it is done."""
        found = self._statements.send_all(self._commands)
        return [found[place] for place in self._asked]

    def _ask(self, command: Command) -> None:
        self._asked.append(len(self._commands))
        self._commands.append(self._prepared_once(command) if command.is_new else command)

    def _prepared_once(self, command: Command) -> Command:
        """The command under the name by which an earlier one of the message has the statement prepared."""
        alike = (each for each in self._commands if each.is_new and each.key == command.key)
        former = next(alike, None)
        return command._replace(name=former.name, is_new=False) if former else command
