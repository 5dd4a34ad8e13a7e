"""The paths of PATCH operations (RFC 7644 §3.5.2, figure 7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import urns
from scim.protocol.errors import InvalidPath
from scim.protocol.filters import (
    MAX_LENGTH,
    And,
    AttributePath,
    Comparison,
    Operator,
    Path,
    parse_path,
)
from tests.support.strategies import syntax_trees, to_text

TYPE_IS_WORK = Comparison(AttributePath("type"), Operator.EQ, "work")
MANAGER = AttributePath("manager", urn=urns.ENTERPRISE_USER)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("members", Path(AttributePath("members"))),
        ("name.familyName", Path(AttributePath("name", "familyName"))),
        ('addresses[type eq "work"]', Path(AttributePath("addresses"), TYPE_IS_WORK)),
        (
            'members[value eq "2819c223-7f76-453a-919d-413861904646"].displayName',
            Path(
                AttributePath("members"),
                Comparison(
                    AttributePath("value"), Operator.EQ, "2819c223-7f76-453a-919d-413861904646"
                ),
                "displayName",
            ),
        ),
    ],
)
def test_the_examples_of_the_rfc(text, path):
    """RFC 7644 figure 8."""
    assert parse_path(text) == path


def test_entra_addresses_a_part_of_the_value_of_a_type():
    assert parse_path('emails[type eq "work"].value') == Path(
        AttributePath("emails"), TYPE_IS_WORK, "value"
    )


def test_a_qualified_attribute_follows_its_schema_after_a_colon():
    assert parse_path(f"{urns.ENTERPRISE_USER}:manager") == Path(MANAGER)
    assert parse_path(f"{urns.ENTERPRISE_USER}:manager.value") == Path(
        AttributePath("manager", "value", urns.ENTERPRISE_USER)
    )
    assert parse_path(f'{urns.USER}:emails[type eq "work"].value') == Path(
        AttributePath("emails", urn=urns.USER), TYPE_IS_WORK, "value"
    )


@pytest.mark.quirk("E3")
def test_entras_older_connector_writes_a_dot_after_the_schema():
    assert parse_path(f"{urns.ENTERPRISE_USER}.manager") == Path(MANAGER)
    assert parse_path(f"{urns.ENTERPRISE_USER}.manager.value") == Path(
        AttributePath("manager", "value", urns.ENTERPRISE_USER)
    )


def test_a_schema_alone_addresses_the_whole_extension():
    path = parse_path(urns.ENTERPRISE_USER)

    assert path == Path(AttributePath("", urn=urns.ENTERPRISE_USER))
    assert str(path.attribute) == urns.ENTERPRISE_USER


@pytest.mark.parametrize(
    "urn",
    [
        "urn:ietf:params:scim:schemas:exampleCo:2.0:hr",
        "URN:IETF:PARAMS:SCIM:SCHEMAS:EXTENSION:ENTERPRISE:2.0:USER",
        "urn:example:2.0:hr:Person",
        "urn:example:hr",
        "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group",
    ],
)
def test_any_schema_uri_may_qualify_an_attribute(urn):
    assert parse_path(f"{urn}:age") == Path(AttributePath("age", urn=urn))


def test_ref_is_the_one_name_that_begins_with_a_dollar():
    assert parse_path("manager.$ref") == Path(AttributePath("manager", "$ref"))


def test_blank_space_around_a_path_is_ignored():
    assert parse_path(' emails[ type  eq "work" ].value ') == parse_path(
        'emails[type eq "work"].value'
    )


def test_the_filter_in_a_path_may_be_any_filter():
    path = parse_path('emails[type eq "work" and primary eq true]')

    assert path.filter == And(
        (TYPE_IS_WORK, Comparison(AttributePath("primary"), Operator.EQ, True))
    )


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "The path is not valid where it ends: the name of an attribute is expected."),
        (
            "name.familyName.first",
            (
                'The path is not valid at position 1: the text "name.familyName.first" is not the name '
                "of an attribute."
            ),
        ),
        (
            "/userName",
            "The path is not valid at position 1: the text is not the name of an attribute.",
        ),
        (
            'emails[type eq "work"] .value',
            "The path is not valid at position 24: the end of the path is expected.",
        ),
        (
            'emails[type eq "work"].',
            "The path is not valid at position 23: the name of a sub-attribute is expected.",
        ),
        (
            'emails[type eq "work"].value.x',
            "The path is not valid at position 23: the name of a sub-attribute is expected.",
        ),
        (
            "emails[]",
            "The path is not valid at position 8: the name of an attribute is expected.",
        ),
        (
            'emails[type eq "work"',
            (
                'The path is not valid where it ends: "and", "or" or the "]" is expected that closes '
                'the "[" of position 7.'
            ),
        ),
        (
            'emails.value[type eq "work"]',
            (
                "The path is not valid at position 13: square brackets stand behind an attribute, not "
                "behind a part of it."
            ),
        ),
        (
            f'{urns.ENTERPRISE_USER}[value eq "x"]',
            (
                "The path is not valid at position 59: square brackets stand behind an attribute, not "
                "behind a part of it."
            ),
        ),
        (
            "active userName",
            "The path is not valid at position 8: the end of the path is expected.",
        ),
        ("x" * (MAX_LENGTH + 1), "The path is longer than 8192 characters."),
    ],
)
def test_a_path_that_is_none_is_refused_with_what_is_missing_where(text, detail):
    with pytest.raises(InvalidPath) as refusal:
        parse_path(text)

    assert refusal.value.detail == detail


@given(st.text() | st.text(alphabet='ab.:[]()"$ \\'))
def test_no_text_makes_the_parser_fail_otherwise(text):
    try:
        path = parse_path(text)
    except InvalidPath as refusal:
        assert refusal.detail.endswith(".")  # noqa: PT017  # either outcome is right
    else:
        assert isinstance(path, Path)


@given(syntax_trees(value_paths=False))
def test_a_written_path_is_read_as_the_same_path(tree):
    attribute = AttributePath("emails", urn=urns.USER)

    assert parse_path(f"{attribute}[{to_text(tree)}].value") == Path(attribute, tree, "value")
