"""The administrative commands: what they print where, and how they refuse."""

import io
import json
import sys
from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from accounts import actions, audit, tokens, uses
from accounts.actions import Actor, TokenRequest
from accounts.models import Account, AuditEntry, SecretToken
from accounts.permissions import Role
from accounts.uses import Credential, Kind, Use
from tenants import clock, lifecycle, rewriting
from tenants.current import in_tenant
from tenants.models import Domain, Tenant
from tests.support import database, mailing
from tests.support.commands import run

PASSWORD = "correct horse battery staple"
NOW = "2026-11-25T09:30:00Z"


def test_create_tenant_prints_the_tenant_url_and_says_what_next(operator):
    out, err = run(
        "tenant", "create", "initech", "--name", "Initech Inc", "--admin", "ina@i.example"
    )

    assert out == "Tenant URL: http://initech.mypolicies.localhost:8000/scim\n"
    assert err == (
        "\n"
        "Next, mint a secret token for the Entra provisioning service:\n"
        '  manage.py token mint initech --label "Microsoft Entra ID" --days 365\n'
        "The invitation to ina@i.example is queued. It is sent within a minute. Its link works once,"
        " for 3 days.\n"
        "It sets a password for http://initech.mypolicies.localhost:8000/admin/.\n"
    )
    assert [message.to for message in mailing.sent()] == [["ina@i.example"]]
    with in_tenant(Tenant.objects.get(custom_domain="initech")):
        assert Account.objects.get().email == "ina@i.example"


def test_create_tenant_can_leave_the_invitation_for_later(operator):
    out, err = run(
        *("tenant", "create", "initech", "--name", "Initech", "--admin", "ina@i.example"),
        "--no-invitation",
    )

    assert out == "Tenant URL: http://initech.mypolicies.localhost:8000/scim\n"
    assert err.endswith("  manage.py account invite initech ina@i.example\n")
    assert mailing.sent() == []


def test_send_invitation_sends_a_link_to_who_has_no_password(acme, tara, globex, gus):
    _, err = run("account", "invite", "acme", tara.email)

    assert err.startswith(
        "The invitation to tara@acme.example is queued. It is sent within a minute."
    )
    assert [message.to for message in mailing.sent()] == [["tara@acme.example"]]


def test_create_tenant_refuses_a_custom_domain_that_is_taken(acme):
    with pytest.raises(CommandError) as refused:
        run("tenant", "create", "acme", "--name", "Acme Again", "--admin", "ina@i.example")

    assert "acme" in str(refused.value)


def test_list_tenants_prints_a_table_on_standard_output(acme, globex, operator):
    lifecycle.suspend(globex)
    assert run("tenant", "list")[0] == (
        "CUSTOM DOMAIN  NAME              STATUS     SCHEMA    TENANT URL\n"
        "acme           Acme Ltd          active     t_acme    "
        "http://acme.mypolicies.localhost:8000/scim\n"
        "admin          myPolicies staff  active     support   "
        "http://admin.mypolicies.localhost:8000/scim\n"
        "globex         Globex Inc        suspended  t_globex  "
        "http://globex.mypolicies.localhost:8000/scim\n"
    )


@time_machine.travel(NOW, tick=False)
def test_mint_token_prints_the_token_alone_on_standard_output(acme, tara):
    out, err = run("token", "mint", "acme", "--label", "Microsoft Entra ID", "--days", "365")

    with in_tenant(acme):
        verified = tokens.verify(acme.id, out.removesuffix("\n"), clock.now())
    assert err == (
        "Tenant URL: http://acme.mypolicies.localhost:8000/scim\n"
        f"Secret token {verified.public_id} for tara@acme.example, expires 2027-11-25.\n"
        "It is shown this once:\n"
    )


@time_machine.travel(NOW, tick=False)
def test_mint_token_ends_the_tokens_that_it_names_and_no_other(acme, tara, command):
    former, other = (
        actions.mint_token(command, acme, TokenRequest(label, tara.pk, days=365)).token
        for label in ("Entra", "HR export")
    )
    _, err = run("token", "mint", "acme", "--label", "Entra", "--replaces", former.public_id)

    assert f"{former} works until 2026-12-02 09:30 UTC." in err
    assert str(other) not in err
    with in_tenant(acme):
        assert SecretToken.objects.get(pk=other.pk).expires_at == other.expires_at


def test_mint_token_takes_an_overlap_only_for_tokens_that_are_named(acme, tara):
    with pytest.raises(CommandError) as refused:
        run("token", "mint", "acme", "--label", "Entra", "--overlap", "now")

    assert str(refused.value) == "--overlap is for the tokens that --replaces names."


def test_mint_token_takes_a_reason_instead_of_days(acme, tara):
    _, err = run(
        "token", "mint", "acme", "--label", "Agent", "--no-expiry-because", "no renewal there"
    )

    with in_tenant(acme):
        assert SecretToken.objects.get().no_expiry_reason == "no renewal there"
    assert "for tara@acme.example, never expires." in err


@time_machine.travel(NOW, tick=False)
def test_mint_token_lets_the_token_expire_in_a_year_if_nothing_else_is_said(acme, tara):
    _, err = run("token", "mint", "acme", "--label", "Entra")

    assert "for tara@acme.example, expires 2027-11-25." in err


def test_mint_token_issues_for_the_admin_who_is_one_longest(acme, tara, command):
    with time_machine.travel(clock.now() + timedelta(seconds=1)):
        actions.create_account(command, acme, "adam@acme.example", "", Role.ADMIN)

    out, err = run("token", "mint", "acme", "--label", "Microsoft Entra ID", "--days", "365")

    with in_tenant(acme):
        assert SecretToken.objects.get().issued_for == tara
    assert out.startswith("mypscim_")
    assert err.splitlines()[0] == (
        "Issued for tara@acme.example; --for names another active admin: adam@acme.example."
    )


def test_an_admin_who_was_deactivated_is_passed_over(acme, tara, command):
    actions.create_account(command, acme, "adam@acme.example", "", Role.ADMIN)
    actions.deactivate_account(command, acme, tara.email)

    run("token", "mint", "acme", "--label", "Entra", "--days", "90")

    with in_tenant(acme):
        assert SecretToken.objects.get().issued_for.email == "adam@acme.example"


def test_mint_token_issues_for_the_admin_that_is_named(acme, tara, command):
    actions.create_account(command, acme, "tim@acme.example", "", Role.ADMIN)

    run("token", "mint", "acme", "--label", "Entra", "--days", "90", "--for", "tim@acme.example")

    with in_tenant(acme):
        assert SecretToken.objects.get().issued_for.email == "tim@acme.example"


def test_mint_token_says_when_there_is_no_admin(acme):
    with pytest.raises(CommandError) as refused:
        run("token", "mint", "acme", "--label", "Entra", "--days", "90")

    assert str(refused.value) == (
        "Acme Ltd has no active tenant admin, and it is issued for one: "
        "`manage.py account create acme <e-mail> --role admin`."
    )


def test_mint_token_refuses_a_lifetime_that_may_not_be(acme, tara):
    with pytest.raises(CommandError) as refused:
        run("token", "mint", "acme", "--label", "Entra", "--days", "731")

    assert str(refused.value) == "A secret token expires after 1 to 730 days."


@time_machine.travel(NOW, tick=False)
def test_list_tokens_shows_a_table_and_no_value(acme, globex, tara, gus, command):
    entra = TokenRequest("Microsoft Entra ID", tara.email, days=365)
    minted = actions.mint_token(command, acme, entra).token
    endless = TokenRequest("Agent", "tara@acme.example", None, "no renewal there")
    agent = actions.mint_token(command, acme, endless).token
    actions.revoke_token(command, acme, agent.id)
    actions.mint_token(command, globex, TokenRequest("Theirs", gus.id, 90))
    with in_tenant(acme):
        SecretToken.objects.filter(id=agent.id).update(created_at="2026-01-01T00:00:00Z")
    uses.note(acme, [Credential(Kind.TOKEN, minted.id)], Use(clock.now(), count=7))
    uses.flush()

    out, err = run("token", "list", "acme")

    live, revoked = minted.public_id, agent.public_id
    assert out.splitlines() == [
        "ID        LABEL               STATE    FOR                EXPIRES     LAST USED         REQUESTS  WORKS FROM",
        f"{live}  Microsoft Entra ID  live     tara@acme.example  2027-11-25  2026-11-25 09:30  7         anywhere",
        f"{revoked}  Agent               revoked  tara@acme.example  never       never             0         anywhere",
    ]
    assert err == ""


@time_machine.travel(NOW, tick=False)
def test_a_list_can_be_one_json_document(acme, tara, command):
    """Its names are the headings; values keep their types, and times their seconds."""
    request = TokenRequest("Microsoft Entra ID", tara.email, days=365)
    token = actions.mint_token(command, acme, request).token

    out, err = run("token", "list", "acme", "--json")

    assert json.loads(out) == [
        {
            "id": token.public_id,
            "label": token.label,
            "state": "live",
            "for": "tara@acme.example",
            "expires": "2027-11-25T09:30:00Z",
            "last_used": None,
            "requests": 0,
            "works_from": "anywhere",
        }
    ]
    assert err == ""


def test_revoke_token_revokes_by_public_id(acme, minted):
    out, err = run("token", "revoke", "acme", minted.token.public_id)

    assert out == ""
    assert err == f"The secret token {minted.token} of Acme Ltd is revoked.\n"
    with in_tenant(acme), pytest.raises(tokens.TokenRefused):
        tokens.verify(acme.id, minted.value, clock.now())


def test_revoke_token_refuses_what_it_does_not_know(acme):
    with pytest.raises(CommandError) as refused:
        run("token", "revoke", "acme", "0a1b2c3d")

    assert str(refused.value) == "Acme Ltd has no secret token 0a1b2c3d."


def test_set_password_reads_one_line_from_standard_input(acme, tara, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\nsecond line\n"))

    out, err = run("account", "set-password", "acme", "tara@acme.example")

    with in_tenant(acme):
        assert Account.objects.get().check_password(PASSWORD)
    assert PASSWORD not in out + err


def test_set_password_asks_twice_at_a_terminal(acme, tara, monkeypatch):
    type_at_terminal(monkeypatch, [PASSWORD, PASSWORD])

    run("account", "set-password", "acme", "tara@acme.example")

    with in_tenant(acme):
        assert Account.objects.get().check_password(PASSWORD)


def test_set_password_refuses_two_passwords_that_differ(acme, tara, monkeypatch):
    type_at_terminal(monkeypatch, [PASSWORD, PASSWORD + "."])

    with pytest.raises(CommandError) as refused:
        run("account", "set-password", "acme", "tara@acme.example")

    assert str(refused.value) == "The two passwords differ."


def test_set_password_refuses_a_weak_password(acme, tara, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))

    with pytest.raises(CommandError) as refused:
        run("account", "set-password", "acme", "tara@acme.example")

    assert str(refused.value) == (
        "This password is too short. It must contain at least 12 characters."
    )


def test_create_account_makes_staff_in_the_tenant_called_admin(operator):
    _, err = run("account", "create", "admin", "bob@mypolicies.example", "--role", "support")

    with in_tenant(operator):
        assert Account.objects.get(email="bob@mypolicies.example").role == Role.SUPPORT
    assert f"bob@mypolicies.example is now a support of {operator}." in err
    assert "manage.py account set-password admin bob@mypolicies.example" in err


def test_create_staff_makes_an_operator_who_can_sign_in(operator, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))

    out, err = run("account", "create-staff", "olga@mypolicies.example", "--name", "Olga")

    with in_tenant(operator):
        account = Account.objects.get(email="olga@mypolicies.example")
        assert AuditEntry.objects.latest("id").subject == "olga@mypolicies.example"
    assert (account.role, account.name) == (Role.OPERATOR, "Olga")
    assert account.check_password(PASSWORD)
    assert out == ""
    assert err == (
        "olga@mypolicies.example is now staff, with the role operator.\n"
        "Sign in at http://admin.mypolicies.localhost:8000/admin/.\n"
    )


def test_create_staff_can_make_the_password_and_print_it_alone(operator, command):
    actions.create_staff(command, "olga@mypolicies.example", PASSWORD)

    out, err = run(
        "account", "create-staff", "a@m.example", "--role", "auditor", "--generate-password"
    )

    with in_tenant(operator):
        assert Account.objects.get(email="a@m.example").check_password(out.removesuffix("\n"))
    assert err.endswith("The password is shown this once:\n")


@pytest.mark.owner  # a schema is dropped
def test_create_staff_makes_the_staff_tenant_when_there_is_none(db, monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tenants_tenant WHERE is_operator")
        cursor.execute("DROP SCHEMA support CASCADE")

    run("account", "create-staff", "olga@mypolicies.example", "--generate-password")

    with in_tenant(Tenant.objects.get(is_operator=True)):
        assert [account.email for account in Account.objects.all()] == ["olga@mypolicies.example"]


def test_the_first_staff_account_is_an_operator(operator):
    with in_tenant(operator):
        Account.objects.filter(role=Role.OPERATOR).update(is_active=False)

    with pytest.raises(CommandError) as refused:
        run("account", "create-staff", "a@m.example", "--role", "auditor", "--generate-password")

    assert str(refused.value) == (
        "There is no active operator yet: create one first, with the role operator."
    )


def test_create_staff_without_a_password_says_where_it_is_read(operator, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    with pytest.raises(CommandError) as refused:
        run("account", "create-staff", "olga@mypolicies.example")

    assert str(refused.value) == (
        "There is no password on standard input: write it there, as one line."
    )


def test_without_a_staff_tenant_create_account_names_the_command(db):
    Tenant.objects.filter(is_operator=True).delete()

    with pytest.raises(CommandError) as refused:
        run("account", "create", "admin", "olga@mypolicies.example", "--role", "operator")

    assert str(refused.value) == (
        "There is no staff tenant yet: `account create-staff` makes it, with an account."
    )


def test_suspend_and_resume(acme):
    assert run("tenant", "suspend", "acme") == (
        "",
        "Acme Ltd is suspended: every request is answered 403.\n",
    )
    assert Tenant.objects.get(id=acme.id).is_suspended

    assert run("tenant", "resume", "acme") == ("", "Acme Ltd is served again.\n")
    assert not Tenant.objects.get(id=acme.id).is_suspended


def test_hosts_are_added_and_removed(acme):
    assert run("tenant", "add-host", "acme", "scim.acme.example") == (
        "",
        "Acme Ltd is now served at scim.acme.example too.\n",
    )
    assert Domain.objects.get().domain == "scim.acme.example"

    assert run("tenant", "remove-host", "acme", "scim.acme.example") == (
        "",
        "Acme Ltd is no longer served at scim.acme.example.\n",
    )
    assert not Domain.objects.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("tenant", "suspend", "nowhere"),
        ("tenant", "resume", "nowhere"),
        ("tenant", "add-host", "nowhere", "scim.acme.example"),
        ("tenant", "remove-host", "nowhere", "scim.acme.example"),
        ("account", "create", "nowhere", "tara@acme.example", "--role", "admin"),
        ("account", "set-password", "nowhere", "tara@acme.example"),
        ("token", "mint", "nowhere", "--label", "Entra", "--days", "1"),
        ("token", "list", "nowhere"),
        ("token", "revoke", "nowhere", "0a1b2c3d"),
        ("audit", "verify", "nowhere"),
    ],
)
@pytest.mark.django_db
def test_a_tenant_that_does_not_exist_is_named(arguments):
    with pytest.raises(CommandError) as refused:
        run(*arguments)

    assert str(refused.value) == "There is no tenant 'nowhere'; `tenant list` shows all."
    assert refused.value.returncode == 1


def test_commands_are_audited_under_the_operating_systems_user(acme):
    run("tenant", "suspend", "acme")

    with in_tenant(acme):
        assert AuditEntry.objects.get().actor == Actor.command().name


def test_verify_audit_finds_an_untouched_log_intact(acme, minted):
    assert run("audit", "verify", "acme") == ("acme: intact\n", "")


def test_verify_audit_all_verifies_every_tenant_and_names_the_tampered(acme, globex, operator):
    with in_tenant(globex):
        entry = audit.record(Actor("alice"), "tenant suspended", "globex")
        with database.owned(), rewriting.rewriting(audit.TABLE):
            AuditEntry.objects.update(actor="bob")

    out, document = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("audit", "verify", "--all", stdout=out)

    with pytest.raises(CommandError):
        call_command("audit", "verify", "--all", "--json", stdout=document)
    assert json.loads(document.getvalue())[1:] == [
        {"tenant": "admin", "intact": True, "first_broken": None, "missing": None},
        {"tenant": "globex", "intact": False, "first_broken": entry.id, "missing": None},
    ]
    assert out.getvalue().splitlines() == [
        "acme: intact",
        "admin: intact",
        f"globex: broken at entry {entry.id}",
    ]
    assert str(refused.value) == "Tampered audit logs: globex."


def type_at_terminal(monkeypatch, answers):
    """A terminal at which someone types; the prompts themselves are Python's own."""
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    typed = iter(answers)
    monkeypatch.setattr("accounts.management.commands.account.getpass", lambda _prompt: next(typed))
