"""Small pieces of markup say a state in words, and escape what comes from outside."""

import pytest

from accounts.console.difference import diff
from accounts.console.page import badge
from accounts.screens.showing_tokens import standing


def test_a_badge_says_its_state_in_words():
    assert badge("failing", "Refused") == (
        '<span class="badge" data-state="failing">Refused</span>'
    )


@pytest.mark.parametrize(
    ("word", "state", "shown"),
    [
        ("live", "ok", "Live"),
        ("expired", "warning", "Expired"),
        ("revoked", "unknown", "Revoked"),
        ("client revoked", "failing", "Client revoked"),
    ],
)
def test_the_look_of_a_secret_follows_how_it_stands(word, state, shown):
    assert standing(word) == badge(state, shown)


@pytest.mark.parametrize(
    ("before", "after", "markup"),
    [
        ("Sales", "Claims", "<del>Sales</del> <ins>Claims</ins>"),
        (None, "Claims", "<ins>Claims</ins>"),
        ("Sales", None, "<del>Sales</del>"),
        ("", "Claims", "<del></del> <ins>Claims</ins>"),
    ],
)
def test_a_difference_shows_what_was_and_what_became(before, after, markup):
    assert diff(before, after) == f'<span class="diff">{markup}</span>'


def test_values_from_outside_are_escaped():
    markup = badge("ok", "<i>") + diff("<b>", "<u>") + standing("<s>")

    assert not any(tag in markup.lower() for tag in ("<i>", "<b>", "<u>", "<s>"))
