"""The filter language (RFC 7644 §3.4.2.2, figure 1)."""

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scim.protocol import urns
from scim.protocol.errors import InvalidFilter
from scim.protocol.filters import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_NUMBER,
    MAX_TERMS,
    And,
    AttributePath,
    Comparison,
    Not,
    Operator,
    Or,
    Path,
    Present,
    ValuePath,
    parse_filter,
    parse_path,
)
from tests.support.strategies import syntax_trees, to_text

# Every character that means something to the parser, and a few that do not.
GRAMMAR = st.text(alphabet='ab.:-_$019eE+ \t\n()[]"\\/u\0\ud83d')
WORDS = ("not", "and", "or", "pr", "eq", "(", ")", "[", "]", '"x"', "true", "1", "a", "a.b", ".b")


def equal(name, value, sub=None, urn=None):
    return Comparison(AttributePath(name, sub, urn), Operator.EQ, value)


def test_entra_looks_for_a_user_by_name():
    assert parse_filter('userName eq "bjensen@contoso.example"') == Comparison(
        AttributePath("userName"), Operator.EQ, "bjensen@contoso.example"
    )


def test_entra_looks_for_a_user_by_work_email():
    """RFC 7644 has a sub-attribute after the brackets in paths only; the same e-mail fits both."""
    assert parse_filter('emails[type eq "work"].value eq "bjensen@contoso.example"') == ValuePath(
        AttributePath("emails"),
        And((equal("type", "work"), equal("value", "bjensen@contoso.example"))),
    )
    assert parse_filter('emails[type eq "work"].value pr') == ValuePath(
        AttributePath("emails"), And((equal("type", "work"), Present(AttributePath("value"))))
    )


def test_entra_asks_whether_a_user_has_a_manager():
    assert parse_filter('id eq "2819c223" and manager eq "26118915"') == And(
        (equal("id", "2819c223"), equal("manager", "26118915"))
    )


def test_a_sub_attribute_follows_a_dot():
    """RFC 7644 figure 2."""
    assert parse_filter('name.familyName co "O\'Malley"') == Comparison(
        AttributePath("name", "familyName"), Operator.CO, "O'Malley"
    )


@pytest.mark.parametrize("operator", Operator)
def test_every_operator_in_any_letter_case(operator):
    expected = Comparison(AttributePath("title"), operator, "J")

    assert parse_filter(f'title {operator.value} "J"') == expected
    assert parse_filter(f'title {operator.value.title()} "J"') == expected
    assert parse_filter(f'title {operator.value.upper()} "J"') == expected


def test_present_takes_no_value():
    assert parse_filter("title pr") == parse_filter("title PR") == Present(AttributePath("title"))


def test_and_binds_more_than_or_and_not_most():
    assert parse_filter("a pr or b pr and not (c pr) or d pr") == Or(
        (
            Present(AttributePath("a")),
            And((Present(AttributePath("b")), Not(Present(AttributePath("c"))))),
            Present(AttributePath("d")),
        )
    )


def test_brackets_group():
    """RFC 7644 figure 2."""
    text = """userType ne "Employee" and not (emails co "example.com" or
                emails.value co "example.org")"""

    assert parse_filter(text) == And(
        (
            Comparison(AttributePath("userType"), Operator.NE, "Employee"),
            Not(
                Or(
                    (
                        Comparison(AttributePath("emails"), Operator.CO, "example.com"),
                        Comparison(AttributePath("emails", "value"), Operator.CO, "example.org"),
                    )
                )
            ),
        )
    )


def test_square_brackets_ask_for_one_value_that_fits_all():
    """RFC 7644 figure 2."""
    text = """emails[type eq "work" and value co "@example.com"] or
                ims[type eq "xmpp" and value co "@foo.com"]"""

    assert parse_filter(text) == Or(
        tuple(
            ValuePath(
                AttributePath(name),
                And((equal("type", type_), Comparison(AttributePath("value"), Operator.CO, host))),
            )
            for name, type_, host in (
                ("emails", "work", "@example.com"),
                ("ims", "xmpp", "@foo.com"),
            )
        )
    )


def test_square_brackets_may_hold_groups_and_not():
    assert parse_filter('emails[not (type eq "work") and (value pr or display pr)]') == ValuePath(
        AttributePath("emails"),
        And(
            (
                Not(equal("type", "work")),
                Or((Present(AttributePath("value")), Present(AttributePath("display")))),
            )
        ),
    )


def test_a_schema_qualifies_an_attribute():
    """RFC 7644 §3.10; the version in a URN has a dot of its own."""
    assert parse_filter(f'{urns.USER}:userName sw "J"') == Comparison(
        AttributePath("userName", urn=urns.USER), Operator.SW, "J"
    )
    assert parse_filter(f'{urns.ENTERPRISE_USER}:manager.value eq "x"') == equal(
        "manager", "x", "value", urns.ENTERPRISE_USER
    )
    assert parse_filter(f'{urns.ENTERPRISE_USER}.manager eq "x"') == equal(
        "manager", "x", urn=urns.ENTERPRISE_USER
    )


def test_keywords_may_touch_brackets_and_blank_space_may_be_any():
    assert parse_filter('\tnot(title pr)and(a\r\n eq  "x")\n') == And(
        (Not(Present(AttributePath("title"))), equal("a", "x"))
    )


def test_an_attribute_may_be_named_like_an_operator():
    assert parse_filter('eq eq "x" and pr pr') == And(
        (equal("eq", "x"), Present(AttributePath("pr")))
    )


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ('"bjensen"', "bjensen"),
        ('""', ""),
        (r'"O\"Malley \\ \/ \n"', 'O"Malley \\ / \n'),
        (r'"Zo\u00eb"', "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}"),
        (r'"\ud83d\ude00"', "\N{GRINNING FACE}"),
        ('"(not a [group] and "', "(not a [group] and "),
        ("true", True),
        ("false", False),
        ("null", None),
        ("0", 0),
        ("-17", -17),
        ("1.50", 1.5),
        ("2E-3", 0.002),
    ],
)
def test_values_are_json(literal, value):
    found = parse_filter(f"a eq {literal}")

    assert isinstance(found, Comparison)
    assert found.value == value
    assert isinstance(found.value, type(value))


@pytest.mark.quirk("E37")
@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("someone", "someone"),
        ("bjensen@contoso.example", "bjensen@contoso.example"),
        ("ann+scim@contoso.example", "ann+scim@contoso.example"),
        ("2819c223-7f76-453a-919d-413861904646", "2819c223-7f76-453a-919d-413861904646"),
        ("CORP\\jensen", "CORP\\jensen"),
        ("o'malley", "o'malley"),
        ("Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}", "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}"),
        ("007", "007"),
        ("+4930123", "+4930123"),
        ("5bjensen", "5bjensen"),
        ("TRUE", "TRUE"),
        ("NaN", "NaN"),
        ("android", "android"),
        ("preview", "preview"),
        ("2026-11-25T10:00:00Z", "2026-11-25T10:00:00Z"),
        ("urn:example:a,b;c", "urn:example:a,b;c"),
        ("'bjensen'", "bjensen"),
        ("'Barbara Jensen'", "Barbara Jensen"),
        ("'(x) and [y]'", "(x) and [y]"),
        ("''", ""),
    ],
)
def test_a_value_may_stand_without_double_quotes(literal, value):
    found = equal("a", value)

    assert parse_filter(f"a eq {literal}") == found
    assert parse_filter(f"( a eq {literal})") == found
    assert parse_filter(f"a eq {literal} and b pr") == And((found, Present(AttributePath("b"))))
    assert parse_filter(f"b pr or not (a eq {literal})") == Or(
        (Present(AttributePath("b")), Not(found))
    )
    assert parse_filter(f"x[a eq {literal}]") == ValuePath(AttributePath("x"), found)
    assert parse_path(f"x[a eq {literal}].y") == Path(AttributePath("x"), found, "y")


@pytest.mark.quirk("E2")
def test_true_and_false_may_be_spelled_as_in_dotnet():
    assert parse_filter("active eq True") == equal("active", value=True)
    assert parse_filter("active eq False") == equal("active", value=False)


NO_JSON = (
    "at position 13: the string holds a control character or an escape that JSON does not have."
)
NO_TEXT = "at position 13: the string holds NUL or half a surrogate pair."
NO_PART = "at position 13: square brackets stand behind an attribute, not behind a part of it."
OPERATORS = "eq, ne, co, sw, ew, gt, ge, lt, le or pr"
A_VALUE = "a value is expected: a string in double quotes, a number, true, false or null."


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "where it ends: the name of an attribute is expected."),
        (
            'userName regex "J"',
            f'at position 10: the operator "regex" is not supported; use {OPERATORS}.',
        ),
        (
            'userName == "J"',
            f"at position 10: the operator is not supported; use {OPERATORS}.",
        ),
        ('userName "J"', "at position 10: an operator is expected."),
        ("userName", "where it ends: an operator is expected."),
        ("userName eq", f"where it ends: {A_VALUE}"),
        ("userName eq and title pr", f"at position 13: {A_VALUE}"),
        ("userName eq OR title pr", f"at position 13: {A_VALUE}"),
        ("userName eq not (title pr)", f"at position 13: {A_VALUE}"),
        ("title eq pr", f"at position 10: {A_VALUE}"),
        ("title eq eq x", f"at position 10: {A_VALUE}"),
        ("userName eq (x)", f"at position 13: {A_VALUE}"),
        ("userName eq 'bjensen", f"at position 13: {A_VALUE}"),
        ("userName eq 'bjensen'x", f"at position 13: {A_VALUE}"),
        ("userName eq '", f"at position 13: {A_VALUE}"),
        ("userName eq \ud83d", NO_TEXT),
        ("userName eq Barbara Jensen", 'at position 21: "and", "or" or the end is expected.'),
        ("userName eq a(b)", 'at position 14: "and", "or" or the end is expected.'),
        (
            'userName eq bjensen"',
            "at position 20: the string that begins there has no closing quote.",
        ),
        ("a eq 1e999", "at position 6: the number is too large."),
        (
            "a eq " + "9" * (MAX_NUMBER + 1),
            "at position 6: the number has more than 40 characters.",
        ),
        ('userName eq "J', "at position 13: the string that begins there has no closing quote."),
        (
            'userName eq "J\\"',
            "at position 13: the string that begins there has no closing quote.",
        ),
        ('userName eq "CORP\\jensen"', NO_JSON),
        ('userName eq "a\tb"', NO_JSON),
        ('userName eq "\\u0000"', NO_TEXT),
        ('userName eq "\\ud83d"', NO_TEXT),
        ('userName eq "\ud83d"', NO_TEXT),
        ('userName eq "J" title pr', 'at position 17: "and", "or" or the end is expected.'),
        ('userName eq "J" )', 'at position 17: "and", "or" or the end is expected.'),
        ("title pr and", "where it ends: the name of an attribute is expected."),
        ('"userName" eq "J"', "at position 1: the name of an attribute is expected."),
        ("() or title pr", "at position 2: the name of an attribute is expected."),
        (
            "name.familyName.x pr",
            'at position 1: the text "name.familyName.x" is not the name of an attribute.',
        ),
        ("\ud83d pr", "at position 1: the text is not the name of an attribute."),
        (
            f"{urns.ENTERPRISE_USER} pr",
            "at position 60: an attribute is expected after the schema.",
        ),
        (
            "not title pr",
            'at position 5: "not" is followed by a filter in round brackets.',
        ),
        (
            "(title pr",
            'where it ends: "and", "or" or the ")" is expected that closes the "(" of position 1.',
        ),
        (
            "emails[value pr)",
            'at position 16: "and", "or" or the "]" is expected that closes the "[" of position 7.',
        ),
        ("emails[]", "at position 8: the name of an attribute is expected."),
        ("emails[value[type pr]]", NO_PART),
        ("emails.value[type pr]", NO_PART),
        (
            "emails[type pr] .value pr",
            'at position 17: "and", "or" or the end is expected.',
        ),
        (
            "emails[type pr].1 pr",
            "at position 16: the name of a sub-attribute is expected.",
        ),
    ],
)
def test_an_invalid_filter_is_refused_with_the_missing_part_and_its_place(text, detail):
    with pytest.raises(InvalidFilter) as refusal:
        parse_filter(text)

    assert refusal.value.detail == f"The filter is not valid {detail}"


@pytest.mark.parametrize(
    "text",
    [
        "userName eq x bjensen",
        'userName eq "bjensen',
        'userName eq "a" bjensen',
        'userName eq "bjensen\\x"',
        '"bjensen" eq userName',
        "userName eq 'bjensen",
    ],
)
def test_a_refusal_does_not_repeat_a_value_as_it_may_be_personal(text):
    with pytest.raises(InvalidFilter) as refusal:
        parse_filter(text)

    assert "bjensen" not in refusal.value.detail


LONGEST = 'a eq "' + "x" * (MAX_LENGTH - 7) + '"'
DEEPEST = "(" * MAX_DEPTH + "a pr" + ")" * MAX_DEPTH
WIDEST = " or ".join(["a pr"] * MAX_TERMS)


def test_a_filter_may_be_as_long_deep_and_wide_as_the_limits_say():
    assert parse_filter(LONGEST) == equal("a", "x" * (MAX_LENGTH - 7))
    assert parse_filter(DEEPEST) == Present(AttributePath("a"))
    assert parse_filter(WIDEST) == Or((Present(AttributePath("a")),) * MAX_TERMS)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (f"{LONGEST} ", "The filter is longer than 8192 characters."),
        (
            f"({DEEPEST})",
            "The filter is not valid at position 33: brackets are nested more than 32 deep.",
        ),
        (
            f"{WIDEST} or a pr",
            "The filter is not valid at position 1603: the filter has more than 200 comparisons.",
        ),
    ],
)
def test_a_filter_beyond_a_limit_is_refused(text, detail):
    with pytest.raises(InvalidFilter) as refusal:
        parse_filter(text)

    assert refusal.value.detail == detail


@pytest.mark.parametrize(
    "text",
    [
        "(" * MAX_LENGTH,
        "[" * MAX_LENGTH,
        "not(" * (MAX_LENGTH // 4),
        "a[" * (MAX_LENGTH // 2),
        '"' + "\\\\" * (MAX_LENGTH // 2 - 1),
        'a eq "' + "x" * (MAX_LENGTH - 6),
        "a:" * (MAX_LENGTH // 2),
        "urn:1.0:a" * (MAX_LENGTH // 9),
        "urn:" + "a:1.0:" * (MAX_LENGTH // 6 - 1),
        "urn:" + "1" * (MAX_LENGTH - 4),
        "urn:x:" + "1." * (MAX_LENGTH // 2 - 3),
        " " * MAX_LENGTH,
        "1" * MAX_LENGTH,
        "a." * (MAX_LENGTH // 2),
    ],
)
def test_no_text_of_the_longest_length_takes_long(text):
    def seconds():
        began = time.process_time()
        with pytest.raises(InvalidFilter):
            parse_filter(text)
        return time.process_time() - began

    # A quadratic step takes seconds each time; collecting garbage, or a busy machine, now and then half of one.
    assert min(seconds() for _ in range(3)) < 0.5


@given(GRAMMAR | st.lists(st.sampled_from(WORDS)).map(" ".join) | st.text())
@example("a eq 1e5000")
def test_any_text_is_a_filter_or_refused(text):
    try:
        tree = parse_filter(text)
    except InvalidFilter as refusal:
        assert refusal.detail.isascii()  # noqa: PT017  # either outcome is right
    else:
        assert parse_filter(to_text(tree)) == tree


@given(syntax_trees())
def test_a_written_filter_is_read_as_the_same_tree(tree):
    assert parse_filter(to_text(tree)) == tree


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_string_that_can_be_stored_can_be_asked_for(value):
    assert parse_filter(f"a eq {json.dumps(value)}") == equal("a", value)
    assert parse_filter(f"a eq {json.dumps(value, ensure_ascii=False)}") == equal("a", value)
