"""Bulk (RFC 7644 §3.7): many operations in one request, each as if it came alone."""

import sys

import pytest
from django.forms import model_to_dict

from scim.models import AttributeChange, ProvisioningEvent, Resource
from scim.provider import bulk as bulk_provider
from tenants import yielding
from tenants.current import in_tenant
from tests.support.bulk import (
    UNKNOWN,
    bulk,
    group,
    id_of,
    managed_by,
    manager_of,
    members_of,
    patch,
    post,
    refusal,
    send,
    statuses,
    user,
)
from tests.support.payloads import BJENSEN


@pytest.fixture
def acme_scim(acme, scim):
    return scim(acme)


def test_the_rfc_example_creates_replaces_patches_and_deletes_users(acme_scim):
    ids = [acme_scim.post("/Users", user(name)).json["id"] for name in ("bob", "dave", "eve")]
    operations = [
        {"op": "remove", "path": "nickName"},
        {"op": "add", "path": "title", "value": "T"},
    ]
    tag = 'W/"1"'

    results = send(
        acme_scim,
        post("qwerty", "/Users", user("Alice")),
        {"method": "PUT", "path": f"/Users/{ids[0]}", "version": tag, "data": user("Bob")},
        {"method": "PATCH", "path": f"/Users/{ids[1]}", "version": tag, "data": patch(*operations)},
        {"method": "DELETE", "path": f"/Users/{ids[2]}", "version": tag},
        failOnErrors=1,
    )

    base = f"{acme_scim.tenant.tenant_url}/Users"
    assert results == [
        {
            "location": f"{base}/{id_of(results[0])}",
            "method": "POST",
            "bulkId": "qwerty",
            "version": 'W/"1"',
            "status": "201",
        },
        {"location": f"{base}/{ids[0]}", "method": "PUT", "version": 'W/"2"', "status": "200"},
        {"location": f"{base}/{ids[1]}", "method": "PATCH", "version": 'W/"2"', "status": "200"},
        {"location": f"{base}/{ids[2]}", "method": "DELETE", "status": "204"},
    ]
    created = acme_scim.get(f"/Users/{id_of(results[0])}").json
    assert (created["userName"], created["meta"]["version"]) == ("Alice", 'W/"1"')
    assert acme_scim.get(f"/Users/{ids[0]}").json["userName"] == "Bob"
    assert acme_scim.get(f"/Users/{ids[1]}").json["title"] == "T"
    assert acme_scim.get(f"/Users/{ids[2]}").status == 404


@pytest.mark.parametrize("path", ["/Bulk", "/v2/Bulk", "/bulk/"])
def test_a_new_group_has_a_new_member(acme_scim, path):
    alice = post("qwerty", "/Users", user("Alice"))
    tours = post("ytrewq", "/Groups", group("Tour Guides", "bulkId:qwerty"))

    results = acme_scim.post(path, bulk(alice, tours)).json["Operations"]

    assert statuses(results) == ["201", "201"]
    assert members_of(acme_scim, id_of(results[1])) == [id_of(results[0])]


def test_a_new_user_has_a_new_manager(acme_scim):
    results = send(
        acme_scim,
        post("qwerty", "/Users", user("Alice")),
        post("ytrewq", "/Users", user("Bob", **managed_by("bulkId:qwerty"))),
    )

    assert manager_of(acme_scim, id_of(results[1])) == id_of(results[0])


def test_a_reference_forward_is_executed_later_and_answered_in_its_place(acme_scim):
    results = send(
        acme_scim,
        post("tours", "/Groups", group("Tour Guides", "bulkId:alice")),
        post("alice", "/Users", user("Alice")),
    )

    assert [result["bulkId"] for result in results] == ["tours", "alice"]
    assert statuses(results) == ["201", "201"]
    assert members_of(acme_scim, id_of(results[0])) == [id_of(results[1])]


def test_users_manage_each_other(acme_scim):
    results = send(
        acme_scim,
        post("a", "/Users", user("Alice", **managed_by("bulkId:b"))),
        post("b", "/Users", user("Bob", **managed_by("bulkId:a"))),
    )

    alice, bob = map(id_of, results)
    assert (manager_of(acme_scim, alice), manager_of(acme_scim, bob)) == (bob, alice)


def test_of_users_that_manage_each_other_none_is_left_with_a_manager_that_failed(acme_scim):
    acme_scim.post("/Users", user("bob"))

    results = send(
        acme_scim,
        post("a", "/Users", user("Alice", **managed_by("bulkId:b"))),
        post("b", "/Users", user("Bob", **managed_by("bulkId:a"))),
        post("c", "/Users", user("Carol")),
    )

    assert statuses(results) == ["409", "409", "201"]
    assert results[0] == {
        "method": "POST",
        "bulkId": "a",
        **refusal(409, "It refers to the bulkId 'b', whose operation failed."),
    }
    assert results[1]["response"]["scimType"] == "uniqueness"
    assert acme_scim.get("/Users", filter='userName eq "Alice"').json["totalResults"] == 0


def test_groups_in_each_other_are_refused_and_leave_nothing(acme_scim):
    results = send(
        acme_scim,
        post("qwerty", "/Groups", group("Group A", "bulkId:ytrewq")),
        post("ytrewq", "/Groups", group("Group B", "bulkId:qwerty")),
        post("c", "/Groups", group("Group C")),
    )

    circle = refusal(
        409,
        "A group cannot be a member of itself, directly or through others; these bulkIds refer to"
        " each other in a circle: 'qwerty', 'ytrewq'.",
    )
    assert results[:2] == [
        {"method": "POST", "bulkId": "qwerty", **circle},
        {"method": "POST", "bulkId": "ytrewq", **circle},
    ]
    found = acme_scim.get("/Groups").json["Resources"]
    assert [each["displayName"] for each in found] == ["Group C"]


def test_paths_and_patch_filters_refer_to_what_is_new(acme_scim):
    members = [{"value": "bulkId:a"}, {"$ref": "../Users/bulkId:b", "value": "bulkId:b"}]

    results = send(
        acme_scim,
        {
            "method": "PATCH",
            "path": "/Groups/bulkId:g",
            "data": patch({"op": "add", "path": "members", "value": members}),
        },
        {
            "method": "PATCH",
            "path": "/Groups/bulkId:g",
            "data": patch({"op": "remove", "path": 'members[value eq "bulkId:a"]'}),
        },
        post("g", "/Groups", group("Tour Guides")),
        post("a", "/Users", user("Alice")),
        post("b", "/Users", user("Bob")),
    )

    assert statuses(results) == ["200", "200", "201", "201", "201"]
    assert results[1]["version"] == 'W/"3"'
    assert members_of(acme_scim, id_of(results[2])) == [id_of(results[4])]


def test_a_reference_to_what_failed_fails_and_one_to_nothing_is_invalid(acme_scim):
    results = send(
        acme_scim,
        post("a", "/Users", {"userName": "Alice"}),
        post("g", "/Groups", group("Tour Guides", "bulkId:a")),
        post("h", "/Groups", group("Others", "bulkId:nobody")),
        {"method": "DELETE", "path": "/Users/bulkId:nobody"},
    )

    assert results[1:] == [
        {
            "method": "POST",
            "bulkId": "g",
            **refusal(409, "It refers to the bulkId 'a', whose operation failed."),
        },
        {
            "method": "POST",
            "bulkId": "h",
            **refusal(400, "No POST of this request has the bulkId 'nobody'.", "invalidValue"),
        },
        {
            "location": f"{acme_scim.tenant.tenant_url}/Users/bulkId:nobody",
            "method": "DELETE",
            **refusal(400, "No POST of this request has the bulkId 'nobody'.", "invalidValue"),
        },
    ]


def test_operations_that_fail_leave_the_others(acme_scim):
    bob = acme_scim.post("/Users", user("bob")).json["id"]

    results = send(
        acme_scim,
        post("a", "/Users", user("BOB")),
        {"method": "PUT", "path": f"/Users/{bob}", "version": 'W/"7"', "data": user("bob")},
        {"method": "DELETE", "path": f"/Users/{UNKNOWN}"},
        {"method": "DELETE", "path": "/Printers/1"},
        {"method": "GET", "path": "/Users"},
        post("c", "/Users", user("Carol")),
    )

    assert statuses(results) == ["409", "412", "404", "404", "400", "201"]
    base = acme_scim.tenant.tenant_url
    assert results[0]["response"]["scimType"] == "uniqueness"
    assert "location" not in results[0]
    assert results[1]["location"] == f"{base}/Users/{bob}"
    assert results[2] == {
        "location": f"{base}/Users/{UNKNOWN}",
        "method": "DELETE",
        **refusal(404, f"There is no User with the id '{UNKNOWN}'."),
    }
    assert results[3] == {
        "method": "DELETE",
        **refusal(404, "There is no resource type at '/Printers/1'."),
    }
    assert acme_scim.get("/Users", filter='userName eq "Carol"').json["totalResults"] == 1


def test_after_as_many_errors_as_the_client_accepts_nothing_more_is_executed(acme_scim):
    wrong, right = {"userName": "nobody"}, user("Carol")

    results = send(
        acme_scim,
        post("a", "/Users", wrong),
        post("b", "/Users", user("Bob")),
        post("c", "/Users", wrong),
        post("d", "/Users", right),
        failOnErrors=2,
    )

    assert [(each["bulkId"], each["status"]) for each in results] == [
        ("a", "400"),
        ("b", "201"),
        ("c", "400"),
    ]
    assert acme_scim.get("/Users").json["totalResults"] == 1


# --- new users at once ------------------------------------------------------------------------


def rows(tenant, *names):
    """The stored rows of the users with those names, but for ids and times."""
    of_users = Resource.objects.filter(unique_key__in=names).order_by("id")
    with in_tenant(tenant):
        return [
            [
                model_to_dict(each, exclude=["continues"]),
                [
                    (change.path, change.before, change.after, change.version)
                    for change in AttributeChange.objects.filter(resource_id=each.id).order_by("id")
                ],
                list(
                    ProvisioningEvent.objects.filter(resource_id=each.id).values(
                        "operation",
                        "method",
                        "path",
                        "resource_type",
                        "status",
                        "sent",
                        "notes",
                        "address",
                        "count",
                        "user_agent",
                        "scim_type",
                        "detail",
                    )
                ),
            ]
            for each in of_users
        ]


def test_users_created_at_once_leave_the_rows_that_they_leave_one_by_one(acme, globex, scim):
    operations = [post(f"b{n}", "/Users", BJENSEN | {"userName": f"u{n}"}) for n in range(3)]
    names = ("u0", "u1", "u2")

    together = send(scim(acme), *operations)
    apart = send(scim(globex), *operations, failOnErrors=1)

    assert statuses(together) == statuses(apart) == ["201"] * 3
    written = rows(acme, *names)
    assert len(written) == 3
    assert all(history and len(events) == 1 for _, history, events in written)
    assert [each[1:] for each in written] == [each[1:] for each in rows(globex, *names)]
    assert [each[0]["document"] for each in written] == [
        each[0]["document"] for each in rows(globex, *names)
    ]


def test_of_users_created_at_once_a_refused_one_leaves_the_others(acme_scim):
    acme_scim.post("/Users", user("taken"))

    results = send(
        acme_scim,
        post("a", "/Users", user("first")),
        post("b", "/Users", user("TAKEN")),
        post("c", "/Users", {"schemas": []}),
        post("d", "/Users", user("first")),
        post("e", "/Users", user("last")),
    )

    assert statuses(results) == ["201", "409", "400", "409", "201"]
    assert acme_scim.get("/Users").json["totalResults"] == 3


def test_a_user_who_is_created_again_with_others_continues_the_deleted_one(acme, acme_scim):
    """E28, by the externalId."""
    former = acme_scim.post("/Users", user("former", externalId="7")).json["id"]
    acme_scim.delete(f"/Users/{former}")

    results = send(
        acme_scim,
        post("a", "/Users", user("other", externalId="8")),
        post("b", "/Users", user("again", externalId="7")),
        post("c", "/Users", user("third")),
    )

    with in_tenant(acme):
        continued = [Resource.objects.get(id=id_of(each)).continues for each in results]
    assert [str(each) for each in continued] == ["None", former, "None"]


def test_a_bulk_request_lets_others_go_first_before_each_user_is_read_and_before_it_is_written(
    acme_scim, monkeypatch
):
    others, turns = [], []
    monkeypatch.setattr(yielding, "_give_way", lambda _work: others.append(None))
    perform = bulk_provider.perform

    def performed(*args):
        turns.append(sys.getswitchinterval())
        return perform(*args)

    monkeypatch.setattr(bulk_provider, "perform", performed)
    usual = sys.getswitchinterval()

    results = send(acme_scim, *(post(name, "/Users", user(name)) for name in "abc"))
    before = len(others)
    acme_scim.post("/Users", user("single"))

    assert statuses(results) == ["201"] * 3
    assert (before, len(others)) == (7, 7)  # the three together, and twice each
    assert (turns, sys.getswitchinterval()) == ([pytest.approx(yielding.TURN_SECONDS)], usual)
