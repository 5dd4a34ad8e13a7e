"""Numbers in the sentences of screens, commands and messages."""


def counted(number: int, one: str, many: str = "") -> str:
    """The number with what it counts: "1 user", "1,234 users".

    `many` is what more than one is called, or none, where that is not `one` with an s.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
