"""Delivery of events to a receiver that waits: pushed (RFC 8935), or as a signed webhook.

The worker's rounds are run one by one; receivers are HTTP servers on this machine.
"""

import json
from datetime import timedelta

import pytest
from django.test import Client, override_settings

from scim.events import delivery, outbox, streams
from scim.events.models import Delivery, DeliveryMethod, EventStream
from tenants import clock as clock_of_ours
from tenants import lifecycle, schemas
from tenants.current import in_tenant
from tests.events.streams import NOTICES, PROV, created
from tests.support import receiver
from tests.support.commands import run
from tests.support.payloads import BJENSEN, JSMITH, replace
from tests.support.people import COMMAND
from tests.support.receiver import verified, verified_webhook


@pytest.fixture
def at_work():
    """A receiver that takes what it gets."""
    with receiver.running() as started:
        yield started


@pytest.fixture
def pushed(clock, acme, at_work):
    """A push stream of acme to the receiver."""
    return created(acme, DeliveryMethod.PUSH, endpoint=at_work.url, event_uris=NOTICES).stream


def keys(tenant):
    return Client(headers={"Host": tenant.host}).get("/scim/jwks.json").json()


def claims_of(tenant, started):
    """The verified claims of all tokens that the receiver got."""
    published = keys(tenant)
    return [verified(body, published) for body in started.bodies]


def rows(tenant):
    with in_tenant(tenant):
        return list(Delivery.objects.order_by("event_id").values())


def state(tenant, stream):
    with in_tenant(tenant):
        found = EventStream.objects.get(pk=stream.pk)
    return found.state, found.reason


def with_work(now=None):
    """The tenants in which something is due."""
    return list(delivery.tenants_with_work(schemas.sending(), now or clock_of_ours.now()).tenants)


def drain(tenant):
    while delivery.deliver(tenant).delivered:
        pass


def test_a_change_is_pushed_as_a_signed_token(acme, at_work, pushed, at_acme):
    bjensen = at_acme.post("/Users", BJENSEN).json

    assert delivery.deliver(acme) == delivery.Round(delivered=1)

    [request] = at_work.received
    assert request.path == "/events"
    assert request.headers["content-type"] == "application/secevent+jwt"
    assert request.headers["accept"] == "application/json"
    assert request.headers["host"] == at_work.url.split("/")[2]
    assert "authorization" not in request.headers
    [claims] = claims_of(acme, at_work)
    assert claims["sub_id"]["uri"] == f"/Users/{bjensen['id']}"
    assert list(claims["events"]) == [f"{PROV}create:notice"]
    assert [(row["status"], row["attempts"], row["error"]) for row in rows(acme)] == [
        ("delivered", 1, "")
    ]


def test_a_delivered_event_is_not_sent_again(acme, at_work, pushed, at_acme, bjensen):
    drain(acme)

    assert delivery.deliver(acme) == delivery.Round()
    assert with_work() == []
    assert len(at_work.received) == 1


def test_the_receivers_credential_is_sent_along_and_kept_sealed(clock, acme, at_work, at_acme):
    made = created(acme, DeliveryMethod.PUSH, endpoint=at_work.url, authorization="Bearer r3ceiver")
    at_acme.post("/Users", BJENSEN)
    drain(acme)

    assert [request.headers["authorization"] for request in at_work.received] == ["Bearer r3ceiver"]
    assert made.secret == ""
    with in_tenant(acme):
        kept = EventStream.objects.values().get()
    assert "r3ceiver" not in json.dumps(kept, default=str)
    assert "r3ceiver" not in repr(outbox.streams_to_send)


def test_a_webhook_is_plain_json_with_a_signature(clock, acme, at_work, at_acme):
    made = created(acme, DeliveryMethod.WEBHOOK, endpoint=at_work.url, event_uris=NOTICES)
    bjensen = at_acme.post("/Users", BJENSEN).json
    drain(acme)

    [request] = at_work.received
    body = verified_webhook(request, made.secret)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-timestamp"] == str(body["data"]["iat"])
    assert body == {
        "type": f"{PROV}create:notice",
        "timestamp": bjensen["meta"]["created"],
        "data": {
            "jti": request.headers["webhook-id"],
            "iat": body["data"]["iat"],
            "iss": acme.tenant_url,
            "aud": [at_work.url],
            "txn": body["data"]["txn"],
            "sub_id": {
                "format": "scim",
                "uri": f"/Users/{bjensen['id']}",
                "externalId": BJENSEN["externalId"],
            },
            "events": body["data"]["events"],
        },
    }


def test_the_changes_of_a_resource_arrive_in_order(acme, at_work, pushed, at_acme, bjensen):
    path = f"/Users/{bjensen['id']}"
    for title in ("Guide", "Senior Guide", "Chief Guide"):
        at_acme.patch(path, replace("title", title))
    at_acme.delete(path)

    drain(acme)

    told = [next(iter(claims["events"].items())) for claims in claims_of(acme, at_work)]
    assert [(uri.removeprefix(PROV), payload.get("version")) for uri, payload in told] == [
        ("create:notice", 'W/"1"'),
        ("patch:notice", 'W/"2"'),
        ("patch:notice", 'W/"3"'),
        ("patch:notice", 'W/"4"'),
        ("delete", None),
    ]


def test_one_round_sends_at_most_one_change_of_each_resource(
    acme, at_work, pushed, at_acme, bjensen, jsmith
):
    at_acme.patch(f"/Users/{bjensen['id']}", replace("title", "Guide"))

    assert delivery.deliver(acme) == delivery.Round(delivered=2)
    assert delivery.deliver(acme) == delivery.Round(delivered=1)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (
            (400, '{"err":"invalid_audience","description":"Not for me."}'),
            'The receiver answered 400. {"err":"invalid_audience","description":"Not for me."}',
        ),
        ((500, "mypscim_secret_x\n"), "The receiver answered 500. [redacted]"),
        ((302, ""), "The receiver answered 302. Redirects are not followed."),
    ],
)
def test_an_event_that_does_not_arrive_is_logged_and_sent_again_with_the_same_jti(
    answer, error, acme, at_work, pushed, at_acme, bjensen, clock
):
    at_work.answers = [answer]
    at_work.headers = {"Location": at_work.url}

    assert delivery.deliver(acme) == delivery.Round(failed=1)
    [row] = rows(acme)
    assert (row["status"], row["attempts"], row["error"]) == ("pending", 1, error)
    assert delivery.deliver(acme) == delivery.Round()

    clock.shift(3)
    assert delivery.deliver(acme) == delivery.Round(delivered=1)
    first, second = claims_of(acme, at_work)
    assert first == second
    [row] = rows(acme)
    assert (row["status"], row["attempts"], row["error"]) == ("delivered", 2, "")


def test_while_one_change_does_not_arrive_later_ones_of_the_resource_wait(
    acme, at_work, pushed, at_acme, bjensen, jsmith, clock
):
    at_acme.patch(f"/Users/{bjensen['id']}", replace("title", "Guide"))
    at_work.answers = [(202, ""), (202, "")]
    with in_tenant(acme):
        first = Delivery.objects.filter(resource_id=bjensen["id"]).earliest("version")
        first.retry_at += timedelta(hours=1)
        first.save(update_fields=["retry_at"])

    drain(acme)

    assert [claims["sub_id"]["uri"] for claims in claims_of(acme, at_work)] == [
        f"/Users/{jsmith['id']}"
    ]


@pytest.mark.parametrize(
    ("status", "delivered"), [(400, 1), (422, 1), (401, 0), (429, 0), (500, 0)]
)
def test_an_event_that_is_refused_holds_up_no_other_and_a_receiver_in_trouble_is_left_alone(
    status, delivered, acme, at_work, pushed, at_acme, bjensen
):
    at_work.answers = [(status, "")]
    delivery.deliver(acme)

    at_acme.post("/Users", JSMITH)

    assert delivery.deliver(acme) == delivery.Round(delivered=delivered)


def test_the_waits_double_with_jitter_up_to_an_hour():
    for failures, longest in ((1, 2), (2, 4), (3, 8), (11, 2048), (12, 3600), (500, 3600)):
        waits = {delivery.wait(failures).total_seconds() for _ in range(50)}

        assert longest / 2 <= min(waits) < max(waits) <= longest


def test_a_receiver_that_is_away_is_asked_once_a_round_and_gets_everything_later(
    clock, acme, at_acme, bjensen
):
    port = receiver_port()
    created(acme, DeliveryMethod.PUSH, endpoint=f"http://127.0.0.1:{port}/events")
    for number in range(3):
        at_acme.post("/Users", {**JSMITH, "userName": f"u{number}@acme.example"})

    assert delivery.deliver(acme) == delivery.Round(failed=3)
    at_acme.post("/Users", {**JSMITH, "userName": "u3@acme.example"})
    assert delivery.deliver(acme) == delivery.Round()  # the stream waits, whatever is new
    clock.shift(3)
    assert delivery.deliver(acme) == delivery.Round(failed=1)
    tried = {row["error"] for row in rows(acme) if row["attempts"]}
    assert tried == {"The connection failed: Connection refused."}

    clock.shift(60)
    with receiver.running(port) as back:
        drain(acme)
        assert len(back.received) == 4


def receiver_port():
    with receiver.running() as started:
        return int(started.url.split(":")[2].split("/")[0])


def test_a_stream_that_fails_for_too_long_is_stopped_and_says_why(
    clock, acme, at_work, pushed, at_acme, bjensen, caplog
):
    at_work.answers = [(503, "Closed for renovation.")] * 3
    delivery.deliver(acme)
    clock.shift(71 * 3600)
    delivery.deliver(acme)
    assert state(acme, pushed) == ("active", "")

    clock.shift(3601)
    delivery.deliver(acme)

    jti = rows(acme)[0]["id"]
    assert state(acme, pushed) == (
        "failing",
        (
            f"Event {jti} could not be delivered since 2026-11-25 10:00 UTC:"
            " The receiver answered 503. Closed for renovation."
        ),
    )
    assert "An event stream is failing and was stopped." in caplog.text
    clock.shift(3600)
    assert delivery.deliver(acme) == delivery.Round()


def test_a_stream_that_is_resumed_sends_at_once_what_has_waited(
    clock, acme, at_work, pushed, at_acme, bjensen
):
    with in_tenant(acme):
        outbox.give_up(pushed.pk, "Closed for renovation.")
    at_acme.patch(f"/Users/{bjensen['id']}", replace("title", "Guide"))
    assert delivery.deliver(acme) == delivery.Round()

    streams.resume_stream(COMMAND, acme, pushed.pk)
    drain(acme)

    assert state(acme, pushed) == ("active", "")
    assert len(at_work.received) == 2


def test_a_paused_stream_queues_and_a_deleted_one_does_not(acme, at_work, pushed, at_acme, bjensen):
    streams.pause_stream(COMMAND, acme, pushed.pk)
    at_acme.patch(f"/Users/{bjensen['id']}", replace("title", "Guide"))
    assert delivery.deliver(acme) == delivery.Round()
    assert len(rows(acme)) == 2

    streams.delete_stream(COMMAND, acme, pushed.pk)
    at_acme.patch(f"/Users/{bjensen['id']}", replace("title", "Chief"))
    assert delivery.deliver(acme) == delivery.Round()

    assert delivery.purge() == 2
    assert rows(acme) == []
    assert at_work.received == []


def test_the_log_is_kept_for_a_month(clock, acme, at_work, pushed, at_acme, bjensen):
    drain(acme)
    clock.shift(30 * 86400)
    assert delivery.purge() == 0

    clock.shift(1)

    assert delivery.purge() == 1
    assert rows(acme) == []


def test_no_tenants_receiver_gets_what_happens_at_another(
    acme, globex, at_work, pushed, at_acme, at_globex, bjensen
):
    with receiver.running() as elsewhere:
        created(globex, DeliveryMethod.PUSH, endpoint=elsewhere.url)
        at_globex.post("/Users", JSMITH)

        assert set(with_work()) == {acme, globex}
        drain(acme)
        drain(globex)

        assert {claims["iss"] for claims in claims_of(acme, at_work)} == {acme.tenant_url}
        assert {claims["iss"] for claims in claims_of(globex, elsewhere)} == {globex.tenant_url}


def test_a_suspended_tenants_events_wait(acme, at_work, pushed, at_acme, bjensen):
    lifecycle.suspend(acme)
    assert with_work() == []

    lifecycle.resume(acme)
    assert with_work() == [acme]


def test_with_another_secret_key_nothing_is_sent_and_the_log_says_why(
    acme, at_work, pushed, at_acme, bjensen, settings
):
    settings.SECRET_KEY = "another one, which opens nothing"

    assert delivery.deliver(acme) == delivery.Round(failed=1)
    [row] = rows(acme)
    assert row["error"] == (
        "A stored secret cannot be read: SECRET_KEY has changed since it was stored, and the former"
        " key is not among SECRET_KEY_FALLBACKS."
    )
    assert at_work.received == []


def test_with_the_former_secret_key_beside_events_are_sent_and_after_resealing_without_it(
    clock, acme, globex, at_work, at_acme, at_globex, settings
):
    for tenant, client in ((acme, at_acme), (globex, at_globex)):
        created(
            tenant, DeliveryMethod.PUSH, endpoint=at_work.url, authorization=f"Bearer of {tenant}"
        )
        client.post("/Users", BJENSEN)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one, which opens nothing"

    drain(acme)
    out, _ = run("secrets", "reseal")
    settings.SECRET_KEY_FALLBACKS = []
    drain(globex)

    assert out == "acme: secrets resealed: 2\nglobex: secrets resealed: 2\n"
    sent = [request.headers["authorization"] for request in at_work.received]
    assert sent == [f"Bearer of {acme}", f"Bearer of {globex}"]
    published = {"keys": keys(acme)["keys"] + keys(globex)["keys"]}
    issuers = [verified(body, published)["iss"] for body in at_work.bodies]
    assert issuers == [acme.tenant_url, globex.tenant_url]


@override_settings(DEVELOPMENT=False)
def test_in_production_nothing_is_sent_to_this_machine(acme, at_work, pushed, at_acme, bjensen):
    assert delivery.deliver(acme) == delivery.Round(failed=1)
    assert [row["error"] for row in rows(acme)] == [
        "The URL must start with https:// and a host name."
    ]
    assert at_work.received == []


def test_a_key_that_is_rotated_signs_what_is_sent_afterwards(
    acme, at_work, pushed, at_acme, bjensen, clock
):
    drain(acme)
    former = keys(acme)["keys"]
    clock.shift(1)

    rotated = streams.rotate_key(COMMAND, acme)
    at_acme.delete(f"/Users/{bjensen['id']}")
    drain(acme)

    assert len(claims_of(acme, at_work)) == 2
    assert [key["kid"] for key in keys(acme)["keys"]] == [rotated.kid, former[0]["kid"]]
    clock.shift(90 * 86400 + 1)
    assert [key["kid"] for key in keys(acme)["keys"]] == [rotated.kid]
