"""The dry run: what a logged request would do now, and that it leaves nothing."""

from uuid import UUID

import pytest
from django.db import OperationalError, connection, transaction

from scim.inspector.dry_run import Logged, dry_run, why_not
from scim.protocol.definitions import GROUP, USER
from scim.provider import resources
from scim.provider.requester import Origin, Requester
from tenants.current import in_tenant
from tests.support.database import contents
from tests.support.payloads import BJENSEN, JSMITH, patch, replace

NOBODY = UUID("018f3c2e-0000-7000-8000-000000000000")
GUIDES = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
    "displayName": "Tour Guides",
}


@pytest.fixture
def requester(acme):
    return Requester(acme.tenant_url, "6f1c40a4", Origin("POST", "/scim/Users"))


@pytest.fixture
def bjensen(acme, requester):
    with transaction.atomic(), in_tenant(acme):
        return resources.create(USER, BJENSEN, requester)


@pytest.fixture
def guides(acme, bjensen, requester):
    body = GUIDES | {"members": [{"value": str(bjensen.id)}]}
    with transaction.atomic(), in_tenant(acme):
        return resources.create(GROUP, body, requester)


@pytest.fixture
def run(acme):
    """Run a request dry; assert that the whole schema is the same before and after."""

    def check(logged, tenant=acme):
        before = contents(tenant)
        assert why_not(logged) is None
        with transaction.atomic(), in_tenant(tenant):
            preview = dry_run(logged)
        assert contents(tenant) == before
        return preview

    return check


def request(operation, identifier=None, sent=None, resource_type=USER, method="PATCH"):
    return Logged(operation, method, "/scim/Users", resource_type, identifier, sent)


def told(preview):
    return [
        (change.path, change.before, change.after)
        for trace in preview.traces
        for change in trace.changes
    ]


def test_a_creation_says_which_attributes_the_user_would_have(run):
    preview = run(request("create", sent=JSMITH))

    assert preview.status == 201
    assert ("userName", None, JSMITH["userName"]) in told(preview)


def test_a_patch_says_what_it_would_change(run, bjensen):
    preview = run(request("modify", bjensen.id, replace("name.familyName", "Smith")))

    assert (preview.status, told(preview)) == (200, [("name.familyName", "Jensen", "Smith")])


def test_a_patch_of_what_is_so_already_would_change_nothing(run, bjensen):
    preview = run(request("modify", bjensen.id, replace("active", "True")))

    assert (preview.status, told(preview)) == (200, [])


def test_a_put_says_what_it_would_change(run, bjensen):
    preview = run(request("replace", bjensen.id, BJENSEN | {"active": False}, method="PUT"))

    assert (preview.status, told(preview)) == (200, [("active", True, False)])


def test_a_deletion_says_which_groups_would_be_left(run, bjensen, guides):
    preview = run(request("delete", bjensen.id, method="DELETE"))

    path = f'members[value eq "{bjensen.id}"]'
    assert (preview.status, told(preview)) == (204, [(path, str(bjensen.id), None)])


def test_adding_a_member_says_who_would_be_in_the_group(run, acme, guides, requester):
    with transaction.atomic(), in_tenant(acme):
        jsmith = resources.create(USER, JSMITH, requester)
    added = patch({"op": "Add", "path": "members", "value": [{"value": str(jsmith.id)}]})

    preview = run(request("modify", guides.id, added, GROUP))

    path = f'members[value eq "{jsmith.id}"]'
    assert told(preview) == [(path, None, str(jsmith.id))]


@pytest.mark.parametrize(
    ("logged", "status", "scim_type"),
    [
        (("create", None, BJENSEN), 409, "uniqueness"),
        (("create", None, {"userName": "x"}), 400, "invalidValue"),
        (("modify", "bjensen", replace("userName", "")), 400, "invalidValue"),
        (("modify", "bjensen", replace("shoeSize", "42")), 400, "invalidPath"),
        (("modify", "nobody", replace("title", "x")), 404, ""),
        (("delete", "nobody"), 404, ""),
        (("retrieve", "nobody"), 404, ""),
        (("query", None, {"filter": "userName eq"}), 400, "invalidFilter"),
        (("query", None, {"startIndex": "x"}), 400, "invalidValue"),
        (("bulk", None, {"Operations": []}), 400, "invalidSyntax"),
    ],
)
def test_a_refusal_is_what_it_would_be_now(logged, status, scim_type, run, bjensen):
    operation, who, *sent = logged
    ids = {"bjensen": bjensen.id, "nobody": NOBODY}

    preview = run(request(operation, ids.get(who), *sent))

    assert (preview.status, preview.scim_type, told(preview)) == (status, scim_type, [])
    assert preview.detail


@pytest.mark.parametrize(
    ("sent", "method", "found"),
    [
        ({"filter": 'userName eq "BJENSEN@acme.example"'}, "GET", 1),
        ({"filter": 'userName eq "nobody"'}, "GET", 0),
        (None, "GET", 1),
        ({"FILTER": 'userName eq "bjensen@acme.example"'}, "POST", 1),
    ],
)
def test_a_look_up_says_how_many_it_would_find(sent, method, found, run, bjensen):
    preview = run(request("query", sent=sent, method=method))

    assert (preview.status, preview.found) == (200, found)


def test_a_look_up_over_all_types_counts_all(run, guides):
    assert run(request("query", resource_type=None, method="GET")).found == 2


def test_a_retrieval_would_be_answered(run, bjensen):
    assert run(request("retrieve", bjensen.id, method="GET")).status == 200


def test_a_bulk_request_says_what_would_become_of_each_operation(run, bjensen):
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": JSMITH},
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": BJENSEN},
        {"method": "DELETE", "path": f"/Users/{bjensen.id}"},
    ]

    preview = run(request("bulk", sent={"Operations": operations}, resource_type=None))

    assert [(trace.operation, trace.status) for trace in preview.traces] == [
        ("create", 201),
        ("create", 409),
        ("delete", 204),
    ]


def test_the_user_of_one_tenant_is_not_there_for_another(run, globex, bjensen):
    preview = run(request("modify", bjensen.id, replace("title", "x")), globex)

    assert preview.status == 404


def test_an_unexpected_failure_is_a_500_and_is_logged(run, bjensen, caplog):
    preview = run(request("modify", bjensen.id, _Unreadable(Operations=[])))

    assert preview.status == 500
    assert "A dry run failed unexpectedly." in caplog.text


@pytest.mark.owner  # a table is changed
def test_an_outage_is_not_taken_for_what_the_request_would_do(acme, bjensen):
    logged = request("modify", bjensen.id, replace("title", "x"))

    with pytest.raises(OperationalError), transaction.atomic(), in_tenant(acme):
        run_without_patience(logged)


def run_without_patience(logged):
    """A dry run of which PostgreSQL refuses each statement as too long."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE scim_resource RENAME TO hidden")
        cursor.execute(
            "CREATE FUNCTION fail() RETURNS boolean LANGUAGE plpgsql "
            "AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '57014'; END $$"
        )
        cursor.execute("CREATE VIEW scim_resource AS SELECT hidden.* FROM hidden WHERE fail()")
    dry_run(logged)


class _Unreadable(dict[str, object]):
    """A body at which the provider fails, as it would at a mistake of ours."""

    def items(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("logged", "words"),
    [
        (request("discover"), "Only requests that read or change resources"),
        (request("restore"), "Only requests that read or change resources"),
        (request("create", sent=None), "Its body is not in the log"),
        (request("create", sent={"omitted": "too large"}), "Its body is not in the log"),
        (request("modify", None, {}), "does not name the resource"),
        (request("create", sent={}, resource_type=None), "does not name the type"),
    ],
)
def test_some_requests_cannot_be_replayed_and_the_sentence_says_why(logged, words):
    assert words in why_not(logged)
