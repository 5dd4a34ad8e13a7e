"""Bodies of one shape are read as the rules read each of them, whatever their texts are."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import patch
from scim.protocol.comparison import comparable
from scim.protocol.definitions import GROUP, USER
from scim.protocol.differences import changes
from scim.protocol.errors import InvalidValue, ScimError
from scim.protocol.redaction import Redaction
from scim.protocol.schema import Extension
from scim.protocol.shapes import MAX_FIXED, MAX_PARTS, MOST, ByShape
from tests.support.payloads import BJENSEN, ENTERPRISE, JSMITH
from tests.support.schemas import ACME, SECRETS, schema
from tests.support.strategies import WORDS

PERSON = replace(
    USER, extensions=(*USER.extensions, Extension(replace(schema(ACME, *SECRETS), name="Acme")))
)
REDACTION = Redaction((PERSON, GROUP))


def read(body):
    """All that the rules make of a body."""
    found = patch.read_resource(PERSON, body)
    return (
        found.resource,
        comparable(PERSON, found.resource),
        changes(PERSON, {}, found.resource),
        found.notes,
        REDACTION.body(body, "User"),
    )


def outcome(reading, body):
    try:
        return reading(body)
    except ScimError as error:
        return type(error), error.reason, error.detail


class Counted:
    """A reading that knows how often it was asked."""

    def __init__(self):
        self.times = 0

    def __call__(self, body):
        self.times += 1
        return read(body)


@pytest.fixture
def counted():
    return Counted()


@pytest.fixture
def by_shape(counted):
    return ByShape(PERSON, counted)


def user(number, **others):
    return BJENSEN | {"userName": f"User{number}@acme.example", "title": f"T {number}"} | others


def meet(by_shape, counted, *bodies):
    """Have the bodies read; return how often the rules were asked."""
    before = counted.times
    for body in bodies:
        assert outcome(by_shape, body) == outcome(read, body)
    return counted.times - before


def test_a_body_like_those_before_is_not_read_by_the_rules(by_shape, counted):
    meet(by_shape, counted, user(1), user(2))

    assert meet(by_shape, counted, *map(user, range(3, 50))) == 0


def test_the_result_for_a_body_has_its_own_texts_in_their_order(by_shape, counted):
    meet(by_shape, counted, user(1), user(2))

    resource, keys, made, notes, kept = by_shape(user(3))

    assert (resource["userName"], keys["userName"]) == (
        "User3@acme.example",
        "user3@acme.example",
    )
    assert [(each.path, each.after) for each in made if each.path in {"userName", "title"}] == [
        ("userName", "User3@acme.example"),
        ("title", "T 3"),
    ]
    assert (notes, kept) == ((), user(3))
    assert list(resource) == list(read(user(3))[0])


@pytest.mark.parametrize(
    "others",
    [
        {"title": ""},
        {"title": " "},
        {"title": '["T"]'},
        {"title": "x" * 1_025},
        {"title": "é" * 700},
        {"title": "a\0b"},
        {"title": 5},
        {"active": "False"},
        {
            "emails": [
                {"type": "work", "value": "a@acme.example"},
                {"type": "work", "value": "A@acme.example"},
            ]
        },
        {"emails": [{"type": "Home", "value": "a@acme.example"}]},
        {"emails": "a@acme.example"},
        {"name": {"givenName": {"value": "Barbara"}}},
        {"name.givenName": "Barbara", "name": {}},
        {'emails[type eq "work"].value': "other@acme.example"},
        {"schemas": ["urn:acme:other"]},
        {ENTERPRISE: None},
        {ENTERPRISE: {"manager": "26118915-6090-4610-87e4-49d8ca9f808d"}},
        {ACME: {"pin": "hunter2"}},
        {"passwrod": "hunter2"},
        {"Operations": [{"op": "add", "path": "pin", "value": "hunter2"}]},
    ],
    ids=str,
)
def test_values_that_rules_look_at_are_read_by_them(by_shape, counted, others):
    for number in range(4):
        meet(by_shape, counted, user(number), user(number, **others))


def test_a_body_that_the_rules_refuse_is_refused_whatever_came_before(by_shape, counted):
    meet(by_shape, counted, user(1), user(2), user(3))

    for _ in range(3):
        with pytest.raises(InvalidValue, match="title is longer than 1024 characters"):
            by_shape(user(4, title="x" * 1_025))


def test_no_value_is_remembered_beside_those_that_are_part_of_a_shape(by_shape, counted):
    secret = user(1, password="hunter2", passwrod="hunter2", **{ACME: {"pin": "hunter2"}})

    meet(by_shape, counted, *[secret] * 4)

    remembered = repr((by_shape._places, by_shape._fillers, by_shape._met))
    assert "hunter2" not in remembered
    assert "acme.example" not in remembered


def test_shapes_are_bounded_in_number_and_size(by_shape, counted):
    large = user(1, entitlements=[{"value": f"e{n}"} for n in range(MAX_PARTS // 2)])
    wordy = user(1, **{"x" * MAX_FIXED: "y"})
    labelled = user(1, roles=[{"type": "r" * 1_000, "value": str(n)} for n in range(3)])
    for body in (large, wordy, labelled):
        meet(by_shape, counted, *[body] * 3)
    assert len(by_shape._fillers) == 0

    for number in range(2 * MOST):
        meet(by_shape, counted, *[user(1, **{f"unknown{number}": "a"})] * 2)

    assert max(map(len, (by_shape._places, by_shape._fillers, by_shape._met))) <= MOST


TEXTS = st.sampled_from(
    [
        *WORDS,
        "",
        " ",
        "\x1c",
        "{}",
        "[",
        '{"value": "a"}',
        "true",
        "5",
        "é" * 129,
        "x" * 1_025,
        "\0",
    ]
)
LEAVES = st.one_of(TEXTS, TEXTS, st.booleans(), st.none(), st.integers(0, 3))
NAMES = st.sampled_from(
    (
        "userName",
        "UserName",
        "externalId",
        "externalid",
        "title",
        "displayName",
        "nickName",
        "active",
        "password",
        "groups",
        "id",
        "meta",
        "passwrod",
        "department",
        "employeeNumber",
        "name.givenName",
        "value",
        "type",
        "primary",
        "$ref",
        "display",
        "givenName",
        "familyName",
        "resourceType",
        "country",
        "pin",
    )
)
PARTS = st.one_of(LEAVES, st.dictionaries(NAMES, LEAVES, max_size=3), st.lists(LEAVES, max_size=3))
VALUES = st.one_of(PARTS, st.lists(st.dictionaries(NAMES, PARTS, max_size=3), max_size=3))
BODIES = st.dictionaries(
    st.one_of(
        NAMES,
        st.sampled_from(
            [
                "name",
                "emails",
                "roles",
                "addresses",
                "x509Certificates",
                "schemas",
                ENTERPRISE,
                ACME,
            ]
        ),
    ),
    VALUES,
    max_size=6,
)


def like(body, texts):
    """The body with these texts in place of its own."""
    if isinstance(body, str):
        return next(texts)
    if isinstance(body, dict):
        return {name: like(item, texts) for name, item in body.items()}
    return [like(item, texts) for item in body] if isinstance(body, list) else body


@given(st.one_of(BODIES, BODIES.map(lambda more: {**JSMITH, **more})), st.data())
def test_no_body_is_read_otherwise_than_by_the_rules(body, data):
    by_shape = ByShape(PERSON, read)
    for _ in range(4):
        outcome(by_shape, body)
        other = like(body, iter(lambda: data.draw(TEXTS), None))

        assert outcome(by_shape, other) == outcome(read, other)
        assert outcome(by_shape, body) == outcome(read, body)
