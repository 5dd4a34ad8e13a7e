"""The PatchOp message, its limits, and any PATCH of any user (RFC 7644 §3.5.2)."""

import contextlib
import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import patch, urns
from scim.protocol.definitions import USER
from scim.protocol.errors import (
    ContentTooLarge,
    InvalidSyntax,
    InvalidValue,
    ScimError,
)
from scim.protocol.patch import Op, Operation, read_resource
from tests.support.patching import (
    BJENSEN,
    add,
    message,
    patched,
    remove,
    replace,
)

# --- the message ------------------------------------------------------------------------------


def test_the_message_is_read_into_operations():
    operations = patch.read_request(
        message(
            {"op": "add", "path": "nickName", "value": "Babs"},
            {"op": "replace", "value": {"active": False}},
            {"op": "remove", "path": "title"},
        ),
    )

    assert operations == (
        Operation(Op.ADD, "nickName", "Babs"),
        Operation(Op.REPLACE, None, {"active": False}),
        Operation(Op.REMOVE, "title", None),
    )


_OPERATION = {"op": "add", "path": "nickName", "value": "Babs"}


@pytest.mark.parametrize(
    ("body", "error", "detail"),
    [
        (None, InvalidSyntax, "The body must be a JSON object, a PatchOp message."),
        ([], InvalidSyntax, "The body must be a JSON object, a PatchOp message."),
        ({}, InvalidSyntax, "Operations must be an array of at least one operation."),
        (message(), InvalidSyntax, "Operations must be an array of at least one operation."),
        (
            {"schemas": [urns.PATCH_OP], "Operations": _OPERATION},
            InvalidSyntax,
            "Operations must be an array of at least one operation.",
        ),
        (
            {"schemas": [urns.BULK_REQUEST], "Operations": [_OPERATION]},
            InvalidSyntax,
            f"schemas must name {urns.PATCH_OP}.",
        ),
        (
            {"schemas": 1, "Operations": [_OPERATION]},
            InvalidSyntax,
            "schemas must be an array of URNs.",
        ),
        (message("add"), InvalidSyntax, "Each of Operations must be an object."),
        (
            message({"op": "move", "path": "a"}),
            InvalidSyntax,
            "op must be add, replace or remove; the request has move.",
        ),
        (message({"path": "a"}), InvalidSyntax, "op must be add, replace or remove."),
        (message({"op": 1}), InvalidSyntax, "op must be add, replace or remove."),
        (message({**_OPERATION, "path": 1}), InvalidSyntax, "path must be a string."),
        (
            message({"op": ["replace"], "path": "title", "value": "x"}),
            InvalidSyntax,
            "op must be add, replace or remove.",
        ),
        (
            message({"op": "add", "path": "nickName"}),
            InvalidValue,
            "The add operation must have a value.",
        ),
        (
            message({"op": "replace", "value": [1]}),
            InvalidValue,
            "The value of the replace operation must be an object without a path.",
        ),
        (
            message(*[_OPERATION] * 1_001),
            ContentTooLarge,
            "A PATCH may have at most 1000 operations.",
        ),
        (
            message(*[{**_OPERATION, "path": "n" * 1_000}] * 132),
            ContentTooLarge,
            "The paths of a PATCH may have at most 131072 characters.",
        ),
    ],
)
def test_a_message_that_cannot_be_read_is_refused(body, error, detail):
    with pytest.raises(error) as caught:
        patch.read_request(body)

    assert caught.value.detail == detail


def test_an_attribute_cannot_grow_beyond_its_limit():
    emails = [{"value": f"{i}@example.com"} for i in range(99)]

    with pytest.raises(InvalidValue) as caught:
        patched(add("emails", emails))

    assert caught.value.detail == "emails has more than 100 values."


def test_one_refused_operation_refuses_all():
    """§3.5.2: a PATCH is atomic."""
    before = copy.deepcopy(BJENSEN)

    with pytest.raises(InvalidValue):
        patched(replace("userName", "babs"), remove("emails"), replace("active", "perhaps"))

    assert before == BJENSEN


# --- any operation on any user ----------------------------------------------------------------

_ATTRIBUTES = (
    *USER.common,
    *USER.schema.attributes,
    *USER.extensions[0].schema.attributes,
)
_NAMES = sorted(
    {
        f"{a.name}{sub}"
        for a in _ATTRIBUTES
        for sub in ("", *(f".{s.name}" for s in a.sub_attributes))
    }
    | {f'{a.name}[{s.name} eq "work"].{s.name}' for a in _ATTRIBUTES for s in a.sub_attributes}
    | {urns.USER, urns.ENTERPRISE_USER, f"{urns.ENTERPRISE_USER}.manager", "shoeSize"}
    | {'emails[type eq "work"]', 'emails[not (primary eq "True")]', 'manager[value eq "x"]'},
)
_SIMPLE = st.sampled_from(
    [None, "", "work", "Work", "x", "{}", '{"value": "x"}', "True", "../Users/x", "\ud83d"],
) | st.one_of(st.booleans(), st.integers(), st.floats(), st.text(max_size=3))
_MEMBERS = st.sampled_from(["value", "type", "primary", "$ref", "display", "FAMILYNAME", "shoe"])
_VALUES = st.recursive(
    _SIMPLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_MEMBERS, inner, max_size=3),
    max_leaves=6,
)
_OPERATIONS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(["add", "Replace", "remove"]),
        "value": _VALUES | st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=3),
    },
    optional={"path": st.sampled_from(_NAMES) | st.text(max_size=5)},
)


@given(
    st.dictionaries(st.sampled_from(_NAMES), _VALUES, max_size=4),
    st.lists(_OPERATIONS, min_size=1, max_size=4),
)
def test_any_patch_is_refused_or_gives_a_canonical_resource(body, operations):
    try:
        user = {**BJENSEN, **read_resource(USER, body).resource}
    except ScimError:
        user = BJENSEN

    with contextlib.suppress(ScimError):
        patched(*operations, resource=user)


@given(st.sampled_from(_NAMES), _VALUES)
def test_a_replacement_that_is_repeated_changes_nothing_more(path, value):
    operations = (Operation(Op.REPLACE, path, value),)

    try:
        once = patch.apply(USER, BJENSEN, operations).resource
    except ScimError:
        return

    assert patch.apply(USER, once, operations).resource == once
