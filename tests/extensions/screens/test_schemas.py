"""The tenant's schemas on its screens: read by all who may see them, defined by support leads."""

import html
import json

import pytest

from scim.extensions.models import ExtensionSchema
from tenants.current import in_tenant
from tests.extensions.definitions import definition
from tests.support.pages import nonce_in
from tests.support.schemas import ACME

LIST = "/t/acme/admin/scim/extensionschema/"


@pytest.fixture
def defined(acme, extend):
    return extend(acme)


def rows(tenant):
    with in_tenant(tenant):
        return list(ExtensionSchema.objects.filter(removed_at=None))


def sent(browser, path, **fields):
    return browser.post(path, {"nonce": nonce_in(browser.get(path))} | fields)


def test_a_support_lead_puts_the_example_of_the_form_in_force(lena, acme, globex):
    page = lena.get(LIST + "add/")
    example = html.unescape(page.text.partition("<textarea")[2].partition(">")[2].partition("<")[0])

    answer = sent(lena, LIST + "add/", resource_type="User", definition=example)

    (row,) = rows(acme)
    assert (answer.status_code, answer["Location"]) == (302, f"{LIST}{row.pk}/change/")
    assert row.urn == json.loads(example)["id"]
    assert row.changed_by == "lena@mypolicies.example (staff)"
    assert rows(globex) == []


def test_a_refusal_stands_above_the_form_which_keeps_its_values(lena, acme):
    typed = '{"id": "acme", "attributes": []}'

    answer = sent(lena, LIST + "add/", resource_type="User", definition=typed)

    assert answer.status_code == 200
    assert "id must be a URN that ends in a version and a name" in answer.text
    assert html.escape(typed) in answer.text
    assert rows(acme) == []


def test_a_unique_attribute_is_refused_by_the_login_that_serves_with_the_command(lena, acme):
    # Of no other test, whose index could be there and be taken over: a rollback leaves it (decision 0024).
    typed = definition({"name": "locker", "uniqueness": "server"}).text

    answer = sent(lena, LIST + "add/", resource_type="User", definition=typed)

    assert answer.status_code == 200
    assert "Use `manage.py schema define`" in answer.text
    assert rows(acme) == []


def test_the_page_shows_each_attribute_and_how_to_map_it_in_entra(lena, defined):
    page = lena.get(f"{LIST}{defined.pk}/change/").text

    for shown in (ACME, "desks.floor", "integer", "The size of the shirt.", "Attribute mapping"):
        assert shown in page


@pytest.mark.owner  # an index is built or dropped
def test_the_form_of_a_change_begins_with_what_is_in_force(lena, acme, defined):
    path = f"{LIST}{defined.pk}/redefine/"
    assert "The size of the shirt." in lena.get(path).text

    changed = definition({"name": "shirt"}).text
    sent(lena, path, resource_type="User", definition=changed)

    assert [each["name"] for each in rows(acme)[0].definition["attributes"]] == ["shirt"]


@pytest.mark.owner  # an index is built or dropped
def test_the_page_of_a_removal_names_schema_and_tenant_and_removes(lena, acme, defined):
    path = f"{LIST}{defined.pk}/remove/"
    page = lena.get(path).text
    assert ACME in page
    assert "Acme Ltd (acme.mypolicies.localhost) no longer accepts" in page

    assert sent(lena, path)["Location"] == LIST
    assert rows(acme) == []
    assert lena.get(f"{LIST}{defined.pk}/change/").status_code == 404


def test_the_users_page_shows_what_the_schema_holds(lena, acme, defined, provision):
    body = {
        "userName": "bjensen@acme.example",
        "externalId": "b",
        "emails": [{"type": "work", "value": "b@acme.example"}],
        ACME: {"shirt": "XXL"},
    }
    stored = provision(acme, body)

    page = lena.get(f"/t/acme/admin/scim/user/{stored.id}/change/").text

    assert "XXL" in page


def test_another_tenants_schema_is_not_found(lena, defined):
    assert lena.get(f"/t/globex/admin/scim/extensionschema/{defined.pk}/change/").status_code == 404
