"""Times and ids."""

from datetime import UTC, datetime, timedelta

from django.apps import apps
from django.db.models import DateTimeField

from accounts import actions
from accounts.actions import TokenRequest
from accounts.models import AuditEntry, SecretToken
from tenants import clock
from tenants.current import in_tenant
from tests.support import people

OURS = ("tenants", "accounts", "scim")


def test_now_has_the_precision_that_meta_shows():
    assert clock.now().microsecond % 1000 == 0
    assert clock.now().tzinfo is UTC


def test_every_time_that_a_row_gives_itself_is_the_clocks():
    """Other clocks are refused by the linter (pyproject.toml, banned-api)."""
    defaults = {
        str(field): field.default
        for model in apps.get_models()
        for field in model._meta.fields
        if model._meta.app_label in OURS and isinstance(field, DateTimeField)
        if field.has_default() or field.auto_now or field.auto_now_add
    }

    assert defaults
    assert defaults == dict.fromkeys(defaults, clock.now)


def test_the_rows_of_one_action_have_one_precision(acme):
    """A token could be younger than the audit entry about it: two clocks, one cut to milliseconds."""
    admin = people.tenant_admin(acme)
    actions.mint_token(people.COMMAND, acme, TokenRequest("Entra", admin.pk, days=90))

    with in_tenant(acme):
        token = SecretToken.objects.get()
        entry = AuditEntry.objects.get(act="secret token minted")
    assert token.created_at <= entry.at
    assert {each.microsecond % 1000 for each in (token.created_at, entry.at)} == {0}


def test_ids_are_random_uuids_of_version_7():
    moment = datetime(2026, 11, 25, 10, 53, 26, 123000, tzinfo=UTC)

    ids = {clock.new_id(moment) for _ in range(1000)}

    assert len(ids) == 1000
    assert {identifier.version for identifier in ids} == {7}
    assert {identifier.variant for identifier in ids} == {"specified in RFC 4122"}
    assert {identifier.int >> 80 for identifier in ids} == {int(moment.timestamp() * 1000)}


def test_ids_sort_by_the_time_they_were_made():
    moment = datetime(2026, 11, 25, tzinfo=UTC)
    times = [moment + timedelta(milliseconds=step) for step in range(100)]

    ids = [clock.new_id(each) for each in times]

    assert ids == sorted(ids)


def test_ids_of_one_millisecond_sort_by_the_order_in_which_they_were_made():
    moment = datetime(2026, 11, 25, tzinfo=UTC)

    ids = [clock.new_id(moment) for _ in range(1000)]

    assert ids == sorted(ids)
