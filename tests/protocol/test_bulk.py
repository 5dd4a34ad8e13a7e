"""The BulkRequest and the order of its operations (RFC 7644 §3.7), with the RFC's own examples."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import bulk, urns
from scim.protocol.bulk import Unit, components, read_request, resolved, units
from scim.protocol.definitions import GROUP, RESOURCE_TYPES, USER
from scim.protocol.errors import ContentTooLarge, InvalidSyntax, InvalidValue, ScimError

MANAGER = {urns.ENTERPRISE_USER: {"manager": {"value": "bulkId:boss"}}}
IDS = {"qwerty": UUID(int=1), "ytrewq": UUID(int=2), "a/b": UUID(int=3)}


def post(bulk_id: str, path: str = "/Users", *refers_to: str) -> dict[str, Any]:
    data = {"members": [{"value": f"bulkId:{name}"} for name in refers_to]}
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data}


def message(*operations: Any) -> dict[str, Any]:
    return {"schemas": [urns.BULK_REQUEST], "Operations": list(operations)}


def read(*operations: Any) -> tuple[bulk.Operation, ...]:
    return read_request(message(*operations), RESOURCE_TYPES, 1_000).operations


def order(*operations: Any) -> list[Unit]:
    return units(read(*operations))


def test_a_request_is_read_in_any_letter_case():
    request = read_request(
        {
            "SCHEMAS": [urns.BULK_REQUEST.upper()],
            "failonerrors": 1,
            "operations": [
                {
                    "METHOD": "post",
                    "Path": "v2/users/",
                    "BULKID": "qwerty",
                    "Data": {"userName": "Alice"},
                    "Version": None,
                }
            ],
        },
        RESOURCE_TYPES,
        1_000,
    )

    assert request == bulk.BulkRequest(
        operations=(
            bulk.Operation(
                method="POST",
                path="v2/users/",
                bulk_id="qwerty",
                data={"userName": "Alice"},
                resource_type=USER,
            ),
        ),
        fail_on_errors=1,
    )


def test_a_path_names_a_resource_type_and_a_resource():
    sent = {"method": "DELETE", "path": "/Groups/8aa1", "version": 'W/"3"'}

    assert read(sent) == (
        bulk.Operation(
            method="DELETE",
            path="/Groups/8aa1",
            version='W/"3"',
            resource_type=GROUP,
            identifier="8aa1",
        ),
    )


def test_references_are_found_in_values_uris_filters_and_the_path():
    sent = {
        "method": "PATCH",
        "path": "/Groups/bulkId:tours",
        "data": {
            "Operations": [
                {"op": "add", "path": "members", "value": [{"value": "bulkId:one"}]},
                {"op": "add", "value": {"members": {"$ref": "../Users/bulkId:two"}}},
                {
                    "op": "remove",
                    "path": 'members[value eq "bulkId:three" or value eq "bulkId:two"]',
                },
            ]
        },
    }

    assert read(sent)[0].references == ("tours", "one", "two", "three")


def test_references_become_ids():
    data = {
        "manager": "bulkId:qwerty",
        "members": [
            {"value": "bulkId:a/b", "$ref": "https://acme.example/scim/Users/bulkId:ytrewq"}
        ],
        "path": 'members[value eq "bulkId:qwerty"].display',
        "note": "bulkId:",
        "level": 3,
    }
    sent = {"method": "PUT", "path": "/users/bulkId:ytrewq/", "data": data}
    (operation,) = read(sent)

    done = resolved(operation, IDS)

    assert (done.path, done.identifier) == (f"/Users/{UUID(int=2)}", str(UUID(int=2)))
    assert done.data == {
        "manager": str(UUID(int=1)),
        "members": [
            {
                "value": str(UUID(int=3)),
                "$ref": f"https://acme.example/scim/Users/{UUID(int=2)}",
            }
        ],
        "path": f'members[value eq "{UUID(int=1)}"].display',
        "note": "bulkId:",
        "level": 3,
    }
    assert operation.data == data  # what was sent stays as it is


@pytest.mark.parametrize(
    ("body", "error", "detail"),
    [
        ([], InvalidSyntax, "The body must be a JSON object, a BulkRequest message."),
        ({"schemas": [urns.PATCH_OP]}, InvalidSyntax, f"schemas must name {urns.BULK_REQUEST}."),
        ({"schemas": "x"}, InvalidSyntax, f"schemas must name {urns.BULK_REQUEST}."),
        ({}, InvalidSyntax, "Operations must be an array of at least one operation."),
        (message(), InvalidSyntax, "Operations must be an array of at least one operation."),
        (message(None), InvalidSyntax, "Each of Operations must be an object."),
        (message({"bulkId": 1}), InvalidSyntax, "bulkId must be a string."),
        (
            message(post("a"), post("a")),
            InvalidValue,
            "The bulkId 'a' occurs more than once.",
        ),
        *(
            (message(post("a")) | {"failOnErrors": wrong}, error, f"failOnErrors must be {what}.")
            for error, what, values in (
                (InvalidValue, "an integer of at least 1", ("0", "-1")),
                (InvalidSyntax, "an integer", ("true", '"1"', "1.5", "[]", "{}")),
            )
            for wrong in map(json.loads, values)
        ),
        (
            message(*(post(str(number)) for number in range(1_001))),
            ContentTooLarge,
            "The request has 1001 operations, which exceeds maxOperations (1000).",
        ),
    ],
)
def test_a_request_that_cannot_be_read_is_refused(body, error, detail):
    with pytest.raises(error) as refusal:
        read_request(body, RESOURCE_TYPES, 1_000)

    assert refusal.value.detail == detail


@pytest.mark.parametrize(
    ("sent", "status", "detail"),
    [
        ({}, 400, "method must be POST, PUT, PATCH or DELETE."),
        ({"method": "GET"}, 400, "method must be POST, PUT, PATCH or DELETE."),
        ({"method": "PUT"}, 400, "path is missing; it is such as /Users or /Users/{id}."),
        ({"method": "POST", "path": "/Users"}, 400, "bulkId is missing; a POST must have one."),
        (
            {"method": "POST", "path": "/Users/1", "bulkId": "b"},
            405,
            "The path of a POST must be that of a resource type.",
        ),
        (
            {"method": "DELETE", "path": "/Users"},
            405,
            "The path of a DELETE must be that of one resource.",
        ),
        (
            {"method": "PATCH", "path": "/Users/1"},
            400,
            "data is missing; a PATCH must have it.",
        ),
        (
            {"method": "DELETE", "path": "/Users/1", "version": 1},
            400,
            "version must be a string.",
        ),
    ],
)
def test_an_operation_that_is_impossible_says_why_and_spoils_no_other(sent, status, detail):
    good, flawed = read(post("a"), sent)

    assert good.flaw is None
    assert flawed.flaw is not None
    assert (flawed.flaw.status, flawed.flaw.detail) == (status, detail)


def test_operations_without_references_keep_their_order():
    assert order(post("a"), post("b"), post("c")) == [Unit((0,)), Unit((1,)), Unit((2,))]


def test_a_reference_backward_changes_no_order():
    assert order(post("a"), post("b", "/Groups", "a")) == [Unit((0,)), Unit((1,))]


def test_a_referenced_operation_is_executed_first():
    ordered = order(post("tours", "/Groups", "b", "a"), post("a"), post("b"), post("c"))

    assert ordered == [Unit((2,)), Unit((1,)), Unit((0,)), Unit((3,))]


def test_users_that_manage_each_other_are_one_unit():
    ordered = order(post("a", "/Users", "b"), post("c"), post("b", "/Users", "a"))

    assert ordered == [Unit((0, 2)), Unit((1,))]


def test_within_a_circle_members_come_before_their_group():
    """The user names the group, too, which is ignored: nothing asks that it exists."""
    assert order(post("tours", "/Groups", "a"), post("a", "/Users", "tours")) == [Unit((1, 0))]


def test_groups_in_each_other_have_no_order():
    ordered = order(post("qwerty", "/Groups", "ytrewq"), post("ytrewq", "/Groups", "qwerty"))

    assert ordered == [Unit((0, 1), is_circular=True)]


def test_a_group_in_itself_has_no_order_and_a_user_may_be_its_own_manager():
    assert order(post("a", "/Groups", "a")) == [Unit((0,), is_circular=True)]
    assert order(post("a", "/Users", "a")) == [Unit((0,))]


def test_a_chain_of_a_thousand_forward_references_is_ordered():
    chain = [post(str(n), "/Groups", *[str(n + 1)][: n < 999]) for n in range(1_000)]

    assert order(*chain) == [Unit((n,)) for n in reversed(range(1_000))]


@given(
    st.integers(1, 8).flatmap(
        lambda size: st.lists(
            st.lists(st.integers(0, size - 1), max_size=3), min_size=size, max_size=size
        )
    )
)
def test_each_node_comes_after_all_it_needs_but_for_circles(edges):
    needs = dict(enumerate(edges))
    found = components(needs)

    def reached(start):
        seen = set()
        rest = [start]
        while rest:
            for needed in needs[rest.pop()]:
                if needed not in seen:
                    seen.add(needed)
                    rest.append(needed)
        return seen

    assert sorted(node for circle in found for node in circle) == sorted(needs)
    done = set()
    for circle in found:
        done.update(circle)
        for node in circle:
            assert reached(node) <= done
            assert all(other in reached(node) for other in circle if other != node)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["bulkId:a", "bulkId:", "../Users/bulkId:b", "POST", "PATCH", "/Users", ""]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["method", "Path", "bulkId", "DATA", "version", "value", "schemas"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.lists(_JSON, max_size=5) | _JSON, _JSON)
def test_any_json_is_read_and_ordered_or_refused(operations, fail_on_errors):
    body = {"Operations": operations, "failOnErrors": fail_on_errors}
    try:
        request = read_request(body, RESOURCE_TYPES, 1_000)
    except ScimError:
        return

    ordered = units(request.operations)

    indexes = sorted(index for unit in ordered for index in unit.indexes)
    assert indexes == list(range(len(operations)))
