"""A secret value is kept nowhere and shown nowhere, whatever the request it came in.

The marker is put into every secret attribute, in every shape that a client may send. Then every row
of every table, every page and file of staff, what is told to event streams, and every log line are
searched for it.
"""

import json
import re
from collections import Counter

import pytest

from accounts.models import AuditEntry
from config.logging import JsonFormatter
from scim.extensions.defining import define_schema, remove_schema
from scim.extensions.models import ExtensionSchema
from scim.models import AttributeChange, ProvisioningEvent, User
from tenants.current import in_tenant
from tests.extensions.definitions import ACME_GROUP, definition
from tests.support import bulk
from tests.support.database import contents
from tests.support.pages import nonce_in
from tests.support.payloads import CORE, patch
from tests.support.people import COMMAND
from tests.support.schemas import ACME, SECRETS

MARKER = "hunter2-7781"
ADMIN = "/t/acme/admin/scim/"
SEALED = {"name": "seal", "returned": "never"}
WHOLE = {
    "pin": MARKER,
    "hash": MARKER,
    "answers": [MARKER],
    "year": MARKER,
    "vault": [{"type": "a", "value": "v", "code": MARKER}],
    "locker": {"value": MARKER, "floor": "2"},
    "safe": {"value": MARKER, "floor": MARKER},
}


def person(name, **values):
    return {
        "schemas": [CORE, ACME],
        "userName": f"{name}@acme.example",
        "externalId": name,
        "emails": [{"type": "work", "value": f"{name}@acme.example"}],
        **values,
    }


@pytest.fixture
def client(acme, scim, poller):
    """A SCIM client of acme, whose users and groups have secret attributes."""
    define_schema(COMMAND, acme, definition(*SECRETS))
    group = definition(SEALED, {"name": "cost"}, urn=ACME_GROUP, resource_type="Group")
    define_schema(COMMAND, acme, group)
    return scim(acme)


def bodies():
    """Bodies of users, each with the marker in another place."""
    yield {ACME: WHOLE}
    yield {ACME.upper(): {name.upper(): value for name, value in WHOLE.items()}}
    yield {f"{ACME}:{name}": value for name, value in WHOLE.items()}
    yield {"pin": MARKER, "hash": MARKER, "PassWord": MARKER, "pasword": MARKER}
    yield {"vault.code": MARKER, f'vault[code eq "{MARKER}"].type': "a", "safe.floor": MARKER}
    yield {"roles": [{"value": json.dumps({"value": "a", "password": MARKER})}]}
    yield {ACME: {"pin": {"value": MARKER}, "nothing": MARKER}}


def patches():
    """PatchOp messages, each with the marker in another place."""
    for path in ("pin", f"{ACME}:hash", "vault.code", 'vault[type eq "a"].code', "locker", "safe"):
        yield patch({"op": "Add", "path": path, "value": MARKER})
    yield patch({"op": "replace", "path": ACME, "value": WHOLE})
    yield patch({"op": "add", "value": {ACME: WHOLE, "pin": MARKER, "title": "Guide"}})
    yield patch({"op": "replace", "path": f'vault[code eq "{MARKER}"].value', "value": "x"})
    yield patch({"op": "replace", "path": "passwort", "value": MARKER})
    yield patch({"op": MARKER[:7], "path": "pin", "value": MARKER})
    yield {"Operations": MARKER}


def filters():
    for name in ("pin", f"{ACME}:hash", "vault.code", "locker", "safe.floor", "password"):
        yield f'{name} eq "{MARKER}"'
        yield f"{name} eq {MARKER}"
        yield f"{name} {MARKER}"
        yield f'{name} eq "{MARKER}'
    yield f'vault[code eq "{MARKER}"]'


def send_everything(client):
    """Every kind of request; the statuses, and the answers with the marker that refuse nothing.

    A refusal may repeat a word of a malformed filter to who sent it, but for the log.
    """
    made = [client.post("/Users", person(f"u{n}", **body)) for n, body in enumerate(bodies())]
    assert {each.status for each in made} <= {201, 400}
    user = f"/Users/{made[0].json['id']}"
    group = {"schemas": [ACME_GROUP], "displayName": "Blue", ACME_GROUP: {"seal": MARKER}}
    answers = [
        *made,
        client.post("/Groups", group),
        client.post("/Users", person("u0", pin=MARKER)),
    ]
    answers += [client.put(user, person("u0", **body)) for body in bodies()]
    answers += [client.patch(user, message) for message in patches()]
    for number, text in enumerate(filters()):
        answers.append(client.get("/Users", filter=text))
        if number < 4:
            answers.append(client.post("/Users/.search", {"filter": text, "password": MARKER}))
            answers.append(client.post("/.search", {"filter": text}))
    answers += [
        client.get("/Users", sortBy="pin", pin=MARKER, attributes=f"{ACME}:pin"),
        client.post("/Users", json.dumps(MARKER)),
        client.post("/Users", [MARKER]),
        client.post("/Users", f'{{"pin": "{MARKER}"'),
        client.patch("/Users/nobody", patch({"op": "add", "path": "pin", "value": MARKER})),
        client.post("/Nowhere", {"pin": MARKER}),
    ]
    operations = [
        bulk.post(f"b{n}", "/Users", person(f"b{n}", **b)) for n, b in enumerate(bodies())
    ]
    operations += [{"method": "PATCH", "path": user, "data": message} for message in patches()]
    for path in (f'/Users?filter=pin eq "{MARKER}"', f'/Users/7?filter=pin eq "{MARKER}"'):
        operations.append({"method": "POST", "path": path, "bulkId": path[:7], "data": WHOLE})
        operations.append({"method": "PUT", "path": path, "data": {"pin": MARKER}})
    answers.append(client.post("/Bulk", bulk.bulk(*operations)))
    answers.append(client.post("/Bulk", {"Operations": operations, "schemas": 7, "pin": MARKER}))
    answers.append(client.delete(user))
    found = [each.text for each in answers if each.status < 400 and MARKER in each.text]
    return Counter(answer.status for answer in answers), found


def pages(browser, acme):
    """Every page about what is provisioned, by its path: lists, records, as they were, dry runs."""
    with in_tenant(acme):
        rows = ProvisioningEvent.objects.values_list("operation", "status", "detail", "pk")
        # One of each kind; their rows are all looked at.
        events = {row[:3]: row[3] for row in rows}.values()
        users = list(User.objects.values_list("pk", flat=True))
    paths = [f"{ADMIN}{name}/" for name in ("user", "group", "provisioningevent", "delivery")]
    paths += [f"{ADMIN}provisioningevent/?q={MARKER}", f"{ADMIN}user/?q={MARKER}"]
    paths += [f"{ADMIN}user/{pk}/{page}/" for pk in users for page in ("change", "then")]
    paths += [f"{ADMIN}provisioningevent/{pk}/change/" for pk in events]
    found = {path: browser.get(path).text for path in paths}
    for path in paths:
        if "/provisioningevent/" in path and "change" in path:
            dry = path.replace("change", "dry-run")
            if f'href="{dry}"' in found[path]:
                form = browser.get(dry)
                found[dry] = form.text + browser.post(dry, {"nonce": nonce_in(form)}).text
    for name in ("user", "provisioningevent"):
        path = f"{ADMIN}{name}/export/"
        answer = browser.post(path, {"nonce": nonce_in(browser.get(path))})
        found[path] = b"".join(answer.streaming_content).decode()
    return found


def test_a_secret_value_is_in_no_answer_no_row_no_page_no_file_no_event_and_no_log_line(
    client, acme, operator, lena, poller, caplog
):
    caplog.set_level("DEBUG")

    statuses, answered = send_everything(client)
    shown = pages(lena, acme)
    told = json.dumps(poller.drained())

    assert answered == []
    assert statuses[201] > 5
    assert statuses[200] > 10
    assert statuses[400] > 20, statuses
    kept = [
        (tenant.custom_domain, table, row)
        for tenant in (acme, operator)
        for table, rows in contents(tenant).items()
        for row in rows
        if MARKER in row
    ]
    assert kept == []
    assert marked(shown) == []
    assert any("dry-run" in path for path in shown)
    assert MARKER not in told
    lines = "\n".join(map(JsonFormatter().format, caplog.records))
    assert MARKER not in lines
    assert "[redacted]" in json.dumps(shown)


# --- an attribute that becomes secret, and one that goes ----------------------------------------

READABLE = ({"name": "badge"}, {"name": "pin"}, {"name": "vault", "type": "complex",
            "multiValued": True, "subAttributes": [{"name": "value"}, {"name": "type"},
            {"name": "code"}]})  # fmt: skip
CLOSED = ({"name": "badge"}, {"name": "pin", "returned": "never"}, {"name": "vault",
          "type": "complex", "multiValued": True, "subAttributes": [{"name": "value"},
          {"name": "type"}, {"name": "code", "returned": "never"}]})  # fmt: skip


@pytest.fixture
def before(acme, scim, poller):
    """A client that has sent a value while everybody could read it, and a user who has it."""
    define_schema(COMMAND, acme, definition(*READABLE))
    client = scim(acme)
    vault = [{"value": "v", "code": MARKER}, {"value": "w", "type": "a", "code": MARKER}]
    body = person("bjensen", **{ACME: {"badge": "B-7", "pin": MARKER, "vault": vault}})
    user = client.post("/Users", body).json["id"]
    again = {"op": "replace", "path": f'{ACME}:vault[type eq "a"].code', "value": f"{MARKER}!"}
    client.patch(f"/Users/{user}", patch(again))
    gone = client.post("/Users", person("gone", **{ACME: {"pin": MARKER}})).json["id"]
    client.delete(f"/Users/{gone}")
    return client, user


def documents(acme):
    with in_tenant(acme):
        rows = User.objects.order_by("created").values("document", "comparable", "version")
        return [(row["document"].get(ACME), row["comparable"].get(ACME)) for row in rows]


def marked(shown):
    """The pages that show the marker, and searches for it that find something: they repeat it."""
    found = re.compile(r"/(?:user|provisioningevent)/[0-9a-f-]{36}/change/")
    return [
        path
        for path, text in shown.items()
        if (found.search(text) if path.endswith(f"?q={MARKER}") else MARKER in text)
    ]


def test_a_value_that_becomes_secret_leaves_resources_and_is_hidden_in_the_past(
    before, acme, lena, poller
):
    client, user = before
    etag = client.get(f"/Users/{user}").headers["ETag"]
    assert marked(pages(lena, acme)) != []

    define_schema(COMMAND, acme, definition(*CLOSED))

    values = {"badge": "B-7", "vault": [{"value": "v"}, {"value": "w", "type": "a"}]}
    compared = json.loads(json.dumps(values).lower())
    assert documents(acme) == [(values, compared), (None, None)]
    assert client.get(f"/Users/{user}").headers["ETag"] == etag
    assert client.get(f"/Users/{user}").json[ACME] == values
    shown = pages(lena, acme)
    assert marked(shown) == []
    history = shown[f"{ADMIN}user/{user}/change/"]
    assert re.search(r"pin.{0,200}\[redacted\]", history, re.DOTALL)
    assert MARKER not in json.dumps(poller.drained())
    with in_tenant(acme):  # the record itself is append-only
        changes = [each for row in AttributeChange.objects.all() for each in row.each]
        assert [each.after for each in changes if each.path == f"{ACME}:pin"] == [MARKER] * 2
        assert AuditEntry.objects.filter(act="schema changed").get().details == {
            "type": "User",
            "attributes": 3,
            "secret values removed from": 2,
        }


def test_values_that_another_process_stored_meanwhile_go_with_the_next_change(before, acme):
    client, user = before
    define_schema(COMMAND, acme, definition(*CLOSED))
    with in_tenant(acme):
        row = User.objects.get(pk=user)
        row.document[ACME]["pin"] = row.comparable[ACME]["pin"] = MARKER
        row.save(update_fields=["document", "comparable"])

    assert client.get(f"/Users/{user}").json[ACME].keys() == {"badge", "vault"}
    client.patch(f"/Users/{user}", patch({"op": "replace", "path": "title", "value": "Guide"}))

    assert MARKER not in json.dumps(documents(acme))


@pytest.mark.parametrize("is_removed", [False, True])
def test_a_secret_stays_one_when_its_attribute_or_its_schema_is_gone(
    is_removed, before, acme, lena
):
    client, user = before
    define_schema(COMMAND, acme, definition(*CLOSED))
    values = {"op": "remove", "path": ACME}
    client.patch(f"/Users/{user}", patch(values))
    if is_removed:
        remove_schema(COMMAND, acme, ACME)
    else:
        define_schema(COMMAND, acme, definition({"name": "badge"}))
        with in_tenant(acme):
            assert ExtensionSchema.objects.get().former_secrets == ["pin", "vault.code"]

    client.patch(f"/Users/{user}", patch({"op": "add", "value": {ACME: {"pin": MARKER}}}))

    assert marked(pages(lena, acme)) == []
    with in_tenant(acme):
        assert MARKER not in json.dumps(ProvisioningEvent.objects.latest("id").sent)


def test_another_tenant_keeps_what_it_may(before, acme, globex, scim):
    """Secrecy is a matter of the tenant's own schemas."""
    define_schema(COMMAND, acme, definition(*CLOSED))
    define_schema(COMMAND, globex, definition(*READABLE))

    made = scim(globex).post("/Users", person("jsmith", **{ACME: {"pin": "4711"}}))

    assert made.json[ACME] == {"pin": "4711"}
    with in_tenant(globex):
        assert ProvisioningEvent.objects.latest("id").sent[ACME] == {"pin": "4711"}
