"""Commands as they are called, and the names that they had before they had verbs."""

import io
from unittest.mock import patch

from django.core.management import call_command

from config.commands import CommandLine, groups
from tenants.management import kit


def run(*arguments):
    """Standard output and standard error of the command, which says nothing of how long it takes."""
    out, err = io.StringIO(), io.StringIO()
    with saying_nothing_of_time():
        call_command(*arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def saying_nothing_of_time():
    """Commands do not say meanwhile how far they are, however slow the machine is."""
    return patch.object(kit, "SILENCE", 600.0)


def assert_former_names(expected):
    """The verbs of these groups that had a name before, and no other, answer to it."""
    of_groups = {now.partition(" ")[0] for now in expected.values()}
    verbs = {
        f"{name} {verb}": kind
        for name, group in groups()
        for verb, kind in group.verbs.items()
        if name in of_groups and kind.alias
    }

    assert {kind.alias: now for now, kind in verbs.items()} == expected
    for name, now in expected.items():
        assert type(CommandLine([]).fetch_command(name)) is verbs[now]
