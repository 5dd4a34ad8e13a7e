"""Any JSON as any message: it is read, or refused with a SCIM error; nothing else is raised."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import bulk, patch, urns
from scim.protocol.definitions import GROUP, RESOURCE_TYPES, USER
from scim.protocol.errors import BadRequest, ContentTooLarge
from scim.protocol.patch import read_resource
from scim.provider.parameters import read_cursor, read_projection, read_query, read_search
from tests.support.patching import BJENSEN

_NAMES = [
    "schemas", "Operations", "operations", "op", "path", "value", "Value", "$ref", "type", "primary",
    "method", "bulkId", "data", "version", "failOnErrors", "filter", "count", "startIndex", "sortBy",
    "sortOrder", "cursor", "attributes", "excludedAttributes", "userName", "active", "name",
    "name.givenName", "emails", 'emails[type eq "work"].value', "members", "manager", "displayName",
    urns.USER, urns.ENTERPRISE_USER, f"{urns.ENTERPRISE_USER}:manager", 'members[value eq "x"]',
]  # fmt: skip
_TEXTS = [
    "", "x", "add", "Replace", "remove", "PATCH", "POST", "/Users", "//v2//Users/1", "bulkId:x", "True",
    "5", "1e999", "{}", "[]", "[{", '[{"value": "x"}]', '{"value": {}}', "userName eq x", "title pr",
    'emails[type eq work].value eq "x"', "members[value eq x]", "descending", urns.PATCH_OP, "\ud83d",
    *_NAMES,
]  # fmt: skip
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(_TEXTS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner),
    max_leaves=12,
)
_OPERATION = st.dictionaries(st.sampled_from(("op", "Path", "value", "path")), _JSON)
_BULKED = st.dictionaries(
    st.sampled_from(("method", "path", "bulkId", "data", "version")),
    st.sampled_from(_TEXTS) | _JSON,
)
MESSAGES = (
    _JSON
    | st.fixed_dictionaries({"Operations": st.lists(_OPERATION | _BULKED, max_size=3)})
    | st.dictionaries(st.sampled_from(_NAMES), _JSON, max_size=4)
)


@given(MESSAGES)
def test_any_json_is_a_message_or_is_refused(body):
    for resource_type in RESOURCE_TYPES:
        with contextlib.suppress(BadRequest, ContentTooLarge):
            read_resource(resource_type, body)
        with contextlib.suppress(BadRequest, ContentTooLarge):
            patch.apply(resource_type, BJENSEN, patch.read_request(body))
    with contextlib.suppress(BadRequest, ContentTooLarge):
        bulk.units(bulk.read_request(body, RESOURCE_TYPES, 10).operations)
    with contextlib.suppress(BadRequest):
        parameters = read_search(body)
        read_projection(parameters)
        read_cursor(parameters)
        read_query(parameters)


_MEMBER = _JSON | st.dictionaries(st.sampled_from(("value", "Value", "$ref", "type")), _JSON)
_MEMBER_PATHS = (
    "members",
    'members[value eq "x"]',
    "members[value eq x]",
    'members[type eq "User"]',
    "members.value",
)


@given(
    st.sampled_from(("add", "replace", "remove")),
    st.sampled_from(_MEMBER_PATHS),
    _MEMBER | st.lists(_MEMBER, max_size=3),
)
def test_whatever_is_sent_for_members_is_an_edit_or_refused(op, path, value):
    operation = {"op": op, "path": path, "value": value}

    with contextlib.suppress(BadRequest):
        applied = patch.apply(
            GROUP, {"displayName": "G"}, patch.read_request({"Operations": [operation]})
        )
        assert all(isinstance(each, str) and each for e in applied.member_edits for each in e.ids)


@given(st.sampled_from([True, False]), st.sampled_from(("add", "Replace", "remove")), _JSON)
def test_a_user_is_active_or_disabled_whatever_is_sent_for_it(active, op, value):
    user = {**BJENSEN, "active": active}
    operations = {"Operations": [{"op": op, "path": "active", "value": value}]}

    with contextlib.suppress(BadRequest):
        after = patch.apply(USER, user, patch.read_request(operations)).resource
        assert after["active"] in (True, False)
        if op == "remove" or value in (None, "", []):
            assert after == user
