"""What of a request may be kept: everything but passwords and tokens, up to a size."""

import json
from typing import Any, Final

REDACTED: Final = "[redacted]"
MAX_KEPT: Final = 65_536  # bytes of JSON
_SECRET_NAMES: Final = ("password", "secret", "authorization")
_TOKEN_MARK: Final = "mypscim_"  # noqa: S105  # how secret tokens begin (accounts.tokens), not one


def storable(text: str) -> str:
    """The text with a mark for each NUL, which PostgreSQL does not take."""
    return text.replace("\0", "\ufffd")


def redact(sent: Any) -> Any:
    """A body or query without secrets; a note in its place when it is larger than MAX_KEPT."""
    kept = _redact(sent)
    size = len(json.dumps(kept))
    if size > MAX_KEPT:
        return {"omitted": f"The request's body was too large to keep ({size} bytes)."}
    return kept


def _redact(value: Any) -> Any:
    if isinstance(value, dict):
        path = value.get("path")
        by_path = isinstance(path, str) and _is_secret(path)
        return {
            storable(key): REDACTED
            if _is_secret(key) or (by_path and key == "value")
            else _redact(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_redact(item) for item in value]
    if isinstance(value, str):
        return REDACTED if _TOKEN_MARK in value else storable(value)
    return value


def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return any(secret in lowered for secret in _SECRET_NAMES)
