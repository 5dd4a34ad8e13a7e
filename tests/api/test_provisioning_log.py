"""The log's answer to "What did Entra send?": one event a write or refusal, reads together."""

import pytest
from django.db import connection

from config.logging import JsonFormatter
from scim.api import log
from scim.api.log import Summaries
from scim.models import ProvisioningEvent
from scim.protocol.urns import SEARCH_REQUEST
from tenants.current import in_tenant
from tests.support.clients import ScimClient
from tests.support.payloads import BJENSEN, ENTERPRISE, JSMITH, replace

ENTRA = {"User-Agent": "AzureAD-Provisioning/1.0"}


@pytest.fixture
def logged(acme, clock):
    """`logged(count)`: the newest events of acme, oldest first, as values."""

    def rows(count=None):
        with in_tenant(acme):
            found = list(ProvisioningEvent.objects.order_by("at", "id").values())
        return found if count is None else found[-count:]

    return rows


# --- writes -----------------------------------------------------------------------------------


def test_a_create_is_logged_with_what_was_sent(at_acme, logged):
    answer = at_acme.post("/Users", BJENSEN, headers=ENTRA)

    [event] = logged()
    assert event["token_label"].startswith("Microsoft Entra ID (")
    told = {name: event[name] for name in event if name not in ("id", "token_label", "token_id")}
    assert told == {
        "at": told["at"],
        "request_id": answer.headers["Request-Id"],
        "operation": "create",
        "method": "POST",
        "path": "/scim/Users",
        "resource_type": "User",
        "resource_id": told["resource_id"],
        "status": 201,
        "scim_type": "",
        "reason": "",
        "detail": "",
        "sent": BJENSEN,
        "user_name_key": None,
        "notes": [],
        "count": 1,
        "duration_ms": told["duration_ms"],
        "address": "127.0.0.1",
        "user_agent": "AzureAD-Provisioning/1.0",
    }
    assert str(told["resource_id"]) == answer.json["id"]
    assert told["at"].isoformat() == "2026-11-25T10:00:00+00:00"
    assert told["duration_ms"] > 0


def test_every_write_is_logged_once(at_acme, bjensen, clock, logged):
    path = f"/Users/{bjensen['id']}"
    requests = [("PUT", JSMITH), ("PATCH", replace("title", "x")), ("DELETE", None)]
    for method, body in requests:
        clock.shift(1)
        at_acme.send(method, path, body)

    told = [(e["operation"], e["method"], e["path"], e["status"], e["sent"]) for e in logged()]

    assert told == [
        ("create", "POST", "/scim/Users", 201, BJENSEN),
        ("replace", "PUT", f"/scim{path}", 200, JSMITH),
        ("modify", "PATCH", f"/scim{path}", 200, replace("title", "x")),
        ("delete", "DELETE", f"/scim{path}", 204, None),
    ]
    assert {str(event["resource_id"]) for event in logged()} == {bjensen["id"]}


def test_a_change_that_changes_nothing_is_logged(at_acme, bjensen, clock, logged):
    clock.shift(1)

    at_acme.patch(f"/Users/{bjensen['id']}", replace("active", "True"))

    [event] = logged(1)
    assert (event["operation"], event["status"]) == ("modify", 200)


@pytest.mark.quirk("E19")
@pytest.mark.quirk("E26")
def test_ignored_or_generously_read_values_are_noted(at_acme, bjensen, clock, logged):
    clock.shift(1)
    message = {
        "Operations": [
            {"op": "add", "value": {"shoeSize": 7, "groups": [], "password": "t1meMa$heen"}}
        ]
    }

    at_acme.patch(f"/Users/{bjensen['id']}", message)

    [event] = logged(1)
    assert event["notes"] == [
        "Ignored unknown attribute shoeSize.",
        "Ignored read-only attribute groups.",
        "Ignored write-only attribute password.",
    ]


def test_a_request_through_a_unix_socket_has_no_address(at_acme, logged):
    at_acme.http.defaults["REMOTE_ADDR"] = ""

    at_acme.post("/Users", BJENSEN)

    [event] = logged()
    assert event["address"] is None


# --- secrets ----------------------------------------------------------------------------------


def test_passwords_and_tokens_are_never_logged(at_acme, acme, bjensen, clock, caplog):
    clock.shift(1)
    secrets = [at_acme.token, "t1meMa$heen"]
    path = f"/Users/{bjensen['id']}"

    at_acme.put(path, {**BJENSEN, "password": secrets[1], "title": at_acme.token})
    at_acme.patch(path, replace("password", secrets[1]))
    at_acme.patch(path, replace(f"{ENTERPRISE}:password", secrets[1]))
    at_acme.patch(path, {"Operations": [{"op": "add", "value": {"password": secrets[1]}}]})
    at_acme.get("/Users", filter=f'userName eq "{at_acme.token}"')
    at_acme.get("/Users", access_token=at_acme.token)
    at_acme.get(f"/Users/{at_acme.token}")
    ScimClient(acme, at_acme.token + "x").get("/Users")

    with in_tenant(acme), connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(e::text, '') FROM scim_provisioningevent AS e")
        [text] = cursor.fetchone()
    log = "\n".join(map(JsonFormatter().format, caplog.records))
    assert ("[redacted]" in text, '"status": 404' in log) == (True, True)
    for secret in secrets:
        assert secret not in text
        assert secret not in log


def test_a_large_body_is_not_kept(at_acme, logged):
    phones = [{"type": f"{number}", "value": "5" * 1000} for number in range(100)]

    assert at_acme.post("/Users", {**BJENSEN, "phoneNumbers": phones}).status == 201

    [event] = logged()
    assert list(event["sent"]) == ["omitted"]


# --- refusals ---------------------------------------------------------------------------------


def test_a_refusal_is_logged_with_what_the_client_was_told(at_acme, bjensen, clock, logged):
    clock.shift(1)

    answer = at_acme.post("/Users", BJENSEN)

    [event] = logged(1)
    assert (event["status"], event["scim_type"], event["detail"]) == (
        409,
        "uniqueness",
        answer.json["detail"],
    )
    assert (event["sent"], event["request_id"]) == (BJENSEN, answer.headers["Request-Id"])
    assert event["token_id"] is not None


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "/Users", b"{", ("create", 400, "invalidSyntax", None)),
        ("POST", "/Users", {"userName": "x"}, ("create", 400, "invalidValue", {"userName": "x"})),
        ("GET", "/Users?filter=(", None, ("query", 400, "invalidFilter", {"filter": "("})),
        ("GET", "/Users/1", None, ("retrieve", 404, "", None)),
        ("DELETE", "/Users/1", None, ("delete", 404, "", None)),
        ("PUT", "/Users", None, ("put", 405, "", None)),
        (
            "PATCH",
            "/Users/1",
            {"Operations": 7},
            ("modify", 400, "invalidSyntax", {"Operations": "[redacted]"}),
        ),
        ("GET", "/NoSuchEndpoint", None, ("unknown", 404, "", None)),
        ("GET", "/Schemas?filter=x", None, ("discover", 403, "", None)),
        ("BREW", "/Users?x=%00", None, ("brew", 405, "", None)),
        ("X" * 99, "/Users", None, ("x" * 20, 405, "", None)),
        ("GET", "/Users/%00", None, ("retrieve", 404, "", None)),
        (
            "GET",
            "/Users?filter=%00",
            None,
            ("query", 400, "invalidFilter", {"filter": '"[redacted]"'}),
        ),
        ("GET", "/Users/" + "y" * 999, None, ("retrieve", 404, "", None)),
    ],
)
def test_every_refusal_is_logged_although_it_is_rolled_back(
    method, path, body, told, at_acme, logged
):
    at_acme.send(method, path, body)

    [event] = logged()
    operation, status, kind, sent = told
    assert (event["operation"], event["status"], event["scim_type"]) == (operation, status, kind)
    assert event["sent"] == (sent if sent or not isinstance(body, dict) else body)


def test_a_refusal_in_one_tenant_is_told_to_no_other(at_acme, globex, events):
    at_acme.post("/Users", {})

    assert events(globex) == []


# --- reads ------------------------------------------------------------------------------------


def test_the_first_read_of_a_kind_is_logged_at_once(at_acme, logged):
    """Support sees a Test Connection when it happens."""
    at_acme.get("/Users", filter='userName eq "4b7ac1e1-8d0c-4ee4-a5c6-b6bb3a0a5c55"')

    [event] = logged()
    assert (event["operation"], event["status"], event["count"], event["sent"]) == (
        "query",
        200,
        1,
        {"filter": 'userName eq "4b7ac1e1-8d0c-4ee4-a5c6-b6bb3a0a5c55"'},
    )


def test_reads_that_follow_are_counted_and_logged_once_a_minute(at_acme, later, logged):
    for number in range(5):
        at_acme.get("/Users", filter=f'userName eq "{number}"')
        later(10)
    assert [event["count"] for event in logged()] == [1]

    later(10)
    at_acme.get("/Users", filter='userName eq "last"')

    assert [event["count"] for event in logged()] == [1, 5]
    assert logged(1)[0]["sent"] == {"filter": 'userName eq "last"'}


def test_reads_of_other_kinds_are_logged_apart(at_acme, acme, bjensen, clock, logged):
    path = f"/Users/{bjensen['id']}"
    for ask in [
        lambda: at_acme.get(path),
        lambda: at_acme.get(path, headers={"If-None-Match": "*"}),
        lambda: at_acme.get("/Users", filter='userName eq "x"'),
        lambda: at_acme.get("/Users", filter='externalId eq "x"'),
        lambda: at_acme.post("/.search", {"schemas": [SEARCH_REQUEST]}),
        lambda: at_acme.get("/Schemas"),
        lambda: at_acme.get("/ResourceTypes"),
        lambda: ScimClient(acme, at_acme.token).get("/Users"),
    ]:
        clock.shift(1)
        ask()
        ask()

    told = [(event["operation"], event["status"]) for event in logged()][1:]
    assert told == [
        ("retrieve", 200),
        ("retrieve", 304),
        ("query", 200),
        ("query", 200),
        ("query", 200),
        ("discover", 200),
        ("discover", 200),
        ("query", 200),
    ]


def test_the_pages_of_a_walk_are_one_kind(at_acme, logged):
    first = at_acme.get("/Users", cursor="", count=1)
    for place in range(1, 400, 100):
        at_acme.get("/Users", startIndex=place, count=100)
        at_acme.post("/Users/.search", {"schemas": [SEARCH_REQUEST], "startIndex": place})
    at_acme.get("/Users", startIndex=1, count=50)

    assert first.status == 200
    assert [event["count"] for event in logged()] == [1, 1, 1]


def test_two_processes_that_are_polled_write_one_row_a_window(at_acme, later, logged, monkeypatch):
    processes = [Summaries(longest=log.LONGEST), Summaries(longest=log.LONGEST)]
    usual = {"schemas": [SEARCH_REQUEST], "count": 1, "roles": []}  # abbreviated

    def poll(process):
        monkeypatch.setattr(log, "_reads", processes[process])
        at_acme.get("/Users", filter='userName eq "nobody"')
        at_acme.get("/Schemas")
        at_acme.post("/Users/.search", usual)
        later(10)

    for process in [0, 1, 1, 0, 0, 1] * 4:  # four minutes
        poll(process)

    told = [(event["operation"], event["count"]) for event in logged()]
    kinds = ["query", "discover", "query"]
    assert told == [
        (kind, count) for count in (1, 3, 6) for kind in kinds
    ]  # now, after 1 and 3 minutes
    assert logged(1)[0]["sent"] == usual


def test_reads_are_logged_though_the_clock_was_set_back(at_acme, clock, logged, monkeypatch):
    """Rows of another process, or of this one, seem to be of later then."""
    for shift in (0, -600):
        clock.shift(shift)
        monkeypatch.setattr(log, "_reads", Summaries(longest=log.LONGEST))
        at_acme.get("/Users")

    assert [event["count"] for event in logged()] == [1, 1]


@pytest.mark.owner
def test_reads_that_could_not_be_logged_are_counted_on(at_acme, acme, later, logged):
    """As when their transaction was ended: the next row tells of them."""

    def rename(former, name):
        with in_tenant(acme), connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {former} RENAME TO {name}")

    rename("scim_provisioningevent", "elsewhere")
    at_acme.get("/Users")
    at_acme.get("/Users")
    rename("elsewhere", "scim_provisioningevent")
    assert logged() == []
    later(60)
    at_acme.get("/Users")

    assert [event["count"] for event in logged()] == [3]


def test_a_read_is_logged_by_one_statement(at_acme, statements):
    at_acme.get("/Users")
    with statements() as unlogged:
        at_acme.get("/Users")
    with statements() as logged:
        at_acme.get("/Groups")

    assert (
        len(logged) - len(unlogged) == 3
    )  # the event, the uses of the token, and what both wait for


def test_a_kind_that_was_quiet_for_a_minute_is_logged_at_once(at_acme, later, logged):
    """However long the window of the reads before was: support sees a Test Connection when it happens."""
    for _ in range(20):
        at_acme.get("/Users")
        later(10)
    later(60)
    at_acme.get("/Users")

    assert [event["count"] for event in logged()] == [1, 6, 12, 2]


# --- strangers --------------------------------------------------------------------------------


def test_requests_without_a_good_token_are_logged_together(acme, later, logged):
    """A stranger who tries tokens must not be able to fill the log."""
    stranger = ScimClient(acme, "nonsense")
    stranger.http.defaults["REMOTE_ADDR"] = "192.0.2.7"
    for _ in range(30):
        stranger.post("/Users", BJENSEN)
    later(61)
    stranger.get("/Users")

    told = [(e["status"], e["count"], e["address"], e["token_id"], e["sent"]) for e in logged()]
    assert told == [(401, 1, "192.0.2.7", None, None), (401, 30, "192.0.2.7", None, None)]


def test_the_key_of_a_name_that_fits_no_index_is_cut_and_the_refusal_is_logged(at_acme, logged):
    """An index entry of PostgreSQL holds 2,704 bytes: the event could not be written, and was lost."""
    name = "".join(chr(0x4E00 + number) for number in range(5_000))  # compresses badly

    assert at_acme.post("/Users", BJENSEN | {"userName": name}).status == 400

    [event] = logged()
    assert (event["status"], event["sent"]["userName"]) == (400, name)
    assert event["user_name_key"] == name[:500]
