"""The kit of all commands: help, verbs, lists as a table or as JSON, progress.

`manage.py token mint …` is the verb `mint` of the group `token`. A verb is a command of its own, so that
it can also be called by the name that it had once, its alias.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from threading import Event, Thread
from typing import Any, ClassVar, Final, Literal, TypeVar

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter
from django.core.serializers.json import DjangoJSONEncoder

from tenants import logins

SILENCE: Final = 1.0  # seconds until a command says how far it has come
SAY_EVERY: Final = 5.0  # seconds
Item = TypeVar("Item")


class HelpFormatter(DjangoHelpFormatter):
    """Django's, with the lines of examples kept as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else super()._fill_text(text, width, indent)


class HouseCommand(BaseCommand):
    """A command of ours.

    The system checks, which load every page and endpoint, are `manage.py check`'s: without them a
    command takes half the time.
    """

    requires_system_checks: tuple[str, ...] | Literal["__all__"] = ()
    suppressed_base_arguments = DjangoHelpFormatter.show_last
    examples: ClassVar[Sequence[str]] = ()  # whole lines, shown below the help
    alias: ClassVar[str] = ""  # the name that a verb had once; scripts may go on using it
    as_owner: ClassVar[bool] = False  # of a command that changes tables (tenants.logins)
    # Of a command that prints a list: how a cell is written, by the heading of its column.
    columns: ClassVar[Mapping[str, Callable[[Any], str]]] = {}

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's parser, with the examples and, for a list, --json."""
        if self.examples:
            kwargs.setdefault("epilog", "\n  ".join(["examples:", *self.examples]))
        kwargs.setdefault("formatter_class", HelpFormatter)
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if self.columns:
            parser.add_argument(
                "--json", action="store_true", help="Print one JSON document in place of a table."
            )
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Django's, by the login that the command needs."""
        with logins.as_owner() if self.as_owner else nullcontext():
            output: str | None = super().execute(*args, **options)
            return output

    def note(self, line: str) -> None:
        """Write a line for the person at the terminal, to standard error: standard output is data."""
        self.stderr.write(line, style_func=str)

    def note_silent(self, silent: Iterable[object]) -> None:
        """Name the tenants whose node of the database does not answer."""
        for tenant in silent:
            self.note(f"{tenant}: its node of the database does not answer.")

    def print_list(self, rows: Iterable[Sequence[Any]], options: Mapping[str, Any]) -> None:
        """Write rows, a value for each column, to standard output: in columns or as JSON objects."""
        if options["json"]:
            keys = [heading.replace(" ", "_").replace("-", "_") for heading in self.columns]
            found = [dict(zip(keys, row, strict=True)) for row in rows]
            text = json.dumps(found, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
            self.stdout.write(text)
            return
        lines = [[heading.upper() for heading in self.columns]]
        for row in rows:
            pairs = zip(self.columns.values(), row, strict=True)
            lines.append([write(value) for write, value in pairs])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())

    def progress(
        self, items: Iterable[Item], what: str, total: int | None = None
    ) -> Iterator[Item]:
        """The items; how many are done is said after a second, and then every few seconds.

        With a total, the rate and the time that the rest will take are said too.
        """
        since = time.monotonic()
        due = since + SILENCE
        for number, item in enumerate(items):
            now = time.monotonic()
            if now >= due:
                self.note(f"{what}: {_pace(number, total, now - since)} …")
                due = now + SAY_EVERY
            yield item

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Say from a thread that the command still works, for work of one piece."""
        done, since = Event(), time.monotonic()

        def say() -> None:
            pause = SILENCE
            while not done.wait(pause):
                self.note(f"{what}: {time.monotonic() - since:.0f} s so far …")
                pause = SAY_EVERY

        teller = Thread(target=say)
        teller.start()
        try:
            yield
        finally:
            done.set()
            teller.join()


class Group(HouseCommand):
    """The commands for one kind of object: the first argument is the verb."""

    verbs: ClassVar[Mapping[str, type[HouseCommand]]]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """A parser with one for each verb, which has the arguments that the verb has alone."""
        self.missing_args_message = f"Name one of: {', '.join(self.verbs)}."
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parsers = parser.add_subparsers(dest="verb", required=True, metavar="<verb>")
        for name, verb in self.verbs.items():
            own = verb().create_parser(prog_name, name, add_help=False)
            parsers.add_parser(
                name,
                parents=[own],
                help=verb.help,
                description=verb.help,
                epilog=own.epilog,
                formatter_class=HelpFormatter,
            )
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the verb, which reads and writes where this command would."""
        return self.verbs[options.pop("verb")]().execute(*args, **options)


def _pace(done: int, total: int | None, seconds: float) -> str:
    if total is None or not done:
        return f"{done:,} done"
    left = (total - done) * seconds / done
    return f"{done:,} of {total:,} done, {done / seconds:,.0f} a second, {left:.0f} s left"


def day(at: datetime | None) -> str:
    """A date in a list."""
    return f"{at:%Y-%m-%d}" if at else "never"


def minute(at: datetime | None) -> str:
    """A time in a list."""
    return f"{at:%Y-%m-%d %H:%M}" if at else "never"
