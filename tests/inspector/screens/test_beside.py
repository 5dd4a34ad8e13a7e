"""From a request to the next one: changes and refusals, as the log shows them at first."""

import re

import pytest

from scim.inspector import log_screen
from scim.models import ProvisioningEvent
from tenants.current import in_tenant
from tests.support.payloads import user

_BESIDE = re.compile(r'<a rel="(prev|next)" href="([^"]+)">')


def page_of(event):
    return f"/t/acme/admin/scim/provisioningevent/{event.pk}/change/"


def beside(browser, event):
    return dict(_BESIDE.findall(browser.get(page_of(event)).text))


@pytest.fixture
def events(acme, scim):
    """A creation, a look-up and a refusal, oldest first."""
    client = scim(acme)
    client.post("/Users", user("one"))
    client.get("/Users", filter='userName eq "two"')
    client.post("/Users", user("one"))
    with in_tenant(acme):
        return list(ProvisioningEvent.objects.order_by("id"))


def test_a_look_up_is_passed_over(lena, events):
    created, looked_up, refused = events

    assert beside(lena, created) == {"prev": page_of(refused)}
    assert beside(lena, refused) == {"next": page_of(created)}
    assert beside(lena, looked_up) == {"prev": page_of(refused), "next": page_of(created)}


def test_a_look_up_is_better_than_nothing(lena, events, monkeypatch):
    created, looked_up, _ = events
    monkeypatch.setattr(log_screen, "NEAR", 1)

    assert beside(lena, created) == {"prev": page_of(looked_up)}


def test_requests_of_another_tenant_are_not_beside(lena, events, globex, scim):
    scim(globex).post("/Users", user("one"))
    *_, refused = events

    assert "prev" not in beside(lena, refused)
