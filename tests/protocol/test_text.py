"""Letter case, unacceptable characters and ids (RFC 7644 §7.8, RFC 7643 §2.3.1)."""

import sys
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.text import is_acceptable, read_id
from tenants.lettercase import fold


def test_equal_but_for_case_is_equal():
    assert fold("BJensen@Example.COM") == fold("bjensen@example.com") == "bjensen@example.com"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\N{LATIN SMALL LETTER SHARP S}", "SS"),
        ("\N{LATIN CAPITAL LETTER SHARP S}", "ss"),
        ("\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK CAPITAL LETTER SIGMA}"),
        ("\N{KELVIN SIGN}", "k"),
        ("\N{LATIN SMALL LETTER LONG S}", "S"),
        ("\N{LATIN SMALL LETTER N PRECEDED BY APOSTROPHE}", "\N{MODIFIER LETTER APOSTROPHE}N"),
        ("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "i\N{COMBINING DOT ABOVE}"),
        ("\N{LATIN SMALL LIGATURE FI}", "FI"),
        ("\N{CYRILLIC SMALL LETTER ZHE}", "\N{CYRILLIC CAPITAL LETTER ZHE}"),
    ],
)
def test_letters_that_unicode_folds_together_are_equal(one, other):
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "i"),
        ("\N{LATIN SMALL LETTER DOTLESS I}", "I"),
        ("\N{LATIN SMALL LETTER O WITH DIAERESIS}", "o"),
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}", "a"),
        ("\N{CYRILLIC SMALL LETTER A}", "a"),
    ],
)
def test_letters_that_only_look_alike_or_belong_to_one_language_differ(one, other):
    assert fold(one) != fold(other)


def test_both_spellings_of_a_letter_with_a_mark_are_equal():
    composed = "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}"
    decomposed = "ZOE\N{COMBINING DIAERESIS}"

    assert fold(composed) == fold(decomposed) == "zo\N{LATIN SMALL LETTER E WITH DIAERESIS}"


def test_the_key_of_a_key_is_itself_for_every_character():
    changing = [
        folded
        for code in range(sys.maxunicode + 1)
        if not 0xD800 <= code <= 0xDFFF and (folded := fold(chr(code))) != chr(code)
    ]

    assert [each for each in changing if fold(each) != each] == []


@given(st.text())
def test_the_key_of_a_key_is_itself_for_any_text(text):
    assert fold(fold(text)) == fold(text)


@given(st.text(st.characters(max_codepoint=127)))
def test_the_short_way_for_ascii_gives_the_same_key(text):
    beside_another_letter = fold(text + "\N{LATIN SMALL LETTER SHARP S}")

    assert beside_another_letter == fold(text) + "ss"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_keys_sort_in_the_order_of_their_bytes_as_in_the_database(texts):
    keys = [fold(text) for text in texts]

    assert sorted(keys) == sorted(keys, key=lambda key: key.encode())


def test_ordinary_text_is_acceptable():
    assert is_acceptable("")
    assert is_acceptable("Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}\n\N{GRINNING FACE}")


@pytest.mark.parametrize("text", ["\0", "bjensen\0", "\ud83d", "a\udc00b"])
def test_nul_and_half_a_surrogate_pair_are_not_acceptable(text):
    assert not is_acceptable(text)


ID = "01937b6e-0000-7000-8000-00000000000a"


def test_an_id_is_read_in_the_spelling_in_which_it_is_given_out():
    assert read_id(ID) == UUID(ID)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "\0",
        ID.upper(),
        ID.replace("-", ""),
        f"{{{ID}}}",
        f"urn:uuid:{ID}",
        f" {ID}",
        f"{ID}\n",
    ],
)
def test_anything_else_is_no_id(text):
    assert read_id(text) is None
