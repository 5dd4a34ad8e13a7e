"""Event streams on the tenant's screens: adding one, pausing, resuming, deleting, the delivery log."""

import json
import re
from datetime import timedelta

import pytest
from django.core.serializers import serialize
from django.db import transaction

from accounts.models import AuditEntry
from scim.events import outbox, polling
from scim.events.models import Delivery, DeliveryMethod, EventStream, SigningKey
from scim.events.outbox import Result
from tenants import clock
from tenants.current import in_tenant
from tests.events import streams
from tests.events.streams import FULLS, NOTICES
from tests.support.at_screens import BJENSEN
from tests.support.installed import needs
from tests.support.pages import nonce_in

LIST = "/t/acme/admin/scim/eventstream/"
FORM = LIST + "add/"
LOG = "/t/acme/admin/scim/delivery/"
KINDS = ("create", "patch", "put", "delete", "activate", "deactivate")


def filled(browser, **changes):
    return {
        "nonce": nonce_in(browser.get(FORM)),
        "label": "HR replica",
        "method": "poll",
        "endpoint": "",
        "authorization": "",
        "audience": "",
        "content": "notice",
        **dict.fromkeys(KINDS, "on"),
    } | changes


def sent(browser, path):
    """The answer to the confirmation at the path, opened and sent once."""
    return browser.post(path, {"nonce": nonce_in(browser.get(path))}, follow=True)


def rows(tenant, model):
    with in_tenant(tenant):
        return list(model.objects.all())


def acts(tenant):
    with in_tenant(tenant):
        return [
            (entry.act, entry.actor, entry.details)
            for entry in AuditEntry.objects.filter(act__contains="event stream").order_by("id")
            if "view" not in entry.act and "listed" not in entry.act
        ]


def test_the_answer_to_the_form_shows_all_that_a_polling_receiver_needs(lena, acme):
    answer = lena.post(FORM, filled(lena))

    [stream] = rows(acme, EventStream)
    secret = re.findall(r"mypscim_events_\w{49}", answer.text)[0]
    assert answer.status_code == 200
    assert "shown only once" in answer.text
    for shown in (f"{acme.tenant_url}/events/poll", f"{acme.tenant_url}/jwks.json"):
        assert f">{shown}</code>" in answer.text
    assert (stream.label, stream.method, tuple(stream.event_uris)) == (
        "HR replica",
        "poll",
        NOTICES,
    )
    with transaction.atomic(), in_tenant(acme):
        found = polling.find_stream(acme, secret)
    assert found is not None
    assert found[0].id == stream.pk


def test_the_page_with_the_secret_is_kept_by_no_browser_and_no_proxy(lena):
    answer = lena.post(FORM, filled(lena))

    assert {"no-store", "private"} <= set(answer.headers["Cache-Control"].split(", "))


@pytest.mark.parametrize(
    ("fields", "pattern"),
    [
        ({"method": "poll"}, r"mypscim_events_\w{49}"),
        ({"method": "webhook", "endpoint": "https://r.example/"}, r"whsec_[\w+/]{43}="),
    ],
)
def test_the_secret_is_in_no_row_and_on_no_other_page(
    fields, pattern, lena, acme, operator, caplog
):
    caplog.set_level("DEBUG")
    value = re.findall(pattern, lena.post(FORM, filled(lena, **fields)).text)[0]

    page = f"{LIST}{rows(acme, EventStream)[0].pk}/change/"
    kept = [lena.get(LIST).text, lena.get(page).text, caplog.text]
    for tenant in (acme, operator):
        kept += [serialize("json", rows(tenant, each)) for each in (EventStream, AuditEntry)]
    assert not [text for text in kept if value in text]


def test_a_header_for_the_receiver_is_shown_nowhere_not_even_in_a_refused_form(lena, acme):
    header = "Bearer r3ceiver"
    push = {"method": "push", "endpoint": "https://hr.example/events", "authorization": header}

    refused = lena.post(FORM, filled(lena, **push | {"endpoint": "ftp://hr.example"}))
    made = lena.post(FORM, filled(lena, **push))

    page = lena.get(f"{LIST}{rows(acme, EventStream)[0].pk}/change/")
    assert "The URL must start with https://" in refused.text
    kept = [refused.text, made.text, page.text, serialize("json", rows(acme, EventStream))]
    assert not [text for text in kept if "r3ceiver" in text]


def test_events_and_their_content_are_chosen_on_the_form(lena, acme):
    chosen = filled(lena, content="full", audience="urn:hr")
    del chosen["activate"], chosen["put"]

    lena.post(FORM, chosen)

    [stream] = rows(acme, EventStream)
    left_out = {FULLS[2], FULLS[4]}
    assert stream.event_uris == [uri for uri in FULLS if uri not in left_out]
    assert stream.audience == "urn:hr"


def test_a_form_without_any_event_is_refused_and_nothing_is_made(lena, acme):
    chosen = {name: value for name, value in filled(lena).items() if name not in KINDS}

    answer = lena.post(FORM, chosen)

    assert "Choose at least one of the event types that exist" in answer.text
    assert rows(acme, EventStream) == []


def test_a_form_that_is_sent_twice_adds_one_stream(lena, acme):
    form = filled(lena)
    lena.post(FORM, form)

    assert lena.post(FORM, form).status_code == 409
    assert len(rows(acme, EventStream)) == 1


def test_the_page_shows_the_stream_and_what_waits(alice, acme, stream, delivery):
    page = alice.get(f"{LIST}{stream.pk}/change/").text

    for shown in (str(stream.pk), "Poll (RFC 8936)", stream.audience, "create:notice, patch"):
        assert shown in page
    assert f"{LOG}{delivery.pk}/change/" in page
    assert f"/Users/{delivery.resource_id}" in page
    assert "HR replica" in alice.get(LIST).text


def test_pausing_and_resuming_are_acts_that_the_audit_log_tells(alice, acme, stream):
    paused = sent(alice, f"{LIST}{stream.pk}/pause/")
    assert "is paused: changes are queued." in paused.text
    assert rows(acme, EventStream)[0].state == "paused"

    resumed = sent(alice, f"{LIST}{stream.pk}/resume/")
    assert "is resumed." in resumed.text
    assert rows(acme, EventStream)[0].state == "active"

    alice_ = "alice@mypolicies.example (staff)"
    assert acts(acme)[1:] == [
        ("event stream paused", alice_, {}),
        ("event stream resumed", alice_, {"was": "paused"}),
    ]


def test_a_deleted_stream_is_gone_and_the_audit_log_says_what_it_had_not_delivered(
    lena, acme, operator, stream, delivery
):
    answer = sent(lena, f"{LIST}{stream.pk}/end/")

    assert "is deleted." in answer.text
    assert lena.get(f"{LIST}{stream.pk}/change/").status_code == 404
    lena_ = "lena@mypolicies.example (staff)"
    assert acts(acme)[1:] == [("event stream deleted", lena_, {"undelivered": 1})]
    told = {"tenant": "acme", "undelivered": 1}
    assert acts(operator)[-1] == ("event stream deleted", lena_, told)


def test_a_failing_stream_says_why_and_offers_to_resume(alice, acme, stream):
    with in_tenant(acme):
        outbox.give_up(stream.pk, "Event 7 could not be delivered: The receiver answered 503.")

    page = alice.get(f"{LIST}{stream.pk}/change/").text

    assert "Nothing is sent any more. Event 7 could not be delivered" in page
    assert f"{LIST}{stream.pk}/resume/" in page
    assert f"{LIST}{stream.pk}/pause/" not in page
    assert f"{LOG}?stream={stream.pk}&amp;status=failing" in page


@pytest.fixture
def failed(acme, delivery):
    """The delivery, after an attempt that failed."""
    now = clock.now()
    with in_tenant(acme):
        error = "The receiver answered 503. <b>Closed</b>"
        outbox.record([Result(delivery.pk, "pending", now + timedelta(hours=1), error)], now)
    return delivery


@needs("inspector")
def test_the_delivery_log_tells_attempts_next_try_and_error(alice, failed):
    shown = alice.get(LOG).text
    page = alice.get(f"{LOG}{failed.pk}/change/").text

    for text in (shown, page):
        assert f"/Users/{failed.resource_id}" in text
        assert "The receiver answered 503. &lt;b&gt;Closed&lt;/b&gt;" in text
    assert "Create /Users/" in page
    assert f"/admin/scim/provisioningevent/{failed.event_id}/change/" in page


def test_an_event_that_failed_can_be_skipped_after_a_page_that_says_what_is_lost(
    lena, alice, acme, failed
):
    page = f"{LOG}{failed.pk}/change/"
    assert f"{LOG}{failed.pk}/skip/" in lena.get(page).text
    assert f"{LOG}{failed.pk}/skip/" not in alice.get(page).text

    asked = lena.get(f"{LOG}{failed.pk}/skip/").text
    answer = sent(lena, f"{LOG}{failed.pk}/skip/")

    assert f"never gets this event: create, /Users/{failed.resource_id}, version 1." in asked
    assert "Event skipped. The receiver does not get it." in answer.text
    assert "Skipped by lena@mypolicies.example (staff). The receiver answered 503." in answer.text
    assert f"{LOG}{failed.pk}/skip/" not in lena.get(page).text
    assert f"{failed.pk}" in lena.get(LOG, {"status": "skipped"}).text
    with in_tenant(acme):
        entry = AuditEntry.objects.filter(act="event skipped").get()
    assert (entry.actor, entry.subject) == ("lena@mypolicies.example (staff)", str(failed.pk))


def test_an_event_that_has_not_failed_offers_nothing_to_skip(lena, delivery):
    assert f"{LOG}{delivery.pk}/skip/" not in lena.get(f"{LOG}{delivery.pk}/change/").text

    refused = sent(lena, f"{LOG}{delivery.pk}/skip/")

    assert "has not been tried yet" in refused.text


def test_the_delivery_log_is_filtered_and_searched(alice, acme, failed, provision):
    other = streams.created(acme, DeliveryMethod.POLL, label="SIEM").stream
    provision(acme, {**BJENSEN, "userName": "x@acme.example", "externalId": "x"})

    def shown(**query):
        return set(re.findall(rf"{LOG}([0-9a-f-]{{36}})/change", alice.get(LOG, query).text))

    everything = {str(each.pk) for each in rows(acme, Delivery)}
    of_other = {str(each.pk) for each in rows(acme, Delivery) if each.stream_id == other.pk}
    assert shown() == everything
    assert shown(status="failing") == {str(failed.pk)}
    assert shown(status="delivered") == set()
    assert shown(stream=str(other.pk)) == of_other
    for word in (failed.pk, failed.event_id, failed.resource_id):
        assert shown(q=str(word)) == {str(failed.pk)}
    assert shown(q="nobody") == set()


def test_no_private_key_is_on_a_page_or_in_a_row(alice, acme, stream, delivery):
    with in_tenant(acme):
        [key] = SigningKey.objects.all()

    assert set(key.public) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert '"d"' not in json.dumps(key.private)
    assert key.private not in alice.get(f"{LIST}{stream.pk}/change/").text


def test_staff_who_look_are_in_the_audit_log(alice, acme, stream, delivery):
    alice.get(LIST)
    alice.get(f"{LIST}{stream.pk}/change/")
    alice.get(LOG)
    alice.get(f"{LOG}{delivery.pk}/change/")

    with in_tenant(acme):
        seen = list(AuditEntry.objects.order_by("id").values_list("act", "subject"))[-4:]
    assert seen == [
        ("event streams listed", "acme"),
        ("event stream viewed", str(stream.pk)),
        ("delivery log viewed", "acme"),
        ("delivery viewed", str(delivery.pk)),
    ]
