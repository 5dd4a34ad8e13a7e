"""A tenant has a limit on its requests, and an address one on failing to authenticate."""

import pytest

from scim.api import log
from scim.api.log import Summaries
from tenants import rates
from tests.support.clients import ScimClient
from tests.support.payloads import BJENSEN, error

EXCEEDED = (
    "The tenant sends more requests than its limit allows, which is 0.01 a second and 200 at once: repeat"
    " the request after the seconds in Retry-After."
)


@pytest.fixture(autouse=True)
def _limited(settings, monkeypatch):
    """A limit that no time of a test's own renews."""
    settings.TENANT_RATE = 0.01
    monkeypatch.setattr(log, "_floods", Summaries())
    monkeypatch.setattr(rates, "FAILURES", rates.Rate(0.01, burst=3))


@pytest.fixture
def exhausted(at_acme, acme):
    """The tenant acme has used its limit up; its service."""
    assert at_acme.get("/Users").status == 200
    for _ in range(rates.BURST):
        rates.note_request(acme.id)
    return at_acme


def test_the_burst_passes_and_then_requests_are_answered_429(at_acme, acme):
    for _ in range(rates.BURST - 1):
        rates.note_request(acme.id)

    answers = [at_acme.get("/Users") for _ in range(3)]

    assert [answer.status for answer in answers] == [200, 429, 429]


def test_the_answer_is_a_scim_error_that_says_when_to_come_again(exhausted):
    answer = exhausted.post("/Users", BJENSEN)

    assert (answer.status, answer.json) == (429, error(429, EXCEEDED))
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Request-Id"]


def test_nothing_is_asked_of_the_database(exhausted, django_assert_num_queries):
    exhausted.get("/Users")

    with django_assert_num_queries(0):
        exhausted.get("/Users")


def test_another_tenant_has_a_limit_of_its_own(exhausted, at_globex):
    assert exhausted.get("/Users").status == 429
    assert at_globex.get("/Users").status == 200


def test_pages_are_not_limited(exhausted, client, acme):
    assert client.get("/admin/login/", headers={"Host": acme.host}).status_code == 200


def test_requests_without_a_good_credential_use_nothing_up(acme, at_acme):
    at_acme.get("/Users")
    for _ in range(rates.BURST):
        ScimClient(acme, "mypscim_wrong").get("/Users")

    assert at_acme.get("/Users").status == 200


def test_the_log_has_one_event_for_many(exhausted, acme, events):
    for _ in range(5):
        exhausted.get("/Users")

    [event] = [each for each in events(acme) if each.status == 429]
    assert (event.reason, event.detail, event.count) == ("tenant.rate", EXCEEDED, 1)
    assert (event.operation, event.token_label) == ("requests", "")


def test_a_minute_later_the_log_has_their_number(exhausted, acme, events, later):
    for _ in range(6):
        exhausted.get("/Users")
    later(log.WINDOW)

    exhausted.get("/Users")

    counts = [each.count for each in events(acme) if each.status == 429]
    assert counts == [1, 6]


def test_failures_from_one_address_are_answered_429_in_the_end(acme):
    stranger = ScimClient(acme, "mypscim_wrong")

    answers = [stranger.get("/Users") for _ in range(5)]

    assert [answer.status for answer in answers] == [401, 401, 401, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json["detail"].startswith("Too many requests from this address")


@pytest.mark.parametrize("token", ["", "mypscim_wrong"])
def test_a_good_token_is_accepted_at_any_time(acme, at_acme, token):
    stranger = ScimClient(acme, token)

    for _ in range(5):
        last = stranger.get("/Users").status

    assert (last, at_acme.get("/Users").status) == (429, 200)


def test_failures_at_one_tenant_count_for_no_other(acme, globex):
    for _ in range(5):
        ScimClient(acme, "mypscim_wrong").get("/Users")

    assert ScimClient(globex, "mypscim_wrong").get("/Users").status == 401
