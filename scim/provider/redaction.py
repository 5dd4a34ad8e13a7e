"""Redaction of requests for the log: no secrets of the tenant's schemas, no token, bounded size.

scim.protocol.redaction decides which values are secret, and finds them wherever they stand.
"""

import json
import re
from typing import Any, Final

from scim.protocol.redaction import REDACTED, Redaction

MAX_KEPT: Final = 65_536  # bytes of JSON
OMITTED: Final = "omitted"  # the one member of what stands for a body that was not kept
# Operations of the log whose requests have parameters in place of a body.
_QUERIES: Final = frozenset({"query", "retrieve", "discover"})
# Anything that begins like a secret token (accounts.tokens), complete or not.
_TOKEN: Final = re.compile(r"mypscim_\w*", re.IGNORECASE)
_QUOTED: Final = re.compile(r"""(?<!\w)(?P<mark>["'])(?P<text>.+?)(?P=mark)""")


def storable(text: str) -> str:
    """The text without secret tokens, and with a mark for NUL, which PostgreSQL does not take."""
    return _TOKEN.sub(REDACTED, text).replace("\0", "\ufffd")


def without_query(path: str) -> str:
    """A path without what a query string in it asks for."""
    head, mark, _ = path.partition("?")
    return f"{head}?…" if mark else head


def redact(sent: Any, redaction: Redaction, operation: str, resource_type: str = "") -> Any:
    """A body or query as it may be kept; a note in its place when it is larger than MAX_KEPT.

    `operation` is the log's word for the request, `resource_type` the type it is about, blank for any.
    """
    read = redaction.query if operation in _QUERIES else redaction.body
    kept = _storable(read(sent, resource_type))
    size = len(json.dumps(kept))
    if size > MAX_KEPT:
        return {OMITTED: f"The request's body was too large to keep ({size} bytes)."}
    return kept


def shown_again(kept: Any, redaction: Redaction, operation: str, resource_type: str = "") -> Any:
    """The logged body of a request, without values that have become secret since."""
    if kept is None or is_omitted(kept):
        return kept
    return redact(kept, redaction, operation, resource_type)


def is_omitted(kept: Any) -> bool:
    """True for the note that stands for a body that was not kept."""
    return isinstance(kept, dict) and kept.keys() == {OMITTED}


def explained(detail: str, sent: Any, kept: Any) -> str:
    """A refusal's detail without what it quotes of a request and the log does not keep."""
    if sent is None or ('"' not in detail and "'" not in detail):
        return storable(detail)
    came, stays = (json.dumps(each, ensure_ascii=False) for each in (sent, kept))

    def quoted(found: re.Match[str]) -> str:
        text = found["text"]
        return f'"{REDACTED}"' if text in came and text not in stays else found[0]

    return storable(_QUOTED.sub(quoted, detail))


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return {storable(name): _storable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_storable(item) for item in value]
    return storable(value) if isinstance(value, str) else value
