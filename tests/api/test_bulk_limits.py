"""Limits of Bulk: refusals of the whole, isolation, log and cost (RFC 7644 §3.7.3, §3.7.4)."""

import json

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim.models import AttributeChange, ProvisioningEvent, Resource
from scim.protocol import urns
from scim.provider.catalog import CAPABILITIES
from tenants.current import in_tenant
from tests.support import clients
from tests.support.bulk import (
    UNKNOWN,
    bulk,
    group,
    id_of,
    managed_by,
    members_of,
    patch,
    post,
    send,
    statuses,
    user,
)


@pytest.fixture
def acme_scim(acme, scim):
    return scim(acme)


def test_too_many_operations_are_refused_and_none_is_executed(acme_scim):
    limit = CAPABILITIES.max_operations
    operations = [post(str(number), "/Users", {}) for number in range(limit + 1)]

    answer = acme_scim.post("/Bulk", bulk(*operations))

    assert (answer.status, answer.json) == (
        413,
        {
            "schemas": [urns.ERROR],
            "detail": "The request has 1001 operations, which exceeds maxOperations (1000).",
            "status": "413",
        },
    )


def test_too_large_a_payload_is_refused_with_the_limit(acme_scim):
    answer = acme_scim.post("/Bulk", "x" * (CAPABILITIES.max_body + 1))

    assert answer.status == 413
    assert "1048576" in answer.json["detail"]


def test_the_limits_are_announced(acme_scim):
    assert acme_scim.get("/ServiceProviderConfig").json["bulk"] == {
        "supported": True,
        "maxOperations": 1_000,
        "maxPayloadSize": 1_048_576,
    }


def test_a_thousand_users_are_created_at_once(acme_scim):
    """More members of objects than a single resource may have."""
    name = {"givenName": "G", "familyName": "F", "formatted": "G F", "middleName": "M"}
    operations = [
        post(str(n), "/Users", user(f"u{n}", name=name, title="T", nickName="N"))
        for n in range(CAPABILITIES.max_operations)
    ]

    results = send(acme_scim, *operations)

    assert set(statuses(results)) == {"201"}
    page = acme_scim.get("/Users", attributes="userName", count=100).json
    assert page["totalResults"] == CAPABILITIES.max_operations
    assert [each["userName"] for each in page["Resources"]] == [f"u{n}" for n in range(100)]


@pytest.mark.parametrize(
    ("body", "status", "scim_type"),
    [
        (None, 400, "invalidSyntax"),
        ([], 400, "invalidSyntax"),
        ({"schemas": [urns.PATCH_OP], "Operations": [{}]}, 400, "invalidSyntax"),
        (bulk(), 400, "invalidSyntax"),
        ({"Operations": "all"}, 400, "invalidSyntax"),
        (bulk(post("a", "/Users", {}), failOnErrors=0), 400, "invalidValue"),
        (bulk(post("a", "/Users", {}), post("a", "/Users", {})), 400, "invalidValue"),
    ],
)
def test_a_request_that_is_no_bulk_request_is_refused(acme, acme_scim, body, status, scim_type):
    answer = acme_scim.post("/Bulk", body)

    assert (answer.status, answer.json["scimType"]) == (status, scim_type)
    with in_tenant(acme):
        event = ProvisioningEvent.objects.get()
    assert (event.operation, event.path, event.status) == ("bulk", "/scim/Bulk", status)


def test_only_post_is_supported_and_only_with_a_token(acme, acme_scim):
    got = acme_scim.get("/Bulk")
    stranger = clients.ScimClient(acme, None).post("/Bulk", bulk(post("a", "/Users", user("a"))))

    assert (got.status, got.headers["Allow"]) == (405, "POST")
    assert stranger.status == 401
    assert acme_scim.get("/Users").json["totalResults"] == 0


def test_another_tenant_is_out_of_reach(acme, globex, scim):
    theirs = scim(globex).post("/Users", user("jsmith")).json["id"]
    ours = scim(acme)

    results = send(
        ours,
        {"method": "DELETE", "path": f"/Users/{theirs}"},
        post("g", "/Groups", group("Tour Guides", theirs)),
        post("a", "/Users", user("jsmith")),
    )

    assert statuses(results) == ["404", "201", "201"]
    assert members_of(ours, id_of(results[1])) == []  # E30: as if nobody had that id
    assert scim(globex).get(f"/Users/{theirs}").status == 200
    assert scim(globex).get("/Users").json["totalResults"] == 1


def test_every_operation_is_an_event_of_the_request_and_changes_are_in_the_history(acme, acme_scim):
    bob = acme_scim.post("/Users", user("bob")).json["id"]
    title = patch({"op": "add", "path": "title", "value": "Guide"})

    answer = acme_scim.post(
        "/v2/Bulk",
        bulk(
            post("a", "/Users", user("bob", password="t1meMa$heen")),
            {"method": "PATCH", "path": f"/Users/{bob}", "data": title},
            {"method": "DELETE", "path": f"/Users/{UNKNOWN}"},
            {"method": "LOCK", "path": "/Users"},
        ),
    )

    with in_tenant(acme):
        events = list(ProvisioningEvent.objects.filter(request_id=answer.headers["Request-Id"]))
        changed = AttributeChange.objects.get(request_id=answer.headers["Request-Id"])
    events.sort(key=lambda event: -event.status)  # some may be of one millisecond
    at = "/scim/v2/Bulk#"
    assert [(e.operation, e.method, e.path, e.status, e.scim_type) for e in events] == [
        ("create", "POST", f"{at}/Users", 409, "uniqueness"),
        ("delete", "DELETE", f"{at}/Users/{UNKNOWN}", 404, ""),
        ("bulk", "", f"{at}/Users", 400, "invalidSyntax"),
        ("modify", "PATCH", f"{at}/Users/{bob}", 200, ""),
    ]
    assert [str(event.resource_id) for event in events] == ["None", UNKNOWN, "None", bob]
    assert events[0].sent["password"] == "[redacted]"
    assert (changed.path, changed.before, changed.after) == ("title", None, "Guide")
    assert changed.event_id == events[3].id


def test_an_operation_costs_what_it_costs_alone_and_a_savepoint(acme_scim):
    one, two = (
        [post(str(n), "/Users", user(f"{size}-{n}")) for n in range(size)] for size in (1, 2)
    )
    send(acme_scim, post("0", "/Users", user("first")))  # notes the use of the token

    assert [executed(acme_scim, operations, failOnErrors=1) for operations in (one, two)] == [
        ["token", "SAVEPOINT", "WITH stored", "RELEASE SAVEPOINT"],
        ["token", *["SAVEPOINT", "WITH stored", "RELEASE SAVEPOINT"] * 2],
    ]


def test_new_users_one_after_another_cost_a_statement_for_each_table(acme_scim):
    """The others: the token, former users, and whether a stream wants what happened."""
    some, many = (
        [post(str(n), "/Users", user(f"{size}-{n}")) for n in range(size)] for size in (2, 90)
    )
    send(acme_scim, post("0", "/Users", user("first")))

    first, second = (executed(acme_scim, operations) for operations in (some, many))

    assert first == second
    assert len(first) <= 8


def executed(client, operations, **attributes) -> list[str]:
    """The statements of a bulk request, without the savepoint that stands for its transaction."""
    found: list[str] = []

    def note(execute, sql, params, many, context):
        found.append(str(sql).strip())
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        send(client, *operations, **attributes)
    kinds = ("SAVEPOINT", "RELEASE SAVEPOINT", "WITH stored")
    named = [next((kind for kind in kinds if sql.startswith(kind)), "token") for sql in found]
    return [name for name, sql in zip(named, found, strict=True) if not sql.startswith("SET ")][
        1:-1
    ]


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["bulkId:a", "bulkId:b", "members", "add", "bjensen", "/Users", UNKNOWN, ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["schemas", "userName", "members", "value", "Operations", "op", "path", "emails"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
_OPERATIONS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["POST", "put", "PATCH", "DELETE"]) | _VALUES,
        "path": st.sampled_from(["/Users", "/Groups", "/Users/bulkId:a", "/Groups/bulkId:b"])
        | _VALUES,
        "data": st.sampled_from([user("a"), user("b", **managed_by("bulkId:a"))])
        | st.just(group("g", "bulkId:a", "bulkId:b"))
        | _VALUES,
    },
    optional={"bulkId": st.sampled_from("abc") | _VALUES, "version": _VALUES},
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(_OPERATIONS, max_size=5), st.none() | st.integers(0, 3))
def test_no_request_makes_the_server_fail(acme, acme_scim, operations, fail_on_errors):
    answer = acme_scim.post("/Bulk", bulk(*operations, failOnErrors=fail_on_errors))

    assert answer.status in {200, 400}, json.dumps(operations)
    if answer.status == 200:
        assert {each["status"][0] for each in answer.json["Operations"]} <= {"2", "4"}
    with in_tenant(acme):
        Resource.objects.count()  # the connection is still good for use
