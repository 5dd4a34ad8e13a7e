"""Personal data for those who may see them, and masked for those who may not."""

import pytest

from accounts.permissions import Role
from scim.models import ProvisioningEvent
from scim.screens.visibility import NOTICE, Sight
from tenants.current import in_tenant
from tests.support.at_screens import BJENSEN
from tests.support.installed import is_installed
from tests.support.pages import facts_of

USERS = "/t/acme/admin/scim/user/"
LOG = "/t/acme/admin/scim/provisioningevent/"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MANAGER = "019ab8c4-0000-7000-8000-000000000001"
PERSONAL = ("bjensen", "Jensen", "Barbara", "Barbara.Jensen")
MASKED = Sight(is_whole=False)


@pytest.fixture
def paths(acme, bjensen, change):
    """Every page that shows the user."""
    body = {"Operations": [{"op": "Replace", "path": "name.familyName", "value": "Jensen-Smith"}]}
    change(bjensen, body)
    with in_tenant(acme):
        events = ProvisioningEvent.objects.order_by("id").values_list("pk", flat=True)
        requests = [f"{LOG}{event}/change/" for event in events]
        return [
            USERS,
            f"{USERS}{bjensen.id}/change/",
            *([f"{USERS}{bjensen.id}/then/"] if is_installed("history") else ()),
            *([LOG, *requests] if is_installed("inspector") else ()),
        ]


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.AUDITOR])
def test_support_and_auditors_see_no_personal_data_on_any_page(
    role, operator, staff, paths, open_browser
):
    browser = open_browser(operator, staff[role])

    for path in paths:
        shown = browser.get(path).text
        assert "•••" in shown, path
        assert [name for name in PERSONAL if name in shown] == [], path


@pytest.mark.parametrize("role", [Role.SUPPORT_LEAD, Role.OPERATOR])
def test_support_leads_and_operators_see_them(role, operator, staff, bjensen, paths, open_browser):
    page = open_browser(operator, staff[role]).get(f"{USERS}{bjensen.id}/change/")

    assert facts_of(page, "Contact") == {
        "Emails (emails[work, primary].value)": "Barbara.Jensen@acme.example"
    }
    assert NOTICE not in page.text


def test_a_tenants_own_admin_sees_the_tenants_people(own_host, bjensen):
    page = own_host.get(f"/admin/scim/user/{bjensen.id}/change/")

    assert "Barbara.Jensen@acme.example" in page.text
    assert NOTICE not in page.text


def test_a_masked_page_says_so_and_keeps_what_leads_to_the_user(alice, bjensen):
    page = alice.get(f"{USERS}{bjensen.id}/change/")

    assert NOTICE in page.text
    assert facts_of(page, "Identity") == {
        "External id (externalId)": BJENSEN["externalId"],
        "User name (userName)": "b•••@acme.example",
        "Family name (name.familyName)": "J•••",
        "Given name (name.givenName)": "B•••",
        "Display name (displayName)": "B•••",
        "Active": "true",
    }


def test_masked_data_cannot_be_guessed_letter_by_letter(alice, lena, bjensen):
    found = {
        term: [str(bjensen.id) in browser.get(USERS, {"q": term}).text for browser in (alice, lena)]
        for term in ("bjen", "bjensen@acme.example", "Jensen", "Jen", BJENSEN["externalId"], "0a21")
    }

    assert found == {
        "bjen": [False, True],
        "bjensen@acme.example": [True, True],
        "Jensen": [True, True],
        "Jen": [False, True],
        BJENSEN["externalId"]: [True, True],
        "0a21": [False, True],
    }


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            {"Operations": [{"op": "Add", "path": "emails", "value": [{"value": "b@x.org"}]}]},
            {"Operations": [{"op": "Add", "path": "emails", "value": [{"value": "b•••@x.org"}]}]},
        ),
        (
            {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]},
            {"Operations": [{"op": "Replace", "path": "active", "value": "False"}]},
        ),
        (
            {"Operations": [{"op": "Add", "value": {"name.givenName": "Barbara"}}]},
            {"Operations": [{"op": "Add", "value": {"name.givenName": "B•••"}}]},
        ),
        (
            {"Operations": [{"op": "Remove", "path": 'emails[value eq "b@x.org"]'}]},
            {"Operations": [{"op": "Remove", "path": 'emails[value eq "b•••@x.org"]'}]},
        ),
        ({"filter": 'userName eq "bjensen"'}, {"filter": 'userName eq "b•••"'}),
        ({"filter": 'userName eq "bjen'}, {"filter": 'userName eq "b•••"'}),
        (
            {"filter": 'emails[type eq "work"].value eq "b@x.org"'},
            {"filter": 'emails[type eq "work"].value eq "b•••@x.org"'},
        ),
        (
            {ENTERPRISE: {"employeeNumber": "701984", "department": "Tours"}},
            {ENTERPRISE: {"employeeNumber": "7•••", "department": "Tours"}},
        ),
        ({"shoeSize": 42, "password": "[redacted]"}, {"shoeSize": "•••", "password": "[redacted]"}),
        ({"members": [{"value": "26118915"}]}, {"members": [{"value": "2•••"}]}),
        (None, None),
        ("bjensen", "b•••"),
    ],
)
def test_a_masked_body_keeps_its_form(sent, expected):
    assert MASKED.json(sent, "User") == expected
    assert Sight(is_whole=True).json(sent, "User") == sent


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("userName", "bjensen", "b•••"),
        ('emails[type eq "wo.rk"].value', "b@x.org", "b•••@x.org"),
        ('emails[type eq "work"].primary', True, True),
        ("externalId", "701984", "701984"),
        (f"{ENTERPRISE}:department", "Tours", "Tours"),
        (f"{ENTERPRISE}:manager.value", MANAGER, MANAGER),
        ("title", None, None),
        ("displayName", "Barbara Jensen <b@x.org>", "B•••"),
    ],
)
def test_a_value_is_masked_by_the_name_at_the_end_of_its_path(path, value, expected):
    assert MASKED.value(path, value, "User") == expected


def test_the_name_of_a_group_is_no_personal_data():
    assert MASKED.value("displayName", "Tour Guides", "Group") == "Tour Guides"


def test_an_address_in_a_sentence_is_masked():
    told = "There is no User with the id 'bjensen@acme.example'."

    assert MASKED.text(told) == "There is no User with the id 'b•••@acme.example'."
