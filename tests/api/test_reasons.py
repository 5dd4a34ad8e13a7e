"""Each refused request has its reason in the provisioning log (scim.refusals)."""

import pytest
from django.db import connection

from scim.models import ProvisioningEvent
from tenants.current import in_tenant
from tests.support.payloads import user

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


def patch(**operation):
    return {"schemas": [PATCH], "Operations": [{"op": "replace", "value": "x", **operation}]}


def bulk(**operation):
    return {"schemas": [BULK], "Operations": [operation]}


@pytest.fixture
def reasons(acme):
    """The reasons in acme's log, the oldest first."""

    def logged():
        with in_tenant(acme):
            refused = ProvisioningEvent.objects.filter(status__gte=400).order_by("id")
            return list(refused.values_list("reason", flat=True))

    return logged


@pytest.mark.parametrize(
    ("method", "path", "body", "reason"),
    [
        ("GET", "/Users?filter=userName", None, "filter.unreadable"),
        ("GET", '/Users?filter=shoeSize eq "44"', None, "filter.unknown-attribute"),
        ("GET", '/Users?filter=version eq "1"', None, "filter.unknown-attribute"),
        ("GET", "/Users?filter=active gt true", None, "filter.unfit"),
        ("GET", "/Users?count=ten", None, "list.parameters"),
        ("GET", "/Users?cursor=nonsense", None, "list.cursor"),
        ("GET", "/Users/26118915", None, "resource.not-found"),
        ("GET", "/Usres", None, "request.no-endpoint"),
        ("GET", "/Schemas?filter=id pr", None, "discovery.filtered"),
        ("GET", "/Me", None, "me.nobody"),
        ("POST", "/Me", user("one"), "me.create"),
        ("PUT", "/Users", user("one"), "request.method"),
        ("POST", "/Users", [], "body.wrong-message"),
        ("POST", "/Users", {"externalId": "1"}, "user.name-missing"),
        ("POST", "/Users", {"userName": "one"}, "user.external-id-missing"),
        ("POST", "/Users", {"userName": "one", "externalId": "1"}, "user.email-missing"),
        ("POST", "/Users", user("one", active="maybe"), "value.unfit"),
        ("POST", "/Users", user("one", title="x" * 1025), "value.too-large"),
        ("POST", "/Users", user("one", USERNAME="two"), "body.ambiguous"),
        ("POST", "/Groups", {}, "value.required"),
        ("POST", "/Bulk", {"schemas": [BULK]}, "bulk.message"),
        ("POST", "/Users/.search", {"schemas": [PATCH]}, "body.wrong-message"),
        ("POST", "/Users/.search", {"schemas": [SEARCH], "count": True}, "list.parameters"),
    ],
)
def test_a_refused_request_keeps_its_reason(method, path, body, reason, acme, scim, reasons):
    answer = scim(acme).send(method, path, body)

    assert answer.status >= 400
    assert reasons() == [reason]


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        ({"path": "version"}, "path.unknown-attribute"),
        ({"path": "bulkId"}, "path.unknown-attribute"),
        ({"path": "cursor"}, "path.unknown-attribute"),
        ({"path": "name.[x"}, "path.unreadable"),
        ({"path": "title[value eq 1]"}, "path.unfit"),
        ({"path": 'emails[type ne "work"].value'}, "path.no-target"),
        ({"path": "id"}, "attribute.read-only"),
        ({"op": "mend", "path": "title"}, "patch.operation"),
        ({"path": "active", "value": "maybe"}, "value.unfit"),
        ({"path": "userName", "value": "TWO@example.com"}, "user.name-taken"),
        ({"path": "userName", "value": ""}, "user.name-missing"),
    ],
)
def test_a_refused_patch_keeps_its_reason_whatever_it_names(operation, reason, acme, scim, reasons):
    """An attribute may be called like a word of Bulk: only the reason says what was refused."""
    entra = scim(acme)
    one = entra.post("/Users", user("one", userName="one@example.com")).json["id"]
    entra.post("/Users", user("two", userName="two@example.com"))

    answer = entra.patch(f"/Users/{one}", patch(**operation))

    assert answer.status >= 400
    assert reasons() == [reason]


def test_each_refused_operation_of_a_bulk_request_keeps_its_reason(acme, scim, reasons):
    group = {"displayName": "Tour Guides", "members": [{"value": "bulkId:a"}]}
    first = {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "one"}}
    second = {"method": "POST", "path": "/Groups", "bulkId": "b", "data": group}
    body = {"schemas": [BULK], "Operations": [first, second]}

    answer = scim(acme).post("/Bulk", body)

    assert answer.status == 200
    assert reasons() == ["user.external-id-missing", "bulk.dependency"]


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "token.missing"),
        ("Bearer mypscim_abc", "token.malformed"),
        ("Bearer mypscim_access_abc", "access-token.malformed"),
    ],
)
def test_a_refused_credential_keeps_its_reason(authorization, reason, acme, client_for, reasons):
    headers = {"Authorization": authorization} if authorization else {}

    answer = client_for(acme).get("/scim/Users", headers=headers, REMOTE_ADDR="192.0.2.8")

    assert answer.status_code == 401
    assert reasons() == [reason]


def test_a_refused_request_for_an_access_token_keeps_its_reason(acme, client_for, reasons):
    form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}

    answer = client_for(acme).post("/scim/oauth/token", form, REMOTE_ADDR="192.0.2.8")

    assert answer.status_code >= 400
    assert reasons() == ["oauth.request"]


def test_workers_of_the_release_before_go_on_writing_events(acme):
    """Their statement does not name the column: the database gives it its default."""
    with in_tenant(acme), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO scim_provisioningevent
                (id, at, request_id, token_label, operation, method, path, resource_type, status,
                 scim_type, detail, notes, count, user_agent)
            VALUES (gen_random_uuid(), now(), 'r-1', '', 'create', 'POST', '/scim/Users', 'User', 201,
                    '', '', '[]', 1, '')
            """
        )

        assert ProvisioningEvent.objects.get(request_id="r-1").reason == ""
