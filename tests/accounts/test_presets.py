"""The published ranges of Microsoft Entra ID: loaded from Microsoft's file, followed by tokens."""

import json
from datetime import date

import pytest
import time_machine
from django.core.management.base import CommandError

from accounts import actions, presets
from accounts.actions import ActionRefused, AllowedFrom, ClientRequest, TokenRequest
from accounts.models import AuditEntry, SecretToken
from config import doctor
from tenants.current import in_public, in_tenant
from tenants.models import AddressPreset
from tests.support.commands import run

FIRST = [
    "20.20.32.0/19",
    "20.190.128.0/18",
    "40.126.0.0/18",
    "2603:1006:2000::/48",
    "2603:1056::/48",
]
SECOND = [*FIRST[1:], "4.144.0.0/17"]


@pytest.fixture
def file_of(tmp_path):
    """`file_of(day, prefixes)`: Microsoft's file of that day, `YYYYMMDD`."""

    def written(day, prefixes, tag="AzureActiveDirectory"):
        other = {"name": "Sql", "properties": {"addressPrefixes": ["1.0.0.0/24"] * 9}}
        ours = {"name": tag, "id": tag, "properties": {"addressPrefixes": prefixes}}
        path = tmp_path / f"ServiceTags_Public_{day}.json"
        path.write_text(json.dumps({"changeNumber": 1, "cloud": "Public", "values": [other, ours]}))
        return str(path)

    return written


@pytest.fixture
def restricted(acme, tara, command):
    """`restricted(**allowed)`: a new token of acme that works from there."""

    def minted(**allowed):
        request = TokenRequest("Entra", tara.email, 365, allowed_from=AllowedFrom(**allowed))
        return actions.mint_token(command, acme, request).token

    return minted


def networks_of(tenant, token):
    with in_tenant(tenant):
        found = SecretToken.objects.get(pk=token.pk)
    return found.allowed_networks, found.preset_networks.split(), found.preset_date


def test_no_ranges_are_shipped(acme, restricted):
    with pytest.raises(ActionRefused) as refused:
        restricted(entra=True)

    assert (refused.value.reason, refused.value.field) == ("preset.missing", "entra")
    with pytest.raises(CommandError, match="No ranges are loaded"):
        run("address_preset", "show")


def test_a_loaded_file_is_shown_with_its_day(db, file_of):
    _, err = run("address_preset", "update", file_of("20251124", FIRST))
    out, _ = run("address_preset", "show", "--json")

    assert err == "5 networks, published on 2025-11-24.\n"
    assert json.loads(out) == [{"published_on": "2025-11-24", "network": each} for each in FIRST]


def test_the_log_of_staff_tells_of_each_file(operator, file_of):
    run("address_preset", "update", file_of("20251124", FIRST))
    run("address_preset", "update", file_of("20251201", [*SECOND, "4.145.0.0/17"]))

    with in_tenant(operator):
        newer, older = AuditEntry.objects.filter(act="address ranges updated")[:2]
    assert older.details == {"published_on": "2025-11-24", "networks": 5}
    assert newer.details == {"published_on": "2025-12-01", "networks": 6}
    assert (newer.subject, newer.actor) == (presets.ENTRA, older.actor)


def test_a_file_is_loaded_in_a_transaction_of_its_own(real_tenants, file_of):
    """Outside of the one that a test with `db` has around it: the row is locked."""
    try:
        _, first = run("address_preset", "update", file_of("20251124", FIRST))
        _, second = run("address_preset", "update", file_of("20251201", SECOND))
    finally:
        with in_public():
            AddressPreset.objects.all().delete()

    assert [first, second] == [
        "5 networks, published on 2025-11-24.\n",
        "5 networks, published on 2025-12-01.\n",
    ]


def test_a_token_has_its_own_networks_and_the_published_ones(acme, restricted, file_of):
    run("address_preset", "update", file_of("20251124", FIRST))

    token = restricted(networks="203.0.113.0/24", entra=True)

    assert networks_of(acme, token) == ("203.0.113.0/24", FIRST, date(2025, 11, 24))


def test_a_newer_file_reaches_the_credentials_that_have_the_ranges_and_no_others(
    acme, globex, gus, command, restricted, file_of
):
    run("address_preset", "update", file_of("20251124", FIRST))
    following, own = restricted(entra=True), restricted(networks="203.0.113.0/24")
    ended = restricted(entra=True)
    actions.revoke_token(command, acme, ended.pk)
    request = TokenRequest("Theirs", gus.email, 365, allowed_from=AllowedFrom(entra=True))
    theirs = actions.mint_token(command, globex, request).token
    asked = ClientRequest("Directory", gus.email, allowed_from=AllowedFrom(entra=True))
    client = actions.create_oauth_client(command, globex, asked).client

    _, err = run("address_preset", "update", file_of("20251201", SECOND))

    assert networks_of(acme, following) == ("", SECOND, date(2025, 12, 1))
    assert networks_of(globex, theirs) == ("", SECOND, date(2025, 12, 1))
    assert networks_of(acme, own) == ("203.0.113.0/24", [], None)
    assert networks_of(acme, ended) == ("", FIRST, date(2025, 11, 24))
    assert err.splitlines() == [
        "5 networks, published on 2025-12-01.",
        f"acme: {following} follows.",
        f"globex: {theirs} follows.",
        f"globex: {client} follows.",
    ]
    with in_tenant(globex):
        entry = AuditEntry.objects.first()
        client.refresh_from_db()
    assert (entry.act, entry.subject) == ("OAuth client's addresses updated", str(client))
    assert (client.preset_networks.split(), client.preset_date) == (SECOND, date(2025, 12, 1))
    with in_tenant(acme):
        entry = AuditEntry.objects.first()
    assert (entry.act, entry.subject) == ("secret token's addresses updated", str(following))
    assert entry.details == {"entra_ranges_of": "2025-12-01"}


def test_an_update_warns_of_a_token_that_was_used_from_elsewhere(acme, restricted, file_of):
    run("address_preset", "update", file_of("20251124", FIRST))
    token = restricted(entra=True)
    with in_tenant(acme):
        SecretToken.objects.update(
            last_used_at="2025-11-25T09:30:00Z", last_used_address="20.20.32.5"
        )

    _, err = run("address_preset", "update", file_of("20251201", SECOND))

    assert err.splitlines()[1:] == [
        f"acme: {token} follows. It was last used from 20.20.32.5, which is refused now."
    ]


def test_an_older_file_changes_nothing(db, file_of):
    run("address_preset", "update", file_of("20251201", SECOND))

    with pytest.raises(CommandError) as refused:
        run("address_preset", "update", file_of("20251124", FIRST))

    assert str(refused.value) == (
        "The file is of 2025-11-24, and the ranges in use are of 2025-12-01: nothing changed."
    )
    with in_public():
        assert AddressPreset.objects.get().networks.split() == SECOND


@pytest.mark.parametrize(
    ("prefixes", "tag", "sentence"),
    [
        (FIRST, "AzureCloud", "The file has no tag AzureActiveDirectory with 5 to 5000 address"),
        (FIRST[:4], "AzureActiveDirectory", "The file has no tag AzureActiveDirectory with 5 to"),
        ([*FIRST, "0.0.0.0/0"], "AzureActiveDirectory", "'0.0.0.0/0' is no network."),
        ([*FIRST, 7], "AzureActiveDirectory", "'7' is no network."),
        ([*FIRST, "20.20.32.1/19"], "AzureActiveDirectory", "'20.20.32.1/19' is no network."),
    ],
)
def test_another_file_is_refused_and_nothing_is_loaded(db, file_of, prefixes, tag, sentence):
    with pytest.raises(CommandError) as refused:
        run("address_preset", "update", file_of("20251124", prefixes, tag))

    assert str(refused.value).startswith(sentence)
    assert presets.entra() is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tags.json", "{}"),
        ("ServiceTags_Public_20251399.json", "{}"),
        ("ServiceTags_Public_20251124.json", "no JSON"),
        ("ServiceTags_Public_20251124.json", "[" * 100_000),
        ("ServiceTags_Public_20251124.json", "[]"),
    ],
)
def test_any_other_file_is_refused(db, tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)

    with pytest.raises(CommandError):
        run("address_preset", "update", str(path))

    assert presets.entra() is None


@pytest.mark.parametrize(("day", "number"), [("2026-01-23", 0), ("2026-01-24", 1)])
def test_doctor_warns_of_old_ranges(db, file_of, day, number):
    run("address_preset", "update", file_of("20251124", FIRST))

    with time_machine.travel(f"{day}T12:00:00Z", tick=False):
        found = doctor.examine("address preset", doctor.examinations()["address preset"])

    assert [each.sentence for each in found] == number * [
        "The address ranges of Microsoft Entra ID are those of 2025-11-24."
    ]
