"""What of a request may be kept: everything but passwords and tokens, up to a size."""

import json
import re
from typing import Any, Final

REDACTED: Final = "[redacted]"
MAX_KEPT: Final = 65_536  # bytes of JSON
_SECRET_NAMES: Final = ("password", "secret", "authorization")
# What begins like a secret token (accounts.tokens), however it is spoiled.
_TOKEN: Final = re.compile(r"mypscim_\w*", re.IGNORECASE)


def storable(text: str) -> str:
    """The text without secret tokens, and with a mark for NUL, which PostgreSQL does not take."""
    return _TOKEN.sub(REDACTED, text).replace("\0", "\ufffd")


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
    return storable(value) if isinstance(value, str) else value


def _is_secret(name: str) -> bool:
    lowered = name.lower()
    return any(secret in lowered for secret in _SECRET_NAMES)
