"""The names that commands had before they had verbs."""

from config.commands import CommandLine, groups


def assert_former_names(expected):
    """Each verb of these groups, and no other, answers to the name that it had before."""
    of_groups = {now.partition(" ")[0] for now in expected.values()}
    verbs = {
        f"{name} {verb}": kind
        for name, group in groups()
        for verb, kind in group.verbs.items()
        if name in of_groups
    }

    assert {kind.alias: now for now, kind in verbs.items()} == expected
    for name, now in expected.items():
        assert type(CommandLine([]).fetch_command(name)) is verbs[now]
