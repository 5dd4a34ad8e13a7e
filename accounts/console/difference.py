"""A value before and after a change, with the characters marked that differ."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_COMPARED: Final = (
    200  # characters; in longer texts all between a common beginning and end is marked
)
_LEAST: Final = 2  # characters in common that interrupt a mark
_ALIKE: Final = 0.4  # texts that have less in common are two texts, and nothing is marked

# A difference: from and up to a place in the one, from and up to a place in the other.
_Span = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """A row of a comparison: None where there was or is no value."""

    name: str
    before: str | None
    after: str | None

    @property
    def sides(self) -> tuple[SafeString | None, SafeString | None]:
        """Both values as markup."""
        return sides(self.before, self.after)


def sides(before: str | None, after: str | None) -> tuple[SafeString | None, SafeString | None]:
    """The values as `<del>` and `<ins>`, with `<mark>` round what differs when the texts are alike."""
    spans = list(_spans(before, after)) if before and after else []
    was = None if before is None else _marked(before, [(a, b) for a, b, _, _ in spans])
    became = None if after is None else _marked(after, [(a, b) for _, _, a, b in spans])
    return (
        None if was is None else format_html("<del>{}</del>", was),
        None if became is None else format_html("<ins>{}</ins>", became),
    )


def diff(before: str | None, after: str | None) -> SafeString:
    """The value before and after a change, in a line; None where there was or is none."""
    shown = [side for side in sides(before, after) if side is not None]
    return format_html(
        '<span class="diff">{}</span>', format_html_join(" ", "{}", ((side,) for side in shown))
    )


def _spans(before: str, after: str) -> Iterator[_Span]:
    """The places where the texts differ; nothing for texts that are equal, or that have little in common."""
    if max(len(before), len(after)) > _COMPARED:
        yield from _middle(before, after)
        return
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < _ALIKE:
        return
    start = (0, 0)
    for block in matcher.get_matching_blocks():
        ends = (block.a + block.size, block.b + block.size)
        is_at_an_end = (block.a, block.b) == (0, 0) or ends == (len(before), len(after))
        if block.size < _LEAST and not is_at_an_end:
            continue
        if (block.a, block.b) != start:
            yield start[0], block.a, start[1], block.b
        start = ends


def _middle(before: str, after: str) -> Iterator[_Span]:
    """The place between the common beginning and the common end, if there is any of both."""
    most = min(len(before), len(after))
    first = next((i for i in range(most) if before[i] != after[i]), most)
    last = next((i for i in range(most - first) if before[-1 - i] != after[-1 - i]), most - first)
    if first + last:
        yield first, len(before) - last, first, len(after) - last


def _marked(text: str, places: list[tuple[int, int]]) -> SafeString:
    parts: list[Any] = []
    end = 0
    for start, stop in places:
        parts.append(text[end:start])
        if stop > start:
            parts.append(format_html("<mark>{}</mark>", text[start:stop]))
        end = stop
    parts.append(text[end:])
    return format_html_join("", "{}", ((part,) for part in parts))
