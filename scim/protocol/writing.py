"""JSON as it is stored and answered, by orjson (decision 0052).

Requests are read by `values`, which refuses what JSON leaves open; what comes from the database was
written here, or by PostgreSQL.
"""

import json
from collections.abc import Callable
from typing import Any, Final

import orjson

# The JSON of a text, as Python, that was written here or by PostgreSQL.
from_json: Final[Callable[[str | bytes], Any]] = orjson.loads


def to_json_bytes(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """The value as JSON in UTF-8; `default` gives what stands for a value that JSON does not have.

    orjson writes no numbers of more than 64 bits, none that keep their spelling, and no lone
    surrogates; with one of these the standard library writes the value. Raises TypeError.
    """
    try:
        return orjson.dumps(value, default)
    except orjson.JSONEncodeError:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=default)
        return text.encode(errors="surrogatepass")


def to_json(value: Any) -> str:
    """The value as JSON."""
    return to_json_bytes(value).decode(errors="surrogatepass")
