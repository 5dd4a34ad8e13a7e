"""The search of the staff site over all tenants, and the mark in request ids that leads to a tenant."""

import re

import pytest

from accounts.models import AuditEntry
from scim.models import ProvisioningEvent
from tenants import marks
from tenants.current import in_tenant
from tests.support import citus
from tests.support.at_screens import BJENSEN
from tests.support.installed import needs

SEARCH = "/admin/search/"
_LINK = re.compile(r'<li><a href="([^"]+)">([^<]+)</a>(?: <span>([^<]*)</span>)?')


def hits(page):
    """The links of the results, with their names and what is told beside them."""
    return _LINK.findall(page.text[page.text.index("<main") :])


def looked_up(operator):
    """The entries of staff's audit log about such searches."""
    with in_tenant(operator):
        found = AuditEntry.objects.filter(act="found across tenants")
        return list(found.order_by("id").values_list("actor", "subject", "details"))


def test_a_masked_role_comes_from_a_whole_name_to_the_user_in_one_step(
    alice, operator, acme, globex, bjensen, jsmith, work
):
    work()

    answer = alice.get(SEARCH, {"q": BJENSEN["userName"]})

    path = f"/t/acme/admin/scim/user/{bjensen.id}/change/"
    assert (answer.status_code, answer.headers["Location"]) == (302, path)
    who = "alice@mypolicies.example (staff)"
    assert looked_up(operator) == [(who, "acme", {"tenants": ["acme"], "found": ["Users"]})]


def test_several_users_are_a_list(alice, acme, globex, bjensen, provision, work):
    twin = provision(globex, BJENSEN | {"externalId": "another"})
    work()

    page = alice.get(SEARCH, {"q": "Barbara Jensen"})

    assert sorted(hits(page)) == [
        (f"/t/acme/admin/scim/user/{bjensen.id}/change/", "Barbara Jensen", "Acme Ltd · acme"),
        (f"/t/globex/admin/scim/user/{twin.id}/change/", "Barbara Jensen", "Globex Inc · globex"),
    ]


def test_typing_looks_into_no_tenant(alice, operator, acme, bjensen, work):
    work()

    page = alice.get(SEARCH, {"q": BJENSEN["userName"], "part": ""})

    assert "/t/acme/" not in page.text
    assert looked_up(operator) == []


def test_nothing_found_says_how_to_search_and_is_not_audited(alice, operator, acme):
    page = alice.get(SEARCH, {"q": "nobody@acme.example"})

    assert "Users of all tenants are found by the complete user name" in page.text
    assert looked_up(operator) == []


@needs("inspector")
def test_a_request_id_leads_to_its_page_in_its_tenant(alice, acme, globex, scim):
    ids = [scim(each).get("/Users/nobody").headers["Request-Id"] for each in (acme, globex)]

    answers = [alice.get(SEARCH, {"q": each}) for each in ids]

    for tenant, answer, request_id in zip((acme, globex), answers, ids, strict=True):
        with in_tenant(tenant):
            event = ProvisioningEvent.objects.get(request_id=request_id)
        path = f"/t/{tenant.custom_domain}/admin/scim/provisioningevent/{event.pk}/change/"
        assert answer.headers["Location"] == path


def test_a_token_is_found_by_its_public_id(alice, acme, minted):
    page = alice.get(SEARCH, {"q": minted.token.public_id})

    [(path, label, where)] = hits(page)
    assert path == f"/t/acme/admin/search/?q={minted.token.public_id}"
    assert minted.token.public_id in label
    assert where == "Acme Ltd · acme"


def test_a_tenant_admin_finds_nothing_of_another_tenant(acme, tara, jsmith, work, open_browser):
    work()

    page = open_browser(acme, tara).get(SEARCH, {"q": "jsmith@globex.example"})

    assert "Nothing matches" in page.text


def test_a_request_id_begins_with_the_mark_of_its_tenant(acme, globex, scim):
    for tenant in (acme, globex):
        request_id = scim(tenant).get("/Users").headers["Request-Id"]

        assert len(request_id) == marks.REQUEST_ID_LENGTH
        assert marks.tenants_of(request_id) == [tenant]


@pytest.mark.parametrize("text", ["", "x", "\u00e9" * 22, "*" * 22, "A" * 21, "A" * 23, " " * 22])
def test_any_other_text_leads_to_no_tenant(text, acme):
    assert marks.tenants_of(text) == []


def test_requests_of_a_tenant_have_ids_of_their_own(acme, scim):
    client = scim(acme)

    ids = {client.get("/Users").headers["Request-Id"] for _ in range(5)}

    assert len(ids) == 5


@pytest.mark.one_node
def test_a_tenant_whose_node_of_the_database_is_down_is_named(alice, acme, globex, scim):
    theirs, ours = (scim(tenant).get("/Users").headers["Request-Id"] for tenant in (acme, globex))
    citus.install_catalog()
    name = citus.lose(acme, "scim_provisioningevent")

    of_acme, of_globex = (alice.get(SEARCH, {"q": term}) for term in (theirs, ours))

    what = "Not searched: the tenant&#x27;s node of the database does not answer"
    path = f"/admin/tenants/tenant/{acme.pk}/change/"
    assert hits(of_acme) == [(path, what, "Acme Ltd · acme")]
    assert of_globex.status_code == 302
    citus.bring_back(acme, "scim_provisioningevent", name)
