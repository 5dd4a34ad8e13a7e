"""Polling for events (RFC 8936): handing out, acknowledging, refusing."""

import json

import pytest
from django.test import Client

from scim.events import polling, streams
from scim.events.models import Delivery, DeliveryMethod
from tenants.current import in_tenant
from tests.events.streams import NOTICES, PROV, Poller, created
from tests.support.payloads import replace, user
from tests.support.people import COMMAND

NOTHING = {"sets": {}, "moreAvailable": False}


@pytest.fixture
def receiver(clock, acme):
    """A receiver that polls a stream of acme."""
    return Poller(acme, event_uris=NOTICES)


@pytest.fixture
def present(receiver, at_acme, bjensen):
    """bjensen's path; the event of the creation waits."""
    return f"/Users/{bjensen['id']}"


def log(tenant):
    with in_tenant(tenant):
        deliveries = Delivery.objects.order_by("event_id")
        return list(deliveries.values_list("status", "attempts", "error"))


def test_an_answer_holds_the_tokens_by_jti(receiver, present):
    answer = receiver.poll({"returnImmediately": True})

    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json.keys() == {"sets", "moreAvailable"}
    assert answer.json["moreAvailable"] is False
    assert len(answer.json["sets"]) == 1


def test_with_nothing_to_tell_the_answer_comes_at_once_and_is_empty(receiver):
    assert receiver.poll({"returnImmediately": False}).json == NOTHING


def test_an_acknowledged_event_is_not_handed_out_again(receiver, acme, present, clock):
    [claims] = receiver.events()
    assert log(acme) == [("pending", 1, "")]

    assert receiver.events(ack=[claims["jti"]]) == []

    assert log(acme) == [("delivered", 1, "")]
    clock.shift(3600)
    assert receiver.events() == []


def test_an_event_without_acknowledgment_is_handed_out_again_with_the_same_claims(
    receiver, acme, present, clock
):
    first = receiver.events()
    assert receiver.events() == []

    clock.shift(31)

    assert receiver.events() == first
    assert log(acme) == [("pending", 2, "")]


def test_an_error_is_logged_and_the_token_not_handed_out_again(receiver, acme, present, clock):
    [claims] = receiver.events()
    error = {"err": "invalid_audience", "description": "Not for\nme."}

    assert receiver.events(setErrs={claims["jti"]: error}) == []

    said = "The receiver refused it: invalid_audience: Not forme."
    assert log(acme) == [("refused", 1, said)]
    clock.shift(3600)
    assert receiver.events() == []


def test_a_resource_has_its_next_event_handed_out_once_the_one_before_is_acknowledged(
    receiver, at_acme, present
):
    at_acme.patch(present, replace("title", "Guide"))
    at_acme.delete(present)

    told = []
    while page := receiver.events(ack=[claims["jti"] for claims in told[-1:]]):
        assert len(page) == 1
        told += page

    assert [next(iter(claims["events"])).removeprefix(PROV) for claims in told] == [
        "create:notice",
        "patch:notice",
        "delete",
    ]


def test_a_refused_event_does_not_hold_up_the_next_one(receiver, at_acme, present):
    at_acme.delete(present)
    [claims] = receiver.events()

    [following] = receiver.events(setErrs={claims["jti"]: {"err": "invalid_request"}})

    assert list(following["events"]) == [f"{PROV}delete"]


def test_max_events_bounds_the_answer_and_more_available_says_that_there_are_more(
    receiver, at_acme
):
    for name in "abc":
        at_acme.post("/Users", user(name))

    first = receiver.poll({"maxEvents": 2}).json
    second = receiver.poll({"maxEvents": 2, "ack": list(first["sets"])}).json

    assert (len(first["sets"]), first["moreAvailable"]) == (2, True)
    assert (len(second["sets"]), second["moreAvailable"]) == (1, False)


def test_with_max_events_zero_a_request_only_acknowledges(receiver, acme, present):
    [claims] = receiver.events()

    assert receiver.poll({"maxEvents": 0, "ack": [claims["jti"]]}).json == NOTHING
    assert log(acme) == [("delivered", 1, "")]


def test_only_what_was_handed_out_can_be_acknowledged(receiver, acme, present):
    with in_tenant(acme):
        jti = str(Delivery.objects.get().pk)

    receiver.poll({"maxEvents": 0, "ack": [jti], "setErrs": {jti: {}}})

    assert log(acme) == [("pending", 0, "")]


def test_another_streams_and_unknown_tokens_are_not_acknowledged(receiver, acme, present):
    other = Poller(acme)
    [claims] = receiver.events()

    other.poll({"ack": [claims["jti"], "nobody's", "019ab8c4-0000-4000-8000-000000000001"]})
    other.poll({"setErrs": {claims["jti"]: {"err": "invalid_key"}}})

    assert log(acme) == [("pending", 1, "")]


def test_a_paused_stream_hands_out_nothing_and_takes_acknowledgments(
    receiver, acme, at_acme, present
):
    [claims] = receiver.events()
    at_acme.post("/Users", user("a"))
    streams.pause_stream(COMMAND, acme, receiver.stream.pk)

    assert receiver.poll({"ack": [claims["jti"]]}).json == NOTHING

    streams.resume_stream(COMMAND, acme, receiver.stream.pk)
    assert [each["sub_id"]["externalId"] for each in receiver.events()] == ["external-a"]


def test_two_polls_of_one_stream_share_what_there_is(receiver, at_acme):
    for name in "ab":
        at_acme.post("/Users", user(name))

    one, other = receiver.events(maxEvents=1), receiver.events(maxEvents=1)

    assert {each["sub_id"]["externalId"] for each in (*one, *other)} == {"external-a", "external-b"}


@pytest.mark.parametrize(
    ("body", "description"),
    [
        ("{", "The body is not JSON: line 1, column 2."),
        ("", "The request has no body; it must be a JSON object."),
        ("[" * 50_000, "The body nests more than 32 levels."),
        ('{"maxEvents": NaN}', "The body has a number that is not finite."),
        (
            '{"ack": [], "Ack": []}',
            "The body names one member twice, as ack and Ack: letter case does not count.",
        ),
        (
            '{"setErrs": {"\\ud800": {}}}',
            "The body has a NUL character or half of a surrogate pair in a string.",
        ),
        ("[]", "The body must be a JSON object."),
        ('{"maxEvents": "1"}', "maxEvents must be an integer of at least 0."),
        ('{"maxEvents": true}', "maxEvents must be an integer of at least 0."),
        ('{"maxEvents": -1}', "maxEvents must be an integer of at least 0."),
        ('{"ack": "x"}', "ack must be an array of jti and setErrs an object by jti."),
        ('{"setErrs": []}', "ack must be an array of jti and setErrs an object by jti."),
        (
            json.dumps({"ack": ["x"] * 1001}),
            "A request acknowledges at most 1000 tokens.",
        ),
    ],
)
def test_a_request_that_is_none_is_refused_and_changes_nothing(
    body, description, receiver, acme, present, events
):
    answer = receiver.poll(body)

    assert answer.status == 400
    assert answer.json == {"err": "invalid_request", "description": description}
    assert log(acme) == [("pending", 0, "")]
    [refusal] = [each for each in events(acme) if each.operation == "poll events"]
    assert (refusal.status, refusal.detail) == (400, description)


def test_odd_jti_are_passed_over(receiver, present):
    odd = [None, 7, {}, [], "x"]

    assert len(receiver.poll({"ack": odd, "setErrs": {"x": None}}).json["sets"]) == 1


def test_a_body_over_the_limit_is_refused(receiver):
    answer = receiver.poll(" " * 131_073)

    assert (answer.status, answer.json["description"]) == (
        413,
        "The body is larger than 131072 bytes.",
    )


def test_a_token_of_another_tenant_opens_nothing(receiver, globex, acme, present):
    elsewhere = Poller(globex)

    answers = [
        receiver.poll({}, secret=elsewhere.secret),
        elsewhere.poll({}, secret=receiver.secret),
        receiver.poll({}, tenant=globex),
    ]

    description = "The secret is that of no event stream of this tenant."
    for answer in answers:
        assert answer.status == 401
        assert answer.json == {"err": "authentication_failed", "description": description}
    assert log(acme) == [("pending", 0, "")]


def test_no_other_credential_opens_the_poll_endpoint_and_the_secret_opens_nothing_else(
    receiver, at_acme, acme
):
    assert receiver.poll({}, secret=at_acme.token).status == 401
    assert receiver.poll({}, secret=receiver.secret[:-1]).status == 401
    at_acme.http.defaults["HTTP_AUTHORIZATION"] = f"Bearer {receiver.secret}"
    assert at_acme.get("/Users").status == 401


def test_without_a_credential_the_answer_says_how_to_send_one(acme, events):
    answer = Client(headers={"Host": acme.host}).post("/scim/events/poll")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="myPolicies SCIM"'
    assert answer.json() == {
        "err": "authentication_failed",
        "description": "Send the stream's secret as a bearer token.",
    }
    assert [(each.operation, each.status) for each in events(acme)] == [("poll events", 401)]


def test_a_deleted_streams_secret_is_refused(receiver, acme):
    streams.delete_stream(COMMAND, acme, receiver.stream.pk)

    assert receiver.poll({}).status == 401


def test_the_secret_of_a_push_stream_is_no_way_in(clock, acme):
    """A stream without a poll secret has no digest; nothing may match its absence."""
    created(acme, DeliveryMethod.PUSH, endpoint="http://127.0.0.1:9/")

    with in_tenant(acme):
        assert polling.find_stream(acme, "") is None


def test_with_another_secret_key_the_answer_is_503_and_nothing_is_lost(
    receiver, acme, present, settings
):
    settings.SECRET_KEY = "another one, which opens nothing"

    answer = receiver.poll({})

    assert answer.status == 503
    assert answer.json["err"] == "server_error"
    assert log(acme) == [("pending", 0, "")]


def test_the_provisioning_log_tells_who_polled_once_a_minute(receiver, acme, present, events):
    receiver.poll({})
    receiver.poll({})

    [polled] = [each for each in events(acme) if each.operation == "poll events"]
    assert (polled.status, polled.token_id) == (200, receiver.stream.pk)
    assert polled.token_label == f"HR replica ({receiver.stream.pk.hex[:8]})"
    assert polled.sent is None


@pytest.mark.parametrize("path", ["/scim/events/poll", "/scim/v2/Events/Poll/"])
def test_other_methods_are_refused_in_json(path, receiver, acme):
    answer = Client(headers={"Host": acme.host}).get(path)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.json() == {"err": "invalid_request", "description": "Use POST."}


def test_the_keys_are_open_to_all_and_hold_nothing_private(receiver, acme, globex):
    answer = Client(headers={"Host": acme.host}).get("/scim/jwks.json")

    assert answer.headers["Content-Type"] == "application/jwk-set+json"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    [key] = answer.json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
    assert Client(headers={"Host": globex.host}).get("/scim/jwks.json").json() == {"keys": []}


def test_a_poll_costs_five_statements_however_many_tokens_there_are(receiver, at_acme, statements):
    receiver.poll({})  # logged for this minute
    for name in "abcdef":
        at_acme.post("/Users", user(name))

    with statements() as executed:
        handed_out = receiver.poll({}).json["sets"]

    assert len(handed_out) == 6
    # The stream, the tokens, the key, what was handed out, whether there are more.
    assert len(executed) == 5


def test_the_service_provider_config_announces_events_while_there_is_a_stream(
    receiver, acme, at_acme, at_globex
):
    announced = at_acme.get("/ServiceProviderConfig").json["securityEvents"]
    assert announced["asyncRequest"] == "none"
    assert set(NOTICES) < set(announced["eventUris"])
    assert "securityEvents" not in at_globex.get("/ServiceProviderConfig").json

    streams.delete_stream(COMMAND, acme, receiver.stream.pk)

    assert "securityEvents" not in at_acme.get("/ServiceProviderConfig").json
