"""Equality but for letter case: the only definition, for everything that is compared.

Python's and PostgreSQL's ideas of lower case differ outside ASCII, so the key that is stored, the
key of a filter's literal and the key of a conflict all come from `fold`, and the database compares
keys byte by byte (RFC 7644 §7.8). Keys sort by code point, which is also the order of their UTF-8.
"""

import unicodedata
from functools import lru_cache


def fold(text: str) -> str:
    """The key under which strings are equal when case does not matter (Unicode D145).

    Canonically equivalent strings have one key. The key of a key is itself. No language's rules
    apply: Turkish `İ` is `i` with a dot above, never plain `i`; German `ß` equals `ss`.
    """
    return text.lower() if text.isascii() else _fold(text)


# One PATCH may compare the same long values a thousand times, at 0.1 ms for each.
@lru_cache(maxsize=1024)
def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFD", text).casefold()
    return unicodedata.normalize("NFC", folded)
