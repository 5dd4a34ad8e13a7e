"""OAuth clients on the tenant's screens: adding, a secret that is shown once, revoking."""

import json
import re

import pytest
from django.core.serializers import serialize
from django.db import transaction
from joserfc.jwk import ECKey

from accounts import oauth
from accounts.models import AuditEntry, ClientSecret, OAuthClient
from tenants import clock
from tenants.current import in_tenant
from tests.support.pages import facts_of, nonce_in

LIST = "/t/acme/admin/accounts/oauthclient/"
FORM = LIST + "add/"


@pytest.fixture
def paths(created):
    """The pages of the client."""
    of_client = f"{LIST}{created.client.pk}/"
    return {
        "page": of_client + "change/",
        "revoke": of_client + "revoke/",
        "secret": of_client + "secret/",
        "end": f"{LIST}secret/{created.secret.pk}/revoke/",
    }


def filled(browser, account, **changes):
    return {
        "nonce": nonce_in(browser.get(FORM)),
        "label": "Microsoft Entra ID",
        "years": "2",
        "issued_for": account.pk,
        "public_keys": "",
    } | changes


def sent(browser, path, **fields):
    """The answer to the form at the path, opened and sent once."""
    return browser.post(path, {"nonce": nonce_in(browser.get(path))} | fields)


def value_in(response):
    return re.findall(r"mypscim_secret_\w{49}", response.text)[0]


def rows(tenant, model):
    with in_tenant(tenant):
        return list(model.objects.all())


def test_the_answer_to_the_form_shows_all_that_the_client_needs(alice, acme, tara):
    answer = alice.post(FORM, filled(alice, tara))

    client = rows(acme, OAuthClient)[0]
    assert answer.status_code == 200
    for shown in (acme.tenant_url, acme.token_endpoint, str(client.pk)):
        assert f">{shown}</code>" in answer.text
    assert "shown only once" in answer.text
    with transaction.atomic(), in_tenant(acme):
        proven = oauth.by_secret(acme.id, str(client.pk), value_in(answer), clock.now())
    assert proven.client == client


def test_the_page_with_the_secret_is_kept_by_no_browser_and_no_proxy(alice, tara):
    answer = alice.post(FORM, filled(alice, tara))

    assert {"no-store", "private"} <= set(answer.headers["Cache-Control"].split(", "))


def test_the_secret_is_in_no_row_and_on_no_other_page(alice, acme, operator, tara, caplog):
    caplog.set_level("DEBUG")
    value = value_in(alice.post(FORM, filled(alice, tara)))

    page = f"{LIST}{rows(acme, OAuthClient)[0].pk}/change/"
    kept = [alice.get(LIST).text, alice.get(page).text, caplog.text]
    for tenant in (acme, operator):
        kept += [
            serialize("json", rows(tenant, each))
            for each in (OAuthClient, ClientSecret, AuditEntry)
        ]
    assert not [text for text in kept if value in text]


def test_a_form_that_is_sent_twice_adds_one_client(alice, acme, tara):
    form = filled(alice, tara)
    alice.post(FORM, form)

    again = alice.post(FORM, form)

    assert again.status_code == 409
    assert len(rows(acme, OAuthClient)) == 1


def test_a_client_with_public_keys_gets_no_secret(alice, acme, tara):
    key = ECKey.generate_key("P-256", {"kid": "entra-1"})
    keys = json.dumps({"keys": [key.as_dict(private=False)]})

    answer = alice.post(FORM, filled(alice, tara, public_keys=keys))

    assert "mypscim_secret_" not in answer.text
    assert "entra-1" in answer.text
    assert rows(acme, ClientSecret) == []


def test_keys_that_are_none_are_said_above_the_form(alice, acme, tara):
    answer = alice.post(FORM, filled(alice, tara, public_keys="ssh-rsa AAAA"))

    assert "The public keys must be a JWK set" in answer.text
    assert rows(acme, OAuthClient) == []


def test_a_further_secret_is_shown_once_too(alice, acme, created, paths):
    answer = sent(alice, paths["secret"], years="3")

    with transaction.atomic(), in_tenant(acme):
        proven = oauth.by_secret(acme.id, str(created.client.pk), value_in(answer), clock.now())
    assert proven.secret != created.secret
    assert len(rows(acme, ClientSecret)) == 2


def test_revoking_a_secret_leaves_the_client(alice, acme, created, paths):
    answer = sent(alice, paths["end"])

    assert answer.headers["Location"] == paths["page"]
    page = alice.get(paths["page"]).text
    assert f"The client secret {created.secret.public_id} is revoked." in page
    assert rows(acme, ClientSecret)[0].revoked_by == "alice@mypolicies.example (staff)"
    assert rows(acme, OAuthClient)[0].revoked_at is None


def test_a_revoked_client_has_no_acts_left(alice, acme, created, paths):
    before = alice.get(paths["page"]).text

    answer = sent(alice, paths["revoke"])

    after = alice.get(paths["page"]).text
    assert answer.headers["Location"] == paths["page"]
    assert [paths["secret"] in text for text in (before, after)] == [True, False]
    assert [paths["revoke"] in text for text in (before, after)] == [True, False]
    assert rows(acme, OAuthClient)[0].revoked_by == "alice@mypolicies.example (staff)"


def test_the_list_says_what_there_is(alice, created):
    listed = alice.get(LIST).text

    assert str(created.client.pk) in listed
    assert "Live" in listed
    assert "tara@acme.example" in listed


def test_staff_who_look_leave_a_trace(alice, acme, created, paths):
    alice.get(LIST)
    alice.get(paths["page"])

    acts = [(entry.act, entry.subject) for entry in rows(acme, AuditEntry)]
    assert ("OAuth clients listed", "acme") in acts
    assert ("OAuth client viewed", str(created.client.pk)) in acts


def test_a_tenant_admin_sees_clients_and_changes_nothing(acme, tara, created, paths, open_browser):
    browser = open_browser(acme, tara)
    own = {name: path.removeprefix("/t/acme") for name, path in paths.items()}

    page = browser.get(own["page"])

    assert page.status_code == 200
    assert "Revoke" not in page.text
    assert [browser.get(own[name]).status_code for name in ("revoke", "secret", "end")] == 3 * [403]


def test_clients_of_acme_are_not_found_at_globex(alice, globex, created, paths):
    at_globex = [path.replace("/t/acme/", "/t/globex/") for path in paths.values()]

    assert [alice.get(path).status_code for path in at_globex] == [404, 404, 404, 404]


def test_the_page_says_from_where_a_client_works_and_staff_change_it(alice, acme, created, paths):
    path = f"{LIST}{created.client.pk}/restrict/"
    before = facts_of(alice.get(paths["page"]), "OAuth client")["Allowed addresses"]
    with in_tenant(acme):
        OAuthClient.objects.update(last_used_at=clock.now(), last_used_address="198.51.100.9")

    refused = sent(alice, path, allowed_networks="203.0.113.0/24")
    sent(alice, path, allowed_networks="203.0.113.0/24", leaves_out_used="on")
    page = alice.get(paths["page"])

    assert before == "Anywhere"
    assert "was last used from 198.51.100.9, which is not in this list" in refused.text
    assert facts_of(page, "OAuth client")["Allowed addresses"] == "203.0.113.0/24"
    assert facts_of(page, "Last use")["From address"] == "198.51.100.9"
    with in_tenant(acme):
        entry = AuditEntry.objects.filter(act="OAuth client's addresses changed").get()
    assert entry.subject == str(created.client)
    assert entry.details == {"allowed_networks": ["203.0.113.0/24"], "entra_ranges_of": None}


def test_a_client_is_added_with_its_addresses(alice, acme, tara):
    alice.post(FORM, filled(alice, tara, allowed_networks="203.0.113.7 2001:db8::/32"))

    [client] = rows(acme, OAuthClient)
    assert client.allowed_networks == "203.0.113.7/32 2001:db8::/32"


def test_a_client_of_acme_is_not_restricted_at_globex(alice, acme, globex, created):
    path = f"/t/globex/admin/accounts/oauthclient/{created.client.pk}/restrict/"

    assert alice.get(path).status_code == 404
    assert rows(acme, OAuthClient)[0].allowed_networks == ""
