"""The meaning of filters (RFC 7644 §3.4.2.2), told by the users they match, and at the root."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scim.protocol import urns
from scim.protocol.comparison import comparable
from scim.protocol.definitions import GROUP, RESOURCE_TYPES, USER
from scim.protocol.errors import InvalidFilter
from scim.protocol.evaluation import (
    check_comparison,
    element_predicate,
    matches,
    narrowed,
    validate,
)
from scim.protocol.filters import And, AttributePath, Comparison, Not, Operator, Or, parse_filter
from scim.protocol.schema import Attribute, Returned, Type
from tests.support.strategies import IDS, MOMENTS, comparisons, filters, users

BJENSEN: dict[str, Any] = {
    "userName": "BJensen",
    "externalId": "A1b2",
    "active": False,
    "name": {"familyName": "Jensen", "givenName": "Barbara"},
    "emails": [
        {"value": "bjensen@example.com", "type": "work", "primary": True},
        {"value": "babs@jensen.org", "type": "home"},
        {"display": "No address"},
    ],
    urns.ENTERPRISE_USER: {"department": "Tours", "manager": {"value": "26118915-A"}},
}
META = {
    "resourceType": "User",
    "created": "2010-01-23T04:56:22.000000Z",
    "lastModified": "2011-05-13T04:42:34.000000Z",
}
DOCUMENT = {**comparable(USER, BJENSEN), "id": "2819c223-7f76-453a-919d-413861904646", "meta": META}

EMAILS = next(each for each in USER.schema.attributes if each.name == "emails")
TAGS = Attribute("tags", multi_valued=True)


def is_match(text):
    return matches(parse_filter(text), USER, DOCUMENT)


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "bjensen"',
        'USERNAME EQ "BJENSEN"',
        'userName sw "bj"',
        'userName co "JEN"',
        'userName ew "sen"',
        'userName ne "jsmith"',
        'userName co ""',
        'externalId eq "A1b2"',
        'id eq "2819c223-7f76-453a-919d-413861904646"',
        'name.familyName gt "Jensem"',
        'name.familyName ge "JENSEN" and name.familyName le "jensen"',
        'name.familyName lt "Jensen "',
        "active eq false",
        "active ne true",
        'active eq "False"',
        'meta.lastModified ge "2011-05-13T06:42:34+02:00"',
        'meta.created lt "2010-01-23T04:56:22.5Z"',
        'meta.created eq "2010-01-23T04:56:22"',
        'meta.resourceType eq "User"',
        f'schemas eq "{urns.ENTERPRISE_USER}"',
        f'schemas eq "{urns.USER}"',
        f'{urns.USER}:name.givenName eq "barbara"',
        f'{urns.USER}:externalId eq "A1b2"',
    ],
)
def test_it_matches(text):
    assert is_match(text)


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "jensen"',
        'userName sw "jensen"',
        'externalId eq "a1B2"',
        'id eq "2819C223-7F76-453A-919D-413861904646"',
        'name.familyName gt "jensen"',
        'name.familyName lt "JENSEN"',
        "active eq true",
        'meta.lastModified gt "2011-05-13T04:42:34Z"',
        f'schemas eq "{urns.USER.lower()}"',
        f'schemas eq "{urns.GROUP}"',
    ],
)
def test_it_does_not_match(text):
    assert not is_match(text)


def test_an_extension_without_values_is_not_among_the_schemas():
    tree = parse_filter(f'schemas eq "{urns.ENTERPRISE_USER}"')

    assert not matches(tree, USER, {"userName": "jsmith"})


@pytest.mark.parametrize(
    "path",
    [
        f"{urns.ENTERPRISE_USER}:manager.value",
        f"{urns.ENTERPRISE_USER}:manager",
        f"{urns.ENTERPRISE_USER}.manager",
        "manager",
        "manager.value",
    ],
)
def test_the_manager_is_found_however_entra_spells_it(path):
    assert is_match(f'{path} eq "26118915-A"')
    assert not is_match(f'{path} eq "26118915-a"')


@pytest.mark.quirk("E2")
def test_entra_compares_booleans_with_strings():
    assert is_match('emails[primary eq "True"].value eq "bjensen@example.com"')
    assert is_match('active eq "false"')


def test_one_of_many_values_is_enough():
    assert is_match('emails.type eq "home"')
    assert is_match('emails.value ew "@example.com" and emails.value ew "@jensen.org"')
    assert is_match("emails.primary eq true")


def test_not_equal_means_that_no_value_equals():
    assert not is_match('emails.type ne "home"')
    assert is_match('emails.type ne "other"')
    assert is_match('title ne "Tour Guide"')


def test_a_complex_attribute_compares_its_value():
    assert is_match('emails co "@jensen.org"')
    assert is_match('emails eq "BABS@JENSEN.ORG"')
    assert not is_match('emails eq "home"')


def test_square_brackets_ask_one_value_for_all():
    assert is_match('emails[type eq "work" and value co "@example.com"]')
    assert not is_match('emails[type eq "home" and value co "@example.com"]')
    assert is_match('emails[type eq "work"].value eq "BJensen@example.com"')
    assert not is_match('emails[type eq "home"].value eq "bjensen@example.com"')
    assert is_match('emails[not (type pr) and display eq "no address"]')
    assert is_match('manager[value eq "26118915-A"]')
    assert is_match(f'schemas[value eq "{urns.USER}"]')


def test_square_brackets_on_an_attribute_without_value_match_nothing():
    assert not is_match('addresses[not (type eq "work")]')
    assert is_match('not (addresses[type eq "work"])')
    assert not matches(parse_filter("name[not (familyName pr)]"), USER, {"userName": "jsmith"})


def test_not_equal_in_square_brackets_speaks_of_the_one_value():
    assert is_match('emails[type eq "home"].value ne "bjensen@example.com"')
    assert is_match('emails[type ne "work"]')
    assert not is_match('emails[type eq "other"].value ne "x"')


@pytest.mark.parametrize(
    "path", ["userName", "active", "name", "emails", "emails.display", "manager", "meta.created"]
)
def test_a_value_that_is_there_is_present_also_if_it_is_false(path):
    assert is_match(f"{path} pr")
    assert is_match(f"{path} ne null")
    assert not is_match(f"{path} eq null")


@pytest.mark.parametrize(
    "path", ["title", "name.formatted", "addresses", "roles.type", "costCenter"]
)
def test_without_a_value_nothing_is_present_and_nothing_compares(path):
    assert not is_match(f"{path} pr")
    assert is_match(f"{path} eq null")
    assert not is_match(f"{path} ne null")


def test_an_attribute_without_value_is_neither_below_nor_above():
    assert not is_match('title lt "M" or title ge "M" or title co ""')


@pytest.mark.parametrize("empty", ["", [], {}, None, {"type": ""}, [{"type": None}]])
def test_an_empty_value_is_not_present(empty):
    assert not matches(parse_filter("emails pr"), USER, {"emails": empty})


def test_logic_has_two_values():
    assert is_match('not (title eq "x") and not (not (userName pr))')
    assert is_match('title eq "x" or userName pr')
    assert not is_match('title eq "x" and userName pr')


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("shoeSize eq 43", '"shoeSize" is not an attribute of User.'),
        ("name.shoeSize pr", '"name.shoeSize" is not an attribute of User.'),
        ("userName.value pr", '"userName.value" is not an attribute of User.'),
        (
            "urn:example:2.0:User:userName pr",
            ('"urn:example:2.0:User:userName" is not an attribute of User.'),
        ),
        ("x" * 121 + " pr", '"' + "x" * 120 + '…" is not an attribute of User.'),
        ("emails[shoeSize pr]", '"shoeSize" is not a sub-attribute of "emails".'),
        ("emails[value.type pr]", '"value.type" is not a sub-attribute of "emails".'),
        (f"emails[{urns.USER}:type pr]", f'"{urns.USER}:type" is not a sub-attribute of "emails".'),
        ("schemas[type pr]", '"type" is not a sub-attribute of "schemas".'),
        (
            'userName[value eq "x"]',
            '"userName" has one simple value and takes no square brackets.',
        ),
        ("password pr", '"password" is never returned and cannot be filtered by.'),
        ('password sw "a"', '"password" is never returned and cannot be filtered by.'),
        ('password[value eq "x"]', '"password" is never returned and cannot be filtered by.'),
        (
            'name eq "Jensen"',
            (
                '"name" is complex; compare one of name.formatted, name.familyName, name.givenName, '
                "name.middleName, name.honorificPrefix, name.honorificSuffix."
            ),
        ),
        (
            "active gt true",
            '"active" is of type boolean and does not support gt, but eq, ne and pr.',
        ),
        (
            'x509Certificates ge "MII"',
            (
                '"x509Certificates" is of type binary and does not support ge, but eq, ne, co, sw, ew '
                "and pr."
            ),
        ),
        (
            'meta.created sw "2010"',
            (
                '"created" is of type dateTime and does not support sw, but eq, ne, gt, ge, lt, le and '
                "pr."
            ),
        ),
        ('active eq "yes"', '"active" is compared with true or false.'),
        ("active eq 1", '"active" is compared with true or false.'),
        (
            'meta.created ge "yesterday"',
            '"created" is compared with a time like "2011-05-13T04:42:34Z".',
        ),
        ("userName gt null", '"userName" gt null has no meaning; use eq or ne.'),
        (
            'userName eq "' + "x" * 1025 + '"',
            '"userName" has no value of more than 1024 characters.',
        ),
    ],
)
def test_an_invalid_comparison_is_refused_even_if_the_result_does_not_depend_on_it(text, detail):
    for whole in (text, f"userName pr or {text}", f"title pr and not ({text})"):
        with pytest.raises(InvalidFilter) as refusal:
            validate(parse_filter(whole), USER)
        assert refusal.value.detail == detail


def test_a_sub_attribute_that_is_never_returned_cannot_be_asked_for_either():
    secret = Attribute("secret", returned=Returned.NEVER)
    keys = Attribute("keys", Type.COMPLEX, multi_valued=True, sub_attributes=(secret,))

    with pytest.raises(InvalidFilter, match='"secret" is never returned'):
        element_predicate(parse_filter('secret eq "x"'), keys)


def test_a_comparison_has_the_key_of_its_literal():
    assert check_comparison(Attribute("userName"), Operator.EQ, "BJensen") == "bjensen"
    assert check_comparison(EMAILS, Operator.CO, "@Example.com") == "@example.com"
    assert check_comparison(Attribute("weight", Type.DECIMAL), Operator.GT, 1.5) == 1.5
    assert check_comparison(Attribute("count", Type.INTEGER), Operator.LE, 3) == 3
    assert check_comparison(Attribute("active", Type.BOOLEAN), Operator.EQ, "True") is True
    assert check_comparison(EMAILS, Operator.NE, None) is None


@pytest.mark.quirk("E37")
@pytest.mark.parametrize(
    ("literal", "key"), [("701984", "701984"), ("1.50", "1.50"), ("-1e3", "-1e3"), ("true", "true")]
)
def test_a_string_is_compared_with_what_a_number_is_spelled_like(literal, key):
    [term] = [parse_filter(f"userName eq {literal}")]

    assert check_comparison(Attribute("userName"), Operator.EQ, term.value) == key


@pytest.mark.quirk("E38")
@pytest.mark.parametrize(("text", "number"), [("3", 3), ("0", 0), ("-1.50", -1.5), ("1E2", 100.0)])
def test_a_number_is_compared_with_a_text_that_is_one(text, number):
    for each in (Type.INTEGER, Type.DECIMAL):
        assert check_comparison(Attribute("count", each), Operator.LE, text) == number


@pytest.mark.parametrize("literal", [True, "3x", "", "1e999", "NaN", "9" * 65])
def test_a_number_is_compared_with_numbers_only(literal):
    with pytest.raises(InvalidFilter, match='"count" is compared with a number'):
        check_comparison(Attribute("count", Type.INTEGER), Operator.EQ, literal)


def test_the_filter_of_a_path_selects_values_of_a_canonical_resource():
    """RFC 7644 §3.5.2: the values need no keys; they are made here."""
    is_work = element_predicate(parse_filter('type eq "WORK" and value co "@Example"'), EMAILS)

    assert [is_work(email) for email in BJENSEN["emails"]] == [True, False, False]


def test_the_filter_of_a_path_calls_a_simple_value_value():
    assert element_predicate(parse_filter('value eq "A" or value sw "x"'), TAGS)("a")
    assert not element_predicate(parse_filter("not (Value pr)"), TAGS)("a")


def test_the_filter_of_a_path_is_refused_though_there_are_no_values_to_test():
    with pytest.raises(InvalidFilter) as refusal:
        element_predicate(parse_filter("shoeSize eq 43"), EMAILS)

    assert refusal.value.detail == '"shoeSize" is not a sub-attribute of "emails".'


DOCUMENTS = st.builds(
    lambda user, id_, created: {
        **comparable(USER, user),
        "id": id_,
        "meta": comparable(USER, {"meta": {"resourceType": "User", "created": created}})["meta"],
    },
    users(),
    st.sampled_from(IDS),
    st.sampled_from(MOMENTS),
)


@given(filters(), filters(), DOCUMENTS)
def test_de_morgan_and_double_negation_hold(one, other, document):
    def holds(tree):
        return matches(tree, USER, document)

    assert holds(Not(And((one, other)))) == holds(Or((Not(one), Not(other))))
    assert holds(Not(Or((one, other)))) == holds(And((Not(one), Not(other))))
    assert holds(Not(Not(one))) == holds(one)
    assert holds(Or((one, other))) == (holds(one) or holds(other))


@given(comparisons(), DOCUMENTS)
def test_not_equal_is_not_of_equal(comparison, document):
    equality = replace(comparison, operator=Operator.EQ)
    inequality = replace(comparison, operator=Operator.NE)

    assert matches(inequality, USER, document) == matches(Not(equality), USER, document)


@given(filters())
def test_filters_that_are_drawn_are_valid(tree):
    validate(tree, USER)


@given(st.data(), users())
def test_each_user_is_found_by_what_it_holds(data, user):
    name = data.draw(st.sampled_from(sorted(set(user) - {urns.ENTERPRISE_USER, "name"})))
    values = user[name] if isinstance(user[name], list) else [user[name]]
    value = values[0].get("value") if isinstance(values[0], dict) else values[0]
    assume(value is not None)
    tree = Comparison(AttributePath(name), Operator.EQ, value)

    assert matches(tree, USER, comparable(USER, user))


@pytest.mark.parametrize(
    ("text", "for_users", "for_groups"),
    [
        ("displayName pr", "displayName pr", "displayName pr"),
        ('userName eq "b"', 'userName eq "b"', False),
        ('userName ne "b"', 'userName ne "b"', True),
        ('userName sw "b"', 'userName sw "b"', False),
        ("userName eq null", "userName eq null", True),
        ("userName ne null", "userName ne null", False),
        ("members pr", False, "members pr"),
        ('emails[type eq "work"]', 'emails[type eq "work"]', False),
        ("not (members pr)", True, "not (members pr)"),
        ("userName pr and displayName pr", "userName pr and displayName pr", False),
        ("not (members pr) and displayName pr", "displayName pr", None),
        ("userName pr or displayName pr", "userName pr or displayName pr", "displayName pr"),
        ("userName pr or members pr", "userName pr", "members pr"),
        ("not (members pr) or displayName pr", True, None),
        ("members pr and not (userName pr)", False, "members pr"),
    ],
)
def test_an_attribute_that_a_type_does_not_have_has_no_value(text, for_users, for_groups):
    tree = parse_filter(text)

    for resource_type, expected in ((USER, for_users), (GROUP, for_groups)):
        wanted = parse_filter(expected) if isinstance(expected, str) else expected
        wanted = tree if wanted is None else wanted  # nothing to leave out
        assert narrowed(tree, resource_type, RESOURCE_TYPES) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "shoeSize pr",
        "members pr and shoeSize pr",
        "members pr and active eq 5",
        "name.shoeSize pr",
        "password pr",
    ],
)
def test_a_filter_unknown_to_every_type_is_refused(text):
    tree = parse_filter(text)

    with pytest.raises(InvalidFilter):
        narrowed(tree, USER, RESOURCE_TYPES)
