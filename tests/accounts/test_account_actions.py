"""Creating accounts, giving them passwords and roles, and ending them."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth import authenticate
from django.db import connection

from accounts import actions
from accounts.actions import ActionRefused, Actor, NotPermitted, TokenRequest
from accounts.models import Account, AuditEntry
from accounts.permissions import Role
from tenants.current import in_tenant
from tenants.models import Tenant

PASSWORD = "correct horse battery staple"


def test_a_new_account_has_no_password_and_a_normalized_address(acme, command):
    account = actions.create_account(command, acme, " Tara@ACME.example ", "Tara", Role.ADMIN)

    with in_tenant(acme):
        stored = Account.objects.get()
    assert (stored.id, stored.email, stored.name) == (account.id, "tara@acme.example", "Tara")
    assert (stored.role, stored.is_active, stored.has_usable_password()) == ("admin", True, False)
    assert last_entry(acme) == ("account created", "tara@acme.example", {"role": "admin"})


def test_an_address_names_one_account_in_a_tenant(acme, tara, command):
    with pytest.raises(ActionRefused) as refused:
        actions.create_account(command, acme, "TARA@acme.example", "", Role.MEMBER)

    assert str(refused.value) == "Acme Ltd has an account tara@acme.example already."


IDN = "Tara@Bücher.example"
SPELLINGS = [IDN, "tara@BÜCHER.example", "TARA@bu\u0308cher.example", "tara@bücher.EXAMPLE"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_address_is_one_in_every_letter_case_wherever_it_is_asked_for(
    acme, globex, command, spelling
):
    """Uniqueness, sign-in, passwords, invitations and tokens compare by one key."""
    actions.create_account(command, acme, IDN, "", Role.ADMIN)
    actions.set_password(command, acme, spelling, PASSWORD)

    token = actions.mint_token(command, acme, TokenRequest("Entra", spelling, days=90)).token
    with pytest.raises(ActionRefused, match=r"has an account tara@bücher\.example already"):
        actions.create_account(command, acme, spelling, "", Role.MEMBER)
    with pytest.raises(ActionRefused, match=r"has an account tara@bücher\.example already"):
        actions.invite_admin(command, acme, spelling, "")
    with in_tenant(acme):
        signed_in = authenticate(username=spelling, password=PASSWORD)
    with in_tenant(globex):
        stranger = authenticate(username=spelling, password=PASSWORD)

    assert (signed_in, stranger) == (token.issued_for, None)


@pytest.mark.parametrize(
    "local",
    [
        "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}dil",
        "t\N{LATIN SMALL LETTER DOTLESS I}m",
        "gro\N{LATIN SMALL LETTER SHARP S}",
        "mi\N{LATIN SMALL LETTER LONG S}s",
        "ren\N{LATIN SMALL LETTER E WITH ACUTE}",
    ],
)
def test_an_address_that_is_ascii_in_no_letter_case_makes_no_account(acme, command, local):
    with pytest.raises(ActionRefused) as refused:
        actions.create_account(command, acme, f"{local}@acme.example", "", Role.ADMIN)

    assert str(refused.value) == (
        f"{local + '@acme.example'!r} is not an e-mail address: before the @ it has to be ASCII."
    )


@pytest.mark.parametrize(
    "domain",
    ["stra\N{LATIN SMALL LETTER SHARP S}e.example", "\N{LATIN SMALL LETTER LONG S}trasse.example"],
)
def test_a_domain_whose_key_is_another_domain_makes_no_account(acme, command, domain):
    with pytest.raises(ActionRefused) as refused:
        actions.create_account(command, acme, f"tara@{domain}", "", Role.ADMIN)

    assert str(refused.value) == (
        f"{'tara@' + domain!r} has a letter that has two spellings. Write xn--… after the @."
    )
    actions.create_account(command, acme, "tara@xn--strae-oqa.example", "", Role.ADMIN)


def test_the_same_address_may_have_an_account_in_each_tenant(acme, globex, tara, command):
    other = actions.create_account(command, globex, "tara@acme.example", "", Role.ADMIN)

    assert other.id != tara.id


@pytest.mark.parametrize(
    "email", ["", "tara", "tara@", "a@b@c.example", f"{250 * 'x'}@acme.example"]
)
def test_an_invalid_e_mail_address_makes_no_account(acme, command, email):
    with pytest.raises(ActionRefused) as refused:
        actions.create_account(command, acme, email, "", Role.ADMIN)

    assert str(refused.value) == f"{email!r} is not an e-mail address."


def test_a_name_is_one_line(acme, command):
    with pytest.raises(ActionRefused) as refused:
        actions.create_account(command, acme, "tara@acme.example", "Tara\nAdmin", Role.ADMIN)

    assert str(refused.value) == "The name must be one line of 1 to 200 characters."


def test_staff_roles_exist_with_staff_only(acme, operator, command):
    with pytest.raises(ActionRefused) as refused:
        actions.create_account(command, acme, "tara@acme.example", "", Role.OPERATOR)

    assert str(refused.value) == "operator is no role in Acme Ltd: choose one of admin, member."
    with pytest.raises(ActionRefused):
        actions.create_account(command, operator, "alice@mypolicies.example", "", Role.ADMIN)


def test_the_first_operator_comes_with_a_password_in_the_staff_tenant(operator, command):
    account = actions.create_staff(command, "olga@mypolicies.example", PASSWORD)

    with in_tenant(operator):
        stored = Account.objects.get(email="olga@mypolicies.example")
    assert stored.id == account.id
    assert (stored.role, stored.check_password(PASSWORD)) == ("operator", True)
    assert Tenant.objects.filter(is_operator=True).count() == 1


def test_a_password_is_set_for_an_address_in_any_letter_case(acme, tara, command):
    actions.set_password(command, acme, "Tara@acme.example", PASSWORD)

    with in_tenant(acme):
        assert Account.objects.get().check_password(PASSWORD)
    assert last_entry(acme) == ("password set", "tara@acme.example", {})


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        (
            "short",
            "This password is too short. It must contain at least 12 characters.",
        ),
        ("tara@acme.example", "The password is too similar to the email."),
        ("finalfantasy", "This password is too common."),
    ],
)
def test_a_weak_password_is_refused_and_changes_nothing(acme, tara, command, password, sentence):
    with pytest.raises(ActionRefused) as refused:
        actions.set_password(command, acme, "tara@acme.example", password)

    assert str(refused.value) == sentence
    with in_tenant(acme):
        assert not Account.objects.get().has_usable_password()


def test_an_account_of_another_tenant_is_not_found(globex, tara, command):
    with pytest.raises(ActionRefused) as refused:
        actions.set_password(command, globex, "tara@acme.example", PASSWORD)

    assert str(refused.value) == f"{globex} has no account tara@acme.example."


def test_a_role_can_be_changed(acme, tara, command):
    actions.create_account(command, acme, "tom@acme.example", "", Role.MEMBER)

    account = actions.change_role(command, acme, "tom@acme.example", Role.ADMIN)

    assert account.role == Role.ADMIN
    assert last_entry(acme) == (
        "role changed",
        "tom@acme.example",
        {"from": "member", "to": "admin"},
    )


def test_the_last_active_admin_keeps_the_role(acme, tara, command):
    tim = actions.create_account(command, acme, "tim@acme.example", "", Role.ADMIN)
    actions.deactivate_account(command, acme, tim.email)

    with pytest.raises(ActionRefused) as refused:
        actions.change_role(command, acme, tara.email, Role.MEMBER)

    assert str(refused.value) == (
        "tara@acme.example is the last active tenant admin: make another account one first."
    )
    with in_tenant(acme):
        assert Account.objects.get(id=tara.id).role == Role.ADMIN


def test_the_last_active_admin_cannot_be_deactivated(acme, tara, command):
    with pytest.raises(ActionRefused):
        actions.deactivate_account(command, acme, tara.email)

    with in_tenant(acme):
        assert Account.objects.get().is_active


def test_the_last_active_operator_stays_too(operator, command):
    actions.create_staff(command, "olga@mypolicies.example", PASSWORD)
    with in_tenant(operator):
        others = Account.objects.filter(role=Role.OPERATOR).exclude(email="olga@mypolicies.example")
        others.update(is_active=False)

    with pytest.raises(ActionRefused) as refused:
        actions.deactivate_account(command, operator, "olga@mypolicies.example")

    assert str(refused.value) == (
        "olga@mypolicies.example is the last active operator: make another account one first."
    )


def test_of_two_admins_who_demote_each_other_one_remains(real_tenants, command):
    initech, _ = real_tenants
    emails = ["ina@initech.example", "ike@initech.example"]
    for email in emails:
        actions.create_account(command, initech, email, "", Role.ADMIN)

    def demote(email):
        try:
            actions.change_role(command, initech, email, Role.MEMBER)
        except ActionRefused:
            return "refused"
        finally:
            connection.close()
        return "demoted"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(demote, emails)) == ["demoted", "refused"]


def test_an_admin_may_become_an_admin_again(acme, tara, command):
    assert actions.change_role(command, acme, tara.email, Role.ADMIN).role == Role.ADMIN


def test_a_deactivated_account_can_be_reactivated(acme, tara, command):
    actions.create_account(command, acme, "tom@acme.example", "", Role.MEMBER)

    assert not actions.deactivate_account(command, acme, "tom@acme.example").is_active
    assert last_entry(acme) == ("account deactivated", "tom@acme.example", {})
    assert actions.reactivate_account(command, acme, "tom@acme.example").is_active
    assert last_entry(acme) == ("account reactivated", "tom@acme.example", {})


def test_a_refused_act_leaves_neither_account_nor_audit_entry(operator, command):
    before = entries(operator)

    with pytest.raises(ActionRefused):
        actions.create_staff(command, "olga@mypolicies.example", "short")

    with in_tenant(operator):
        assert not Account.objects.filter(email="olga@mypolicies.example").exists()
    assert entries(operator) == before


def test_support_may_not_touch_accounts(acme, tara, alice):
    with pytest.raises(NotPermitted):
        actions.create_account(alice, acme, "mallory@acme.example", "", Role.ADMIN)
    with pytest.raises(NotPermitted):
        actions.create_staff(alice, "mallory@mypolicies.example", PASSWORD)
    with pytest.raises(NotPermitted):
        actions.set_password(alice, acme, tara.email, PASSWORD)
    with pytest.raises(NotPermitted):
        actions.change_role(alice, acme, tara.email, Role.MEMBER)
    with pytest.raises(NotPermitted):
        actions.deactivate_account(alice, acme, tara.email)
    with pytest.raises(NotPermitted):
        actions.reactivate_account(alice, acme, tara.email)


def test_an_act_of_a_tenants_own_account_is_audited_in_the_tenant_only(acme, tara, operator):
    before = entries(operator)
    actor = Actor("tara@acme.example (acme)", None, frozenset({"accounts.add_account"}), acme.id)

    actions.create_account(actor, acme, "tom@acme.example", "", Role.MEMBER)

    assert last_entry(acme) == ("account created", "tom@acme.example", {"role": "member"})
    assert entries(operator) == before


def last_entry(tenant):
    with in_tenant(tenant):
        return AuditEntry.objects.values_list("act", "subject", "details").first()


def entries(tenant):
    with in_tenant(tenant):
        return AuditEntry.objects.count()
