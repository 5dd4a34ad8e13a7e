"""docs/console.md: its code makes a screen that works, and it names what the kit has."""

import dataclasses
import re
import sys
from datetime import timedelta
from types import ModuleType

import pytest
from django.conf import settings
from django.urls import clear_url_caches, path

from accounts import permissions
from accounts.console.action import Action
from accounts.console.site import add_part
from accounts.models import AuditEntry
from accounts.permissions import Role
from accounts.screens.site import StaffSite, TenantSite
from tenants import clock
from tenants.current import in_public, in_tenant
from tenants.models import Expiry
from tests.support.pages import nonce_in, rows_of, table_of

PAGE = (settings.BASE_DIR / "docs" / "console.md").read_text()
LIST = "/admin/tenants/expiry/"
MODULE = "example_of_the_console"


def first_cells(heading):
    """The names in the first cells of the first table below a heading."""
    section = PAGE.split(f"{heading}\n")[1]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([\w.]+)`", row.split("|")[1])]


@pytest.fixture
def example(monkeypatch, settings):
    """The code of the page as a module, its screen and its part on a staff site of their own."""
    module = ModuleType(MODULE)
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    exec(compile(code, "docs/console.md", "exec"), module.__dict__)  # noqa: S102  # our own page
    site = StaffSite(TenantSite())
    site.register(Expiry, module.ExpiryAdmin)
    add_part(site, module.Ends)
    module.urlpatterns = [path("admin/", site.urls)]
    monkeypatch.setitem(sys.modules, MODULE, module)
    settings.STAFF_URLCONF = MODULE
    may = {"tenants.view_expiry", module.RENAME}
    granted = permissions.grants(Role.OPERATOR) - {"tenants.view_tenant"} | may
    monkeypatch.setattr(permissions, "GRANTS", {**permissions.GRANTS, Role.OPERATOR: granted})
    yield module
    clear_url_caches()


@pytest.fixture
def expiry(acme):
    ends = clock.now() + timedelta(days=9)
    with in_public():
        return Expiry.objects.create(
            id=clock.new_id(clock.now()),
            tenant=acme,
            kind=Expiry.Kind.TOKEN,
            name="Entra",
            expires_at=ends,
        )


def test_the_screen_of_the_page_lists_filters_and_shows(example, expiry, olaf):
    assert [row[0] for row in rows_of(olaf.get(LIST))] == ["Entra"]
    assert rows_of(olaf.get(f"{LIST}?kind=secret")) == []

    page = olaf.get(f"{LIST}{expiry.pk}/change/")

    assert ["Kind", "Secret token"] in table_of(page, "Credential")
    assert f"{LIST}{expiry.pk}/rename/" in page.text


def test_its_action_asks_acts_once_and_says_so(example, expiry, olaf, acme):
    where = f"{LIST}{expiry.pk}/rename/"
    asked = olaf.get(where)
    sent = {"nonce": nonce_in(asked), "name": "Entra, new"}

    answer = olaf.post(where, sent, follow=True)
    again = olaf.post(where, sent)

    assert "Rename Entra?" in asked.text
    assert "The credential is called Entra, new now." in answer.text
    assert again.status_code == 409
    with in_public():
        assert Expiry.objects.get().name == "Entra, new"
    with in_tenant(acme):
        assert AuditEntry.objects.filter(act="credential renamed").count() == 1


def test_its_refusal_stands_above_the_form(example, expiry, olaf):
    where = f"{LIST}{expiry.pk}/rename/"

    answer = olaf.post(where, {"nonce": nonce_in(olaf.get(where)), "name": "Entra"})

    assert "It has this name already." in answer.text


def test_its_chart_stands_on_the_first_page(example, expiry, olaf):
    assert "Credentials that end" in olaf.get("/admin/").text


def test_the_table_of_fields_names_those_of_an_action():
    fields = {each.name for each in dataclasses.fields(Action)}

    assert sorted(first_cells("## An action")) == sorted(fields)


def test_the_table_of_modules_names_those_of_the_kit():
    files = (settings.BASE_DIR / "accounts" / "console").glob("[a-z]*.py")
    names = sorted(file.name for file in files)

    assert sorted(first_cells("# The console")[: len(names)]) == names
