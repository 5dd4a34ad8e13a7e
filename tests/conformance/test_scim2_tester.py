"""scim2-tester, an independent suite of RFC 7643 and 7644, against a tenant's SCIM endpoints."""

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import Status, check_server

from tests.support import clients, conformance


def _application(environ, start_response):
    """The whole application over WSGI, within the test's transaction."""
    response = clients.HANDLER(environ)
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [response.content]


@pytest.fixture
def tester(acme):
    """The tester's client; it knows nothing of the service but its Tenant URL and secret token."""
    headers = {"Authorization": f"Bearer {clients.mint(acme)}"}
    return WSGISCIMClient(_application, base_url=acme.tenant_url, headers=headers)


def test_every_check_succeeds(tester):
    results = check_server(tester)

    assert [result for result in results if result.status is not Status.SUCCESS] == []
    # None was left out because an earlier one failed.
    assert len(results) == conformance.checks_of("scim2-tester")
