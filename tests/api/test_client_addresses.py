"""An OAuth client that gets and uses access tokens at some addresses only (decision 0124)."""

import json
from dataclasses import replace

import pytest

from accounts import actions, uses
from accounts.actions import AllowedFrom
from accounts.models import OAuthClient
from config.edge.proxies import read_trusted_proxies
from scim.models import ProvisioningEvent
from tenants import clock, rates
from tenants.current import in_tenant
from tests.support import people
from tests.support.clients import ScimClient
from tests.support.oauth import JWT_BEARER, KEY, ask, assertion, create, grant
from tests.support.payloads import BJENSEN, error, listed

HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"
NETWORK = AllowedFrom("203.0.113.0/24")


@pytest.fixture
def created(acme):
    """A client of acme that works from 203.0.113.0/24."""
    return create(acme, allowed_from=NETWORK)


def refused_at_the_token_endpoint(client, address=ELSEWHERE):
    return {
        "error": "unauthorized_client",
        "error_description": (
            f"The OAuth client {client.public_id} gets no access token at the address {address}. If the"
            " request is from your provisioning service, ask support@mypolicies.com to add this address"
            " to the client's allowed addresses."
        ),
    }


def ask_from(tenant, address, form):
    return ask(tenant, form, **{"X-Forwarded-For": address})


@pytest.fixture(autouse=True)
def proxied(settings):
    """The addresses come from a proxy that is trusted."""
    settings.TRUSTED_PROXIES = read_trusted_proxies("127.0.0.1")


def with_token(tenant, created):
    return ScimClient(tenant, ask_from(tenant, HERE, grant(created)).json()["access_token"])


def send(client, address, method="GET", path="/Users", body=None):
    return client.send(method, path, body, headers={"X-Forwarded-For": address})


def test_a_client_gets_and_uses_an_access_token_at_its_addresses(acme, created):
    entra = with_token(acme, created)

    assert send(entra, HERE).json == listed()


def test_at_another_address_it_gets_none(acme, created):
    answer = ask_from(acme, ELSEWHERE, grant(created))

    assert (answer.status_code, answer.json()) == (
        400,
        refused_at_the_token_endpoint(created.client),
    )


def test_a_client_that_signs_gets_none_there_either_and_its_assertion_is_not_spent(acme):
    keys = json.dumps({"keys": [KEY.as_dict(private=False)]})
    client = create(acme, public_keys=keys, allowed_from=NETWORK).client
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion(client, now=clock.now()),
    }

    answers = [ask_from(acme, address, form) for address in (ELSEWHERE, HERE)]

    assert answers[0].json() == refused_at_the_token_endpoint(client)
    assert answers[1].status_code == 200


def test_an_access_token_is_refused_at_another_address_and_does_nothing(acme, created):
    entra = with_token(acme, created)

    answer = send(entra, ELSEWHERE, "POST", "/Users", BJENSEN)

    client = created.client
    detail = (
        f"The access token of the OAuth client {client} is not accepted from the address {ELSEWHERE}. If"
        " the request is from your provisioning service, ask support@mypolicies.com to add this address"
        " to the client's allowed addresses."
    )
    assert (answer.status, answer.json) == (403, error(403, detail))
    assert send(entra, HERE).json == listed()
    with in_tenant(acme):
        [event] = ProvisioningEvent.objects.filter(status=403)
    assert (event.reason, event.address) == ("access-token.address", ELSEWHERE)
    assert (event.token_id, event.token_label) == (client.pk, str(client))


def test_a_list_takes_effect_on_access_tokens_that_are_there(acme):
    created = create(acme)
    entra = with_token(acme, created)
    before = send(entra, ELSEWHERE).status

    actions.restrict_client(
        people.COMMAND, acme, created.client.pk, replace(NETWORK, leaves_out_used=True)
    )
    refused = send(entra, ELSEWHERE).status
    actions.restrict_client(people.COMMAND, acme, created.client.pk, AllowedFrom())

    assert [before, refused, send(entra, ELSEWHERE).status] == [200, 403, 200]


def test_at_another_address_a_client_that_has_ended_reads_as_one_that_works(acme, created):
    live = ask_from(acme, ELSEWHERE, grant(created))
    actions.revoke_oauth_client(people.COMMAND, acme, created.client.pk)
    ended = ask_from(acme, ELSEWHERE, grant(created))

    assert live.json() == ended.json()
    assert ask_from(acme, HERE, grant(created)).json()["error"] == "invalid_client"


def test_a_wrong_secret_reads_alike_at_every_address(acme, created):
    wrong = grant(created, client_secret=create(acme).value)

    answers = [ask_from(acme, address, wrong).json() for address in (HERE, ELSEWHERE)]

    assert answers[0] == answers[1]
    assert answers[0]["error"] == "invalid_client"


def test_a_client_of_another_tenant_is_not_concerned(acme, globex, created):
    entra = with_token(globex, create(globex))

    assert send(entra, ELSEWHERE).status == 200


def test_requests_for_tokens_at_another_address_count_among_the_failed_ones(
    acme, created, monkeypatch
):
    rates.buckets.forget()
    monkeypatch.setattr(rates, "FAILURES", rates.Rate(per_second=0.001, burst=2))

    answers = [ask_from(acme, ELSEWHERE, grant(created)).status_code for _ in range(3)]

    assert answers == [400, 400, 429]
    assert ask_from(acme, HERE, grant(created)).status_code == 200


def test_the_address_of_the_last_use_is_noted(acme, created):
    ask_from(acme, HERE, grant(created))
    uses.flush()

    with in_tenant(acme):
        assert OAuthClient.objects.get().last_used_address == HERE


def test_a_list_costs_no_statement(acme, created, statements):
    free = create(acme)
    costs = []
    for each in (free, created):
        entra = with_token(acme, each)
        send(entra, HERE)  # the first of a credential is logged
        with statements() as executed:
            assert send(entra, HERE).status == 200
        costs.append(len(executed))

    assert costs[0] == costs[1]
