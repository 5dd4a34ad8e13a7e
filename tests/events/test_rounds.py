"""A round in flight, and what people and other workers do meanwhile; how long a receiver is left alone.

The three steps of a round are called one by one: take, send, settle.
"""

from datetime import timedelta

import pytest

from accounts.actions import ActionRefused
from accounts.models import AuditEntry
from scim.events import delivery, streams
from scim.events.models import Delivery, DeliveryMethod, EventStream
from tenants.clock import now
from tenants.current import in_tenant
from tests.events.streams import NOTICES, created
from tests.support import receiver
from tests.support.payloads import JSMITH, replace
from tests.support.people import COMMAND


@pytest.fixture
def at_work():
    """A receiver that takes what it gets."""
    with receiver.running() as started:
        yield started


@pytest.fixture
def pushed(clock, acme, at_work):
    """A push stream of acme to the receiver."""
    return created(acme, DeliveryMethod.PUSH, endpoint=at_work.url, event_uris=NOTICES).stream


@pytest.fixture
def refused(acme, at_work, pushed, at_acme, bjensen):
    """A round that the receiver has refused, which is not yet written down."""
    at_work.answers = [(503, "Closed for renovation.")]
    taken = delivery.take(acme, pushed.pk)
    return taken, delivery.send(taken)


def stream(tenant):
    with in_tenant(tenant):
        return EventStream.objects.get()


def row(tenant):
    with in_tenant(tenant):
        return Delivery.objects.earliest("version")


def test_a_round_is_held_by_its_worker_until_it_is_written_down(
    acme, at_work, pushed, at_acme, bjensen
):
    taken = delivery.take(acme, pushed.pk)

    assert delivery.take(acme, pushed.pk) is None
    assert delivery.due_streams(acme) == []
    assert delivery.settle(taken, delivery.send(taken)) == delivery.Round(delivered=1)
    assert (row(acme).status, row(acme).held_until) == ("delivered", None)


def test_deliveries_of_a_killed_worker_are_sent_by_another_when_their_time_is_over(
    acme, at_work, pushed, at_acme, bjensen, clock
):
    at_acme.patch(f"/Users/{bjensen['id']}", replace("title", "Guide"))
    delivery.take(acme, pushed.pk)  # and it dies
    assert delivery.deliver(acme) == delivery.Round()

    clock.shift(16)

    assert delivery.deliver(acme) == delivery.Round(delivered=1)
    assert delivery.deliver(acme) == delivery.Round(delivered=1)
    assert len(at_work.received) == 2


def test_an_event_that_arrived_is_delivered_though_another_worker_has_taken_it_over(
    acme, at_work, pushed, at_acme, bjensen, clock
):
    slow = delivery.take(acme, pushed.pk)
    clock.shift(16)
    quick = delivery.take(acme, pushed.pk)

    assert delivery.settle(slow, delivery.send(slow)) == delivery.Round(delivered=1)
    delivery.settle(quick, {quick.queued[0].id: delivery.Failure("No answer.")})

    assert (row(acme).status, row(acme).error, row(acme).attempts) == ("delivered", "", 1)


def test_a_failure_of_who_holds_it_no_longer_changes_nothing(
    acme, at_work, pushed, at_acme, bjensen, clock
):
    slow = delivery.take(acme, pushed.pk)
    clock.shift(16)
    quick = delivery.take(acme, pushed.pk)

    delivery.settle(slow, {slow.queued[0].id: delivery.Failure("No answer.")})

    assert (row(acme).attempts, row(acme).held_until) == (0, quick.held_until)


def test_a_resume_is_not_overwritten_by_a_round_that_was_in_flight(acme, pushed, refused, clock):
    taken, failures = refused
    streams.resume_stream(COMMAND, acme, pushed.pk)

    assert delivery.settle(taken, failures) == delivery.Round(failed=1)

    assert (stream(acme).state, stream(acme).failures) == ("active", 0)
    assert delivery.deliver(acme) == delivery.Round(delivered=1)


def test_a_round_in_flight_does_not_stop_a_stream_that_was_resumed_meanwhile(
    acme, at_work, pushed, at_acme, bjensen, clock
):
    at_work.answers = [(503, "")] * 2
    delivery.deliver(acme)
    clock.shift(73 * 3600)
    taken = delivery.take(acme, pushed.pk)
    failures = delivery.send(taken)
    streams.resume_stream(COMMAND, acme, pushed.pk)

    delivery.settle(taken, failures)

    assert (stream(acme).state, stream(acme).reason) == ("active", "")
    assert delivery.deliver(acme) == delivery.Round(delivered=1)


@pytest.mark.parametrize("act", [streams.pause_stream, streams.delete_stream])
def test_a_round_in_flight_leaves_a_paused_or_deleted_stream_as_it_is(act, acme, pushed, refused):
    taken, failures = refused
    act(COMMAND, acme, pushed.pk)
    before = stream(acme)

    delivery.settle(taken, failures)

    after = stream(acme)
    assert (after.state, after.failures, after.retry_at) == (before.state, 0, before.retry_at)
    assert delivery.deliver(acme) == delivery.Round()


def test_a_key_that_is_rotated_during_a_round_still_verifies_it(
    acme, at_work, pushed, at_acme, bjensen
):
    taken = delivery.take(acme, pushed.pk)
    streams.rotate_key(COMMAND, acme)

    assert delivery.settle(taken, delivery.send(taken)) == delivery.Round(delivered=1)

    keys = at_acme.get("/jwks.json").json
    assert receiver.verified(at_work.bodies[0], keys)["iss"] == acme.tenant_url


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("120", 120),
        (" 7200 ", 7200),
        ("Wed, 25 Nov 2026 10:30:00 GMT", 1800),
        ("Wednesday, 25-Nov-26 10:30:00 GMT", 1800),
        ("0", 2),
        ("Wed, 25 Nov 2026 09:00:00 GMT", 2),
        ("99999999999999999999999", 72 * 3600),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 72 * 3600),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_says_when_to_come_again_is_left_alone_until_then(
    status, retry_after, seconds, acme, at_work, pushed, at_acme, bjensen, clock
):
    at_work.answers = [(status, "")]
    at_work.headers = {"Retry-After": retry_after}
    begun = now()

    delivery.deliver(acme)

    assert (row(acme).retry_at, stream(acme).retry_at) == (begun + timedelta(seconds=seconds),) * 2
    at_acme.post("/Users", JSMITH)
    clock.shift(seconds - 1)
    assert delivery.deliver(acme) == delivery.Round()
    clock.shift(1)
    assert delivery.deliver(acme).delivered == 1


@pytest.mark.parametrize("retry_after", ["", "soon", "-1", "1.5", "\u00b2", "Wed, 99 Foo 2026"])
def test_a_retry_after_that_says_nothing_is_passed_over(
    retry_after, acme, at_work, pushed, at_acme, bjensen, clock
):
    at_work.answers = [(503, "")]
    at_work.headers = {"Retry-After": retry_after}
    begun = now()

    delivery.deliver(acme)

    assert begun < stream(acme).retry_at <= begun + timedelta(seconds=2)


def test_a_receiver_that_took_some_and_asks_for_a_pause_gets_it(
    acme, at_work, pushed, at_acme, bjensen, jsmith, clock
):
    at_work.answers = [(202, ""), (429, "")]
    at_work.headers = {"Retry-After": "60"}

    assert delivery.deliver(acme) == delivery.Round(delivered=1, failed=1)
    at_acme.patch(f"/Users/{bjensen['id']}", replace("title", "Guide"))
    at_acme.patch(f"/Users/{jsmith['id']}", replace("title", "Guide"))

    clock.shift(59)
    assert delivery.deliver(acme) == delivery.Round()
    clock.shift(1)
    assert delivery.deliver(acme) == delivery.Round(delivered=2)


def test_a_receiver_that_always_asks_for_a_pause_is_given_up_in_time(
    acme, at_work, pushed, at_acme, bjensen, clock
):
    at_work.answers = [(503, "")] * 3
    at_work.headers = {"Retry-After": "999999999"}
    delivery.deliver(acme)

    clock.shift(72 * 3600)
    assert delivery.deliver(acme) == delivery.Round(failed=1)

    assert stream(acme).state == "failing"


@pytest.fixture
def stuck(acme, at_work, pushed, at_acme, bjensen):
    """An event that its receiver refuses, and one of the same user behind it."""
    at_acme.patch(f"/Users/{bjensen['id']}", replace("title", "Guide"))
    at_work.answers = [(400, "No.")]
    delivery.deliver(acme)
    return row(acme)


def test_a_skipped_event_is_never_sent_and_what_waited_behind_it_is(acme, at_work, stuck, clock):
    streams.skip_event(COMMAND, acme, str(stuck.pk))

    assert delivery.deliver(acme) == delivery.Round(delivered=1)
    assert delivery.deliver(acme) == delivery.Round()
    assert len(at_work.received) == 2
    kept = row(acme)
    assert (kept.status, kept.done_at) == ("skipped", now())
    assert kept.error == f"Skipped by {COMMAND.name}. The receiver answered 400. No."


def test_skipping_is_in_the_audit_log_with_what_the_receiver_misses(acme, stuck, bjensen, pushed):
    streams.skip_event(COMMAND, acme, stuck.pk)

    with in_tenant(acme):
        entry = AuditEntry.objects.latest("id")
    assert (entry.act, entry.subject, entry.details) == (
        "event skipped",
        str(stuck.pk),
        {
            "stream": str(pushed),
            "resource": f"/Users/{bjensen['id']}",
            "version": 1,
            "events": ["create"],
            "attempts": 1,
        },
    )


def test_only_what_was_tried_and_waits_can_be_skipped(acme, globex, stuck, clock):
    with in_tenant(acme):
        behind = Delivery.objects.latest("version")
    refusals = {
        behind.pk: "has not been tried yet",
        "nobody": "has no event 'nobody'",
        str(behind.event_id): "has no event",
    }
    for jti, sentence in refusals.items():
        with pytest.raises(ActionRefused, match=sentence):
            streams.skip_event(COMMAND, acme, jti)
    with pytest.raises(ActionRefused, match="has no event"):
        streams.skip_event(COMMAND, globex, stuck.pk)
    streams.skip_event(COMMAND, acme, stuck.pk)
    with pytest.raises(ActionRefused, match="no longer waits"):
        streams.skip_event(COMMAND, acme, stuck.pk)


def test_an_event_that_is_being_sent_is_not_skipped(acme, pushed, stuck, clock):
    clock.shift(3)
    taken = delivery.take(acme, pushed.pk)

    with pytest.raises(ActionRefused, match="is being sent right now"):
        streams.skip_event(COMMAND, acme, stuck.pk)

    assert delivery.settle(taken, delivery.send(taken)) == delivery.Round(delivered=1)
    with pytest.raises(ActionRefused, match="no longer waits"):
        streams.skip_event(COMMAND, acme, stuck.pk)


def test_an_event_of_a_deleted_stream_is_not_skipped(acme, pushed, stuck):
    streams.delete_stream(COMMAND, acme, pushed.pk)

    with pytest.raises(ActionRefused, match="no longer waits"):
        streams.skip_event(COMMAND, acme, stuck.pk)
