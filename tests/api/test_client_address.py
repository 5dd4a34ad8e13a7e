"""Every record of who sent a request holds the client's address, not that of the proxy before us."""

import logging

import pytest

from accounts import uses
from accounts.models import AuditEntry, SecretToken
from config.edge.proxies import read_trusted_proxies
from scim.models import ProvisioningEvent
from tenants.current import in_tenant
from tests.support.payloads import BJENSEN

PROXY = "192.0.2.1"
CLIENT = "203.0.113.9"
FORGED = {"X-Forwarded-For": f"8.8.8.8, {CLIENT}", "Forwarded": "for=9.9.9.9"}


@pytest.fixture
def proxy(settings):
    """The address of a proxy that is trusted."""
    settings.TRUSTED_PROXIES = read_trusted_proxies(PROXY)
    return PROXY


@pytest.fixture
def recorded(acme, scim, caplog):
    """`recorded(peer)`: the address in provisioning log, token and log line after a POST."""

    def record(peer):
        caplog.set_level(logging.INFO)
        client = scim(acme)
        client.http.defaults["REMOTE_ADDR"] = peer
        assert client.post("/Users", BJENSEN, headers=FORGED).status == 201
        [line] = [each for each in caplog.records if each.name == "mypolicies.requests"]
        uses.flush()  # as the worker's thread does every few seconds
        with in_tenant(acme):
            event, token = ProvisioningEvent.objects.get(), SecretToken.objects.get()
        return event.address, token.last_used_address, line.address

    return record


def test_behind_a_trusted_proxy_it_is_the_clients(proxy, recorded):
    assert recorded(proxy) == (CLIENT, CLIENT, CLIENT)


def test_the_headers_of_another_peer_are_ignored(proxy, recorded):
    assert recorded("198.51.100.4") == ("198.51.100.4",) * 3


def test_without_a_trusted_proxy_it_is_the_peers(recorded):
    assert recorded(PROXY) == (PROXY,) * 3


@pytest.mark.parametrize(("peer", "address"), [(PROXY, CLIENT), ("198.51.100.4", "198.51.100.4")])
def test_the_audit_log_holds_it_too(acme, globex, proxy, staff_client, peer, address):
    staff_client.get("/t/acme/admin/scim/user/", headers=FORGED, REMOTE_ADDR=peer)

    with in_tenant(acme):
        assert AuditEntry.objects.latest("id").address == address
    with in_tenant(globex):
        assert not AuditEntry.objects.exists()
