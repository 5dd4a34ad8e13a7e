"""The provisioning log as a file."""

import pytest
from django.db import transaction

from accounts.permissions import Role
from scim.protocol.definitions import USER
from scim.protocol.errors import InvalidValue
from scim.provider import provisioning_log
from scim.provider.provisioning_log import Call
from tenants.current import in_tenant
from tests.support.at_screens import requester
from tests.support.pages import exported

LOG = "/admin/scim/provisioningevent/"


@pytest.fixture
def refused(acme, minted):
    detail = "externalId is missing. myPolicies always requires userName, email and externalId."
    error = InvalidValue("user.external-id-missing", detail)
    call = Call(requester(acme, minted.token), "create", USER, None, {"userName": "x"})
    with transaction.atomic(), in_tenant(acme):
        provisioning_log.record(provisioning_log.refused(call, error))


def test_the_log_is_exported_with_the_explanation_of_each_refusal(own_host, bjensen, refused):
    _, lines = exported(own_host, f"{LOG}?outcome=refused")

    (line,) = lines
    assert line["detail"].startswith("externalId is missing.")
    assert {name: line[name] for name in ("operation", "status", "scimType", "explanation")} == {
        "operation": "create",
        "status": "400",
        "scimType": "invalidValue",
        "explanation": "user.external-id-missing",
    }
    assert not {"sent", "password"} & line.keys()


def test_each_line_of_the_log_says_whom_it_was_about(own_host, bjensen, refused):
    """Of a user who was not created nothing else says it: there is no id."""
    _, lines = exported(own_host, LOG)

    assert [(line["status"], line["about"], line["resource id"]) for line in lines] == [
        ("400", "x", ""),
        ("201", "bjensen@acme.example", str(bjensen.id)),
    ]


def test_support_and_auditors_may_not(alice, operator, staff, bjensen, open_browser):
    for browser in (alice, open_browser(operator, staff[Role.AUDITOR])):
        assert browser.get(f"/t/acme{LOG}export/").status_code == 403
        assert browser.post(f"/t/acme{LOG}export/").status_code == 403
        assert "export/" not in browser.get(f"/t/acme{LOG}").text
