"""The commands for event streams: what they print where, and how they refuse."""

import io
import json

import pytest
from django.core.management import CommandError

from accounts.actions import Actor, NotPermitted
from accounts.models import Account, AuditEntry
from accounts.permissions import Role
from scim.events import polling
from scim.events import streams as acts
from scim.events.models import Delivery, DeliveryMethod, EventStream
from scim.events.streams import StreamRequest
from scim.protocol.definitions import USER
from scim.provider import resources
from scim.provider.requester import Origin, Requester
from tenants.current import in_tenant
from tests.events.streams import FULLS, NOTICES, created
from tests.support import receiver
from tests.support.commands import assert_former_names, run
from tests.support.payloads import user
from tests.support.receiver import verified_webhook


def streams(tenant):
    with in_tenant(tenant):
        return list(EventStream.objects.all())


def provision(tenant, name):
    requester = Requester(tenant.tenant_url, "r-1", Origin("POST", "/scim/Users"))
    with in_tenant(tenant):
        resources.create(USER, user(name), requester)


def test_a_poll_stream_prints_its_secret_alone_on_standard_output(acme):
    out, err = run("stream", "create", "acme", "--label", "HR replica", "--method", "poll")

    [secret] = out.splitlines()
    [stream] = streams(acme)
    with in_tenant(acme):
        assert polling.find_stream(acme, secret) is not None
    assert err.splitlines() == [
        f"Event stream: {stream.id}, audience {acme.tenant_url}/events/{stream.id}",
        f"Issuer: {acme.tenant_url}, keys at {acme.tenant_url}/jwks.json",
        f"Poll: POST {acme.tenant_url}/events/poll with the secret as bearer token",
        "The secret is shown this once:",
    ]
    assert tuple(stream.event_uris) == NOTICES


def test_the_events_are_chosen_by_their_short_names(acme):
    names = [uri.removeprefix("urn:ietf:params:scim:event:prov:") for uri in FULLS]

    run("stream", "create", "acme", "--label", "x", "--method", "poll", "--events", *names)

    assert tuple(streams(acme)[0].event_uris) == FULLS


def test_a_header_for_the_receiver_is_read_from_standard_input(acme, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("Bearer r3ceiver\n"))
    where = ("--method", "push", "--endpoint", "https://hr.example/events")

    out, _ = run("stream", "create", "acme", "--label", "x", *where, "--authorization")

    assert out == ""
    [stream] = streams(acme)
    assert stream.secret
    assert "r3ceiver" not in stream.secret


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--method", "push", "--endpoint", "ftp://x"],
            "The URL must start with https:// and a host name.",
        ),
        (["--method", "push"], "The URL must start with https:// and a host name."),
        (
            ["--method", "poll", "--endpoint", "https://x"],
            "A stream that is polled has no endpoint.",
        ),
        (
            ["--method", "poll", "--events", "create:full", "create:notice"],
            "Choose notice or full of create: an event is one of the two.",
        ),
        (
            ["--method", "poll", "--audience", "a\nb"],
            "The audience must be one line of 1 to 500 characters.",
        ),
    ],
)
def test_an_impossible_stream_is_refused_in_a_sentence_and_not_made(arguments, sentence, acme):
    with pytest.raises(CommandError, match=sentence.replace("(", r"\(")):
        run("stream", "create", "acme", "--label", "x", *arguments)

    assert streams(acme) == []


def test_a_tenant_has_at_most_ten_streams(acme, globex):
    for _ in range(10):
        created(acme, DeliveryMethod.POLL)

    with pytest.raises(CommandError, match="at most 10"):
        run("stream", "create", "acme", "--label", "x", "--method", "poll")

    run("stream", "create", "globex", "--label", "x", "--method", "poll")


def test_the_list_shows_streams_and_what_waits(acme, globex):
    stream = created(acme, DeliveryMethod.PUSH, endpoint="https://hr.example/events").stream
    created(globex, DeliveryMethod.POLL, label="elsewhere")
    provision(acme, "a")

    out, _ = run("stream", "list", "acme")

    assert [line.split() for line in out.splitlines()] == [
        ["ID", "LABEL", "METHOD", "STATE", "PENDING", "ENDPOINT", "REASON"],
        [str(stream.id), "HR", "replica", "push", "active", "1", "https://hr.example/events"],
    ]


def test_a_stream_is_named_by_the_beginning_of_its_id(acme):
    stream = created(acme, DeliveryMethod.POLL).stream
    name = str(stream.id)[:8]

    said = [
        run("stream", "pause", "acme", name)[1],
        run("stream", "resume", "acme", name)[1],
        run("stream", "delete", "acme", name)[1],
    ]

    shown = f"The event stream HR replica ({name}) of Acme Ltd"
    assert said == [f"{shown} is {done}.\n" for done in ("paused", "resumed", "deleted")]
    with in_tenant(acme):
        audited = list(AuditEntry.objects.order_by("id").values_list("act", flat=True))[-3:]
    assert audited == ["event stream paused", "event stream resumed", "event stream deleted"]


@pytest.mark.parametrize("name", ["", "nobody", "%"])
def test_a_name_that_is_none_or_another_tenants_is_refused(name, acme, globex):
    created(acme, DeliveryMethod.POLL)
    elsewhere = created(globex, DeliveryMethod.POLL).stream

    for wrong in (name, str(elsewhere.id)):
        with pytest.raises(CommandError, match="Acme Ltd has no event stream"):
            run("stream", "delete", "acme", wrong)

    assert streams(globex)[0].deleted_at is None


def test_a_key_is_rotated(acme):
    created(acme, DeliveryMethod.POLL)

    _, err = run("stream", "rotate-key", "acme")

    assert err.startswith("The events of Acme Ltd are signed with ")
    with in_tenant(acme):
        assert AuditEntry.objects.latest("id").act == "event signing key rotated"


def test_the_worker_delivers_what_is_due_in_all_tenants_and_ends(acme, globex):
    with receiver.running() as started:
        made = created(globex, DeliveryMethod.WEBHOOK, endpoint=started.url)
        created(acme, DeliveryMethod.PUSH, endpoint=started.url)
        for name in "abc":
            provision(acme, name)
        provision(globex, "g")

        assert run("deliver_events", "--once") == ("", "")

    hooks = [each for each in started.received if "webhook-id" in each.headers]
    assert [verified_webhook(each, made.secret)["data"]["iss"] for each in hooks] == [
        globex.tenant_url
    ]
    assert len(started.received) == 4
    with in_tenant(acme):
        assert set(Delivery.objects.values_list("status", flat=True)) == {"delivered"}


def test_one_tenants_trouble_does_not_keep_others_from_their_events(acme, globex, caplog):
    """A row that cannot be read, as a program of another version may have left it."""
    with receiver.running() as started:
        for tenant in (acme, globex):
            created(tenant, DeliveryMethod.PUSH, endpoint=started.url)
            provision(tenant, "a")
        with in_tenant(acme):
            delivery = Delivery.objects.select_related("event").get()
            delivery.event.kinds = ["unheard of"]
            delivery.event.save(update_fields=["kinds"])

        run("deliver_events", "--once")

    assert len(started.received) == 1
    [line] = [each for each in caplog.records if each.levelname == "ERROR"]
    assert (line.message, line.tenant) == (
        "The events of a tenant could not be delivered.",
        "acme",
    )


@pytest.fixture
def stuck(acme):
    """An event that its receiver has refused."""
    with receiver.running() as started:
        created(acme, DeliveryMethod.PUSH, endpoint=started.url)
        provision(acme, "a")
        started.answers = [(400, "No.")]
        run("deliver_events", "--once")
    with in_tenant(acme):
        return Delivery.objects.select_related("stream", "event").get()


def test_an_event_is_skipped_by_its_jti_when_it_is_said_twice(acme, stuck):
    what = f"create of {stuck.event.uri} for {stuck.stream}"
    with pytest.raises(CommandError, match="Repeat the command with --yes") as asked:
        run("stream", "skip", "acme", str(stuck.pk))
    with in_tenant(acme):
        assert Delivery.objects.get().status == "pending"

    assert run("stream", "skip", "acme", str(stuck.pk), "--yes") == ("", f"Skipped: {what}.\n")

    assert what in str(asked.value)
    with in_tenant(acme):
        assert Delivery.objects.get().status == "skipped"
    with pytest.raises(CommandError, match="no longer waits"):
        run("stream", "skip", "acme", str(stuck.pk), "--yes")
    with pytest.raises(CommandError, match="Acme Ltd has no event 'nobody'"):
        run("stream", "skip", "acme", "nobody", "--yes")


def test_nothing_secret_is_in_the_audit_log(acme):
    push = created(
        acme,
        DeliveryMethod.PUSH,
        endpoint="https://hr.example/",
        authorization="Bearer r3ceiver",
    )
    poll = created(acme, DeliveryMethod.POLL)

    with in_tenant(acme):
        entries = json.dumps(list(AuditEntry.objects.values("details", "subject")))
    for secret in ("r3ceiver", poll.secret, "eyJ"):
        assert secret not in entries
    assert push.stream.label in entries
    assert "secret=" not in repr(poll)


def test_an_actor_without_permission_is_refused(acme, operator):
    support = Actor.account(Account(role=Role.SUPPORT), operator, None)
    request = StreamRequest("x", DeliveryMethod.POLL)

    for act in (
        lambda: acts.create_stream(support, acme, request),
        lambda: acts.delete_stream(support, acme, "x"),
        lambda: acts.rotate_key(support, acme),
        lambda: acts.skip_event(support, acme, "x"),
    ):
        with pytest.raises(NotPermitted):
            act()


def test_every_verb_answers_to_the_name_that_it_had_before():
    assert_former_names(
        {
            "create_event_stream": "stream create",
            "list_event_streams": "stream list",
            "pause_event_stream": "stream pause",
            "resume_event_stream": "stream resume",
            "delete_event_stream": "stream delete",
            "skip_event": "stream skip",
            "rotate_event_key": "stream rotate-key",
        }
    )
