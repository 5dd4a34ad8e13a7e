"""One request's page: what was sent, what it changed, and why it failed."""

import html
import json
import re
import shlex

import pytest
from django.db import transaction

from scim.models import ProvisioningEvent
from scim.protocol.definitions import GROUP, USER
from scim.protocol.errors import InvalidValue, ScimError, Uniqueness
from scim.provider import provisioning_log
from scim.provider.provisioning_log import Call
from scim.refusals import UNKNOWN, catalogue
from tenants import resolution
from tenants.current import in_tenant
from tests.support.at_screens import BJENSEN, JSMITH, requester
from tests.support.clients import ScimClient
from tests.support.installed import needs
from tests.support.pages import facts_of, rows_of, table_of
from tests.support.payloads import user
from tests.support.schemas import ACME

LIST = "/admin/scim/provisioningevent/"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
SENT_AND_CHANGED = "Sent values and their changes"
COMPACT = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "26118915"},
        {"op": "Add", "value": {"name.givenName": "Babs", "displayName": "Barbara Jensen"}},
        {"op": "Remove", "path": "name.familyName"},
        {"op": "Add", "path": 'addresses[type eq "work"].country', "value": ""},
    ],
}


@pytest.fixture
def page_of(own_host, acme):
    """The page of the newest request of acme."""

    def newest():
        with in_tenant(acme):
            event = ProvisioningEvent.objects.order_by("-id")[0]
        return own_host.get(f"{LIST}{event.pk}/change/")

    return newest


@pytest.fixture
def refuse(acme, minted):
    """Log a refused creation of a user."""

    def record(error: ScimError, body=None):
        call = Call(requester(acme, minted.token), "create", USER, None, body)
        with transaction.atomic(), in_tenant(acme):
            provisioning_log.record(provisioning_log.refused(call, error))

    return record


def test_a_patch_shows_each_value_beside_what_it_changed(page_of, bjensen, change):
    change(bjensen, COMPACT)

    assert table_of(page_of(), SENT_AND_CHANGED) == [
        ["Replace: active", "False", "active", "true", "false"],
        [
            f"Add: {ENTERPRISE}:manager",
            "26118915",
            "manager.value",
            "-",
            "26118915",
        ],
        ["Add: displayName", "Barbara Jensen", "changed nothing", "-", "-"],
        ["Add: name.givenName", "Babs", "name.givenName", "Barbara", "Babs"],
        ["Remove: name.familyName", "-", "name.familyName", "Jensen", "-"],
        ['Add: addresses[type eq "work"].country', "", "changed nothing", "-", "-"],
    ]


def test_a_creation_shows_its_body_and_what_the_server_added(page_of, acme, provision):
    provision(acme, {name: value for name, value in JSMITH.items() if name != "active"})

    sent = {
        "userName": JSMITH["userName"],
        "externalId": JSMITH["externalId"],
        "displayName": "John Smith",
        'emails[type eq "work"].value': "john.smith@globex.example",
    }
    *lines, last = table_of(page_of(), SENT_AND_CHANGED)
    assert sorted(lines) == sorted([name, it, name, "-", it] for name, it in sent.items())
    assert last == ["-", "-", "active", "-", "true"]


def test_members_are_named_by_their_ids(page_of, guides, acme, provision, change):
    jsmith = provision(acme, JSMITH)
    added = {"op": "Add", "path": "members", "value": [{"value": str(jsmith.id)}]}
    change(guides, {"Operations": [added]}, GROUP)

    path = f'members[value eq "{jsmith.id}"]'
    assert table_of(page_of(), SENT_AND_CHANGED) == [
        [f"Add: {path}", str(jsmith.id), path, "-", str(jsmith.id)]
    ]


def test_a_deletion_shows_which_groups_were_left(page_of, guides, bjensen, remove):
    remove(bjensen)

    assert table_of(page_of(), "Changes elsewhere") == [
        ["Group", str(guides.id), f'members[value eq "{bjensen.id}"]', str(bjensen.id), "-"]
    ]


def test_a_refusal_is_explained_with_rule_remedy_and_place(page_of, refuse):
    refuse(
        InvalidValue(
            "user.external-id-missing",
            "externalId is missing. myPolicies always requires userName,…",
        )
    )

    assert facts_of(page_of(), "Why it was refused") == {
        "Problem": "The user would have no externalId.",
        "Rule": "myPolicies always requires userName, email and externalId (RFC 7643 §4.1.1)",
        "Remedy": ("Map externalId to objectId or mailNickname; the gallery's mapping has it."),
        "Place": (
            "Entra: Provisioning → Mappings → Synchronize Microsoft Entra users to myPolicies"
            " → externalId"
        ),
        "Explanation": "user.external-id-missing",
    }


def test_a_successful_request_has_no_explanation(page_of, bjensen):
    assert "Why it was refused" not in page_of().text


def test_a_taken_username_leads_to_who_has_it(page_of, refuse, bjensen):
    detail = "Another User already has this userName; it must be unique within the tenant"
    refuse(Uniqueness("user.name-taken", detail), BJENSEN | {"userName": "BJENSEN@acme.example"})

    page = page_of()

    assert facts_of(page, "Why it was refused")["Holder"] == "bjensen@acme.example"
    assert f'<a href="/admin/scim/user/{bjensen.id}/change/">bjensen@acme.example</a>' in page.text


def renamed(*operations):
    return {"schemas": COMPACT["schemas"], "Operations": list(operations)}


TAKEN = "BJENSEN@acme.example"


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("PATCH", renamed({"op": "Replace", "path": "userName", "value": TAKEN})),
        ("PATCH", renamed({"op": "replace", "value": {"userName": TAKEN}})),
        ("PATCH", renamed({"op": "add", "path": "username", "value": TAKEN})),
        (
            "PATCH",
            renamed(
                {
                    "op": "add",
                    "path": "urn:ietf:params:scim:schemas:core:2.0:User:userName",
                    "value": TAKEN,
                }
            ),
        ),
        (
            "PATCH",
            renamed(
                {"op": "replace", "path": "userName", "value": "free@acme.example"},
                {"op": "replace", "path": "userName", "value": TAKEN},
            ),
        ),
        ("PUT", BJENSEN | {"userName": TAKEN, "externalId": "another"}),
        ("POST", BJENSEN | {"userName": TAKEN, "externalId": "another"}),
    ],
)
def test_a_taken_username_leads_to_who_has_it_whatever_asked_for_it(
    method, body, page_of, bjensen, provision, acme, minted
):
    other = provision(acme, JSMITH, minted.token)
    path = "/Users" if method == "POST" else f"/Users/{other.id}"

    answer = ScimClient(acme, minted.value).send(method, path, body)

    page = page_of()
    assert answer.status == 409
    assert facts_of(page, "Why it was refused")["Holder"] == "bjensen@acme.example"
    assert f'<a href="/admin/scim/user/{bjensen.id}/change/">bjensen@acme.example</a>' in page.text


def test_support_sees_who_has_it_masked(alice, page_of, refuse, bjensen, acme):
    detail = "Another User already has this userName; it must be unique within the tenant"
    refuse(Uniqueness("user.name-taken", detail), BJENSEN)
    with in_tenant(acme):
        event = ProvisioningEvent.objects.order_by("-id")[0]

    page = alice.get(f"/t/acme{LIST}{event.pk}/change/")

    assert facts_of(page, "Why it was refused")["Holder"] == "b•••@acme.example"


@needs("extensions")
def test_a_taken_value_of_an_extension_leads_to_who_has_it(page_of, acme, minted, extend):
    extend(acme)
    entra = ScimClient(acme, minted.value)
    entra.post("/Users", user("one", **{ACME: {"badge": "B7"}}))
    second = entra.post("/Users", user("two")).json

    path = f"/Users/{second['id']}"
    answer = entra.patch(path, renamed({"op": "add", "path": f"{ACME}:badge", "value": "B7"}))

    assert answer.status == 409
    assert facts_of(page_of(), "Why it was refused")["Holder"] == "one@acme.example"


def test_a_name_that_the_user_itself_has_by_now_is_said_to_be(page_of, bjensen, acme, minted):
    other = ScimClient(acme, minted.value)
    second = other.post("/Users", user("two")).json
    taken = renamed({"op": "replace", "path": "userName", "value": TAKEN})
    other.patch(f"/Users/{second['id']}", taken)
    page = page_of()
    other.delete(f"/Users/{bjensen.id}")
    other.patch(f"/Users/{second['id']}", taken)

    again = page.client.get(page.request["PATH_INFO"])

    found = facts_of(again, "Why it was refused")["Holder"]
    assert found == "This one now: the request would succeed."


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (JSMITH, "None now: the request would succeed if repeated."),
        ({"omitted": "The request's body was too large to keep."}, None),
        (None, None),
    ],
)
def test_a_username_that_nobody_has_any_more_is_said_to_be_free(body, expected, page_of, refuse):
    refuse(
        Uniqueness("user.name-taken", "Another User already has this userName; it must be"), body
    )

    assert facts_of(page_of(), "Why it was refused").get("Holder") == expected


def test_the_holder_of_a_username_in_another_tenant_is_none(page_of, refuse, jsmith):
    refuse(
        Uniqueness("user.name-taken", "Another User already has this userName; it must be"), JSMITH
    )

    assert str(jsmith.id) not in page_of().text


def test_every_explanation_has_its_place_on_one_page(own_host, refuse, page_of):
    page = own_host.get(f"{LIST}explanations/")
    refuse(Uniqueness("user.name-taken", "Another User already has this userName; it must be"))

    assert [row[0] for row in table_of(page, "Every refusal")] == [
        *catalogue(),
        UNKNOWN.id,
    ]
    assert '<span id="user.name-taken">' in page.text
    assert f'href="{LIST}explanations/#user.name-taken"' in page_of().text


def test_a_refused_creation_is_found_by_the_username_that_was_asked_for(own_host, refuse):
    refuse(
        InvalidValue("user.external-id-missing", "externalId is missing."),
        {"userName": "JSmith@acme.example"},
    )
    refuse(
        InvalidValue("user.external-id-missing", "externalId is missing."),
        {"userName": "other@acme.example"},
    )

    page = own_host.get(LIST, {"q": "jsmith@acme.example"})

    assert [row[1:4] for row in rows_of(page)] == [
        ["JSmith@acme.example", "Creation refused: no external ID", "400"]
    ]


def test_a_bulk_of_members_is_shown_up_to_a_limit_that_the_page_names(
    own_host, acme, page_of, monkeypatch, provision_group, bjensen, provision
):
    monkeypatch.setattr("scim.inspector.requests.CHANGES_SHOWN", 2)
    provision_group(acme, "Guides", bjensen, provision(acme, JSMITH))

    assert "Only the first 2 changes are shown" in page_of().text


def test_the_number_of_queries_does_not_grow_with_what_was_sent(
    page_of, bjensen, change, statements
):
    def queries(operations):
        change(bjensen, {"Operations": operations})
        resolution.forget()  # so each time a host is looked up
        with statements() as executed:
            page_of()
        return len(executed)

    few = queries([{"op": "add", "path": "title", "value": "a"}])
    many = queries(
        [
            {"op": "add", "path": path, "value": "b"}
            for path in ("title", "nickName", "displayName", "userType", "locale", "timezone")
        ]
    )

    assert few == many


def test_a_masked_request_keeps_what_tells_why_it_failed(alice, acme, bjensen):
    with in_tenant(acme):
        event = ProvisioningEvent.objects.get()

    page = alice.get(f"/t/acme/admin/scim/provisioningevent/{event.pk}/change/")

    work = 'emails[type eq "work"].value'
    masked = "B•••@acme.example"
    assert [work, masked, work, "-", masked] in table_of(page, "Sent values and their changes")


def command_on(page):
    """The cURL command that the page shows."""
    shown = re.findall(r'<pre id="curl"[^>]*>(.*?)</pre>', page.text, re.DOTALL)[0]
    return shlex.split(html.unescape(shown).replace("\\\n", " "))


def test_a_request_can_be_copied_as_a_curl_command(page_of, acme, bjensen, scim):
    scim(acme).patch(f"/Users/{bjensen.id}", COMPACT)

    command = command_on(page_of())

    method, url = command[2:4]
    assert (command[0], method) == ("curl", "PATCH")
    assert url.startswith("http://acme.mypolicies.localhost")
    assert url.endswith(f"/scim/Users/{bjensen.id}")
    assert "Authorization: Bearer $TOKEN" in command
    assert json.loads(command[-1])["Operations"] == COMPACT["Operations"]


def test_a_curl_command_keeps_quotes_and_secrets_out_of_the_shell(page_of, acme, provision):
    provision(acme, JSMITH | {"displayName": "O'Hara $(id)", "password": "t0p-secret"})

    page = page_of()

    body = json.loads(command_on(page)[-1])
    assert body["displayName"] == "O'Hara $(id)"
    assert "t0p-secret" not in page.text
