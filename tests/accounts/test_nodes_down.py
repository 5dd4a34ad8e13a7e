"""Commands over all tenants while a node of the database is down: the others' work is done (decision 0091)."""

import json
from datetime import timedelta

import pytest
from django.core.management.base import CommandError

from accounts import actions, audit, audit_heads
from accounts.actions import TokenRequest
from tenants import clock, lifecycle, schemas
from tenants.current import in_public, in_tenant
from tenants.models import Expiry
from tests.accounts.test_presets import FIRST, file_of
from tests.support import citus, people
from tests.support.commands import run

__all__ = ["file_of"]
pytestmark = pytest.mark.one_node  # stands in for Citus

SILENT = "Acme Ltd: its node of the database does not answer.\n"


@pytest.fixture
def lose(db):
    """`lose(tenant, table)`: the worker that holds the tenant answers no more."""
    citus.install_catalog()
    return citus.lose


@pytest.fixture
def tokens(acme, globex):
    """A secret token of each tenant, which expires in 20 days, by tenant."""
    return {
        tenant: actions.mint_token(
            people.COMMAND, tenant, TokenRequest("Entra", people.tenant_admin(tenant).email, 20)
        ).token
        for tenant in (acme, globex)
    }


def heads_noted():
    return {tenant_id: len(heads) for tenant_id, heads in audit_heads.noted().items()}


def test_tenants_are_told_apart_by_their_nodes(lose, acme, globex):
    lose(acme, "accounts_auditentry")

    assert schemas.reachable([globex, acme]) == schemas.Answer((globex,), (acme,))


def test_the_others_are_warned_of_the_ends_of_their_credentials(lose, tokens, acme, globex):
    lose(acme, "accounts_secrettoken")

    _, told = run("warn_of_expiry")

    line = f"globex: {tokens[globex]}, 1 message.\n1 warning queued.\n"
    assert told == SILENT + line
    with in_public():
        warned = Expiry.objects.exclude(warned_for=None)
        assert [each.tenant for each in warned] == [globex]


def test_a_suspended_tenant_of_that_node_is_not_named(lose, acme, globex):
    lose(acme, "accounts_secrettoken")
    with in_public():
        lifecycle.suspend(acme)

    assert run("warn_of_expiry") == ("", "0 warnings queued.\n")


def test_the_heads_of_the_others_logs_are_noted_and_the_rest_when_it_is_back(
    lose, acme, globex, operator
):
    for tenant in (acme, globex):
        with in_tenant(tenant):
            audit.record(people.COMMAND, "one", "bjensen")
    name = lose(acme, "accounts_auditentry")

    assert audit_heads.note_changed() == 1
    assert heads_noted() == {globex.pk: 1}

    citus.bring_back(acme, "accounts_auditentry", name)
    assert audit_heads.note_changed() == 1
    assert heads_noted() == {globex.pk: 1, acme.pk: 1}


def test_the_others_logs_are_verified_and_the_end_tells_of_the_rest(lose, acme, globex, operator):
    lose(acme, "accounts_auditentry")

    with pytest.raises(CommandError, match=r"Not verified, .* does not answer: acme\.$"):
        run("audit", "verify", "--all")


def test_heads_are_listed_without_the_tenants_that_are_named(lose, acme, globex, operator):
    for tenant in (acme, globex):
        with in_tenant(tenant):
            audit.record(people.COMMAND, "one", "bjensen")
    lose(acme, "accounts_auditentry")

    listed, told = run("audit", "heads", "--json")

    assert [each["tenant"] for each in json.loads(listed)] == ["globex"]
    assert told == SILENT


def test_new_ranges_of_addresses_are_loaded_again_for_the_rest(lose, tokens, acme, globex, file_of):
    lose(acme, "accounts_secrettoken")
    day = f"{clock.now() - timedelta(days=1):%Y%m%d}"

    with pytest.raises(CommandError, match=r"^Load the file again when .* holds: acme\.$"):
        run("address_preset", "update", file_of(day, FIRST))
