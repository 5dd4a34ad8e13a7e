"""A secret token that works from some addresses only (decision 0096)."""

import pytest

from accounts import actions
from accounts.actions import AllowedFrom
from accounts.models import SecretToken
from config.edge.proxies import read_trusted_proxies
from scim.models import ProvisioningEvent
from tenants import clock
from tenants.current import in_tenant
from tests.support import people
from tests.support.clients import ScimClient, mint
from tests.support.payloads import BJENSEN, error, listed

HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"
DETAIL = (
    "The secret token is not accepted from the address 198.51.100.9. If the request is from your"
    " provisioning service, ask support@mypolicies.com to add this address to the token's allowed"
    " addresses."
)


@pytest.fixture
def restrict(acme):
    def restricted(networks, **more):
        with in_tenant(acme):
            token = SecretToken.objects.get()
        return actions.restrict_token(people.COMMAND, acme, token.pk, AllowedFrom(networks, **more))

    return restricted


def from_address(client, address, method="GET", path="/Users", body=None):
    client.http.defaults["REMOTE_ADDR"] = address
    return client.send(method, path, body)


def test_a_token_works_from_its_addresses(at_acme, restrict):
    restrict("203.0.113.0/24")

    assert from_address(at_acme, HERE).json == listed()


def test_from_another_address_it_is_refused_and_does_nothing(at_acme, acme, restrict):
    restrict("203.0.113.0/24 2001:db8::/32")

    answer = from_address(at_acme, ELSEWHERE, "POST", "/Users", BJENSEN)

    assert (answer.status, answer.json) == (403, error(403, DETAIL))
    assert "WWW-Authenticate" not in answer.headers
    assert from_address(at_acme, HERE).json == listed()


def test_a_list_takes_effect_with_the_next_request(at_acme, restrict):
    before = from_address(at_acme, ELSEWHERE).status
    restrict("203.0.113.7", leaves_out_used=True)
    refused = from_address(at_acme, ELSEWHERE).status
    restrict("")

    assert [before, refused, from_address(at_acme, ELSEWHERE).status] == [200, 403, 200]


def test_from_another_address_a_token_that_has_ended_reads_as_one_that_works(
    at_acme, acme, restrict
):
    token = restrict("203.0.113.0/24")
    live = from_address(at_acme, ELSEWHERE)
    actions.revoke_token(people.COMMAND, acme, token.pk)
    ended = from_address(at_acme, ELSEWHERE)

    assert (live.status, live.json) == (ended.status, ended.json)
    assert from_address(at_acme, HERE).status == 401


def test_an_unknown_token_reads_alike_from_every_address(at_acme, acme, restrict):
    restrict("203.0.113.0/24")
    stranger = ScimClient(acme, mint(acme)[:-1] + "_")  # of no token

    answers = [from_address(stranger, address) for address in (HERE, ELSEWHERE)]

    assert {(each.status, each.text) for each in answers} == {(401, answers[0].text)}


def test_the_list_of_one_tenants_token_is_nothing_to_anothers(at_acme, globex, restrict):
    restrict("203.0.113.0/24")
    at_globex = ScimClient(globex, mint(globex))

    assert from_address(at_globex, ELSEWHERE).status == 200


def test_behind_a_trusted_proxy_the_clients_address_counts(at_acme, restrict, settings):
    restrict(HERE)
    settings.TRUSTED_PROXIES = read_trusted_proxies(ELSEWHERE)
    at_acme.http.defaults["REMOTE_ADDR"] = ELSEWHERE

    answers = [
        at_acme.get("/Users", headers={"X-Forwarded-For": said})
        for said in (HERE, f"{HERE}, 192.0.2.1")
    ]

    assert [each.status for each in answers] == [200, 403]


def test_the_word_of_anybody_else_is_not_read(at_acme, restrict):
    restrict(HERE)
    at_acme.http.defaults["REMOTE_ADDR"] = ELSEWHERE

    assert at_acme.get("/Users", headers={"X-Forwarded-For": HERE}).status == 403


def test_a_list_costs_no_statement(cost, restrict):
    without = cost(200, "GET", "/Users")
    restrict("127.0.0.1 203.0.113.0/24 2001:db8::/32")

    assert cost(200, "GET", "/Users") == without == 2


def test_refusals_are_logged_together_with_the_token_and_an_explanation(at_acme, acme, restrict):
    token = restrict("203.0.113.0/24")
    for _ in range(3):
        from_address(at_acme, ELSEWHERE)

    with in_tenant(acme):
        [event] = ProvisioningEvent.objects.filter(status=403)
    assert (event.reason, event.detail, event.address) == ("token.address", DETAIL, ELSEWHERE)
    assert (event.token_id, event.token_label) == (token.pk, str(token))
    assert event.at <= clock.now()
