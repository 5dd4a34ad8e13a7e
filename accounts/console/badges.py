"""Small pieces of markup whose look is in templates/static/screens/screens.css."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from django.utils.html import format_html
from django.utils.safestring import SafeString

# How something is doing. The stylesheet gives each a color and a shape; the text says it in words.
State = Literal["ok", "warning", "failing", "unknown", "lock"]

_STANDINGS: Final[Mapping[str, State]] = {
    "live": "ok",
    "expired": "warning",
    "revoked": "unknown",  # on purpose
}


def badge(state: State, text: Any) -> SafeString:
    """A word or two about a state, to stand in a line or in a cell."""
    return format_html('<span class="badge" data-state="{}">{}</span>', state, text)


def standing(word: str) -> SafeString:
    """How a secret stands: "live", or in a word or two why it is refused."""
    word = word.lower()
    return badge(_STANDINGS.get(word, "failing"), word.capitalize())


def diff(before: str | None, after: str | None) -> SafeString:
    """What a value was and what it became; None where there was or is none."""
    was = format_html("<del>{}</del> ", before) if before is not None else ""
    is_now = format_html("<ins>{}</ins>", after) if after is not None else ""
    return format_html('<span class="diff">{}{}</span>', was, is_now)
