"""Permissions, role by role and place by place."""

import pytest

from accounts.actions import Actor
from accounts.models import Account
from accounts.permissions import GRANTS, SEEN_BY_ADMINS, Role, grants
from tenants.current import in_tenant

SEE = {
    "scim.view_user",
    "scim.view_group",
    "scim.view_provisioningevent",
    "scim.view_attributechange",
    "scim.view_extensionschema",
    "scim.view_eventstream",
    "scim.view_delivery",
    "tenants.view_alarm",
    "scim.view_departure",
    "tenants.view_problem",
    "tenants.view_reconciliation",
    "scim.view_difference",
    "accounts.view_secrettoken",
    "accounts.view_oauthclient",
    "accounts.view_identityprovider",
    "accounts.view_logo",
}
PEOPLE = {
    "scim.view_personal_data",
    "scim.export_user",
    "scim.export_provisioningevent",
    "tenants.add_reconciliation",
    "tenants.delete_reconciliation",
    "scim.export_difference",
    "scim.export_departure",
}
SEE_ALL = SEE | {
    "tenants.view_tenant",
    "tenants.view_domain",
    "accounts.view_account",
    "accounts.view_auditentry",
    "tenants.view_mail",
    "accounts.view_credentialrequest",
    "accounts.change_own_account",
}
TOKENS = {
    "accounts.add_secrettoken",
    "accounts.revoke_secrettoken",
    "accounts.move_secrettoken",
    "accounts.restrict_secrettoken",
    "accounts.add_oauthclient",
    "accounts.revoke_oauthclient",
    "accounts.restrict_oauthclient",
    "accounts.add_clientsecret",
    "accounts.revoke_clientsecret",
}
STREAMS = {
    "scim.add_eventstream",
    "scim.delete_eventstream",
    "scim.skip_delivery",
    "scim.rotate_signingkey",
}
MUTE = {"tenants.mute_problem"}
GUARD = {"tenants.settle_alarm", "tenants.change_guard"}
KEEPING = {"scim.erase_user", "tenants.change_retention", "tenants.change_legalhold"}
SUPPORT = (
    SEE_ALL
    | TOKENS
    | MUTE
    | {"scim.replay_provisioningevent", "scim.change_eventstream", "tenants.view_as_admin"}
    | {"accounts.invite_account", "accounts.unlock_account", "tenants.retry_mail"}
    | {"accounts.reset_factors"}
)
LEAD = (
    SUPPORT
    | PEOPLE
    | STREAMS
    | GUARD
    | KEEPING
    | {"accounts.export_auditentry", "accounts.change_logo"}
    | {"tenants.suspend_tenant", "scim.restore_user", "scim.change_extensionschema"}
    | {"accounts.require_factor", "accounts.require_approval", "accounts.add_endless_token"}
)


def test_a_tenant_admin_sees_and_exports_what_is_provisioned_and_acts_on_admins_and_alarms():
    assert grants(Role.ADMIN) == SEE | PEOPLE | GUARD | MUTE | {
        "accounts.view_auditentry",
        "accounts.export_auditentry",
        "accounts.view_account",
        "accounts.change_own_account",
        "accounts.invite_account",
        "accounts.remove_account",
        "accounts.require_factor",
        "accounts.require_approval",
        "accounts.view_credentialrequest",
        "accounts.unlock_account",
        "accounts.change_identityprovider",
        "accounts.change_logo",
    }


def test_a_member_sees_nothing():
    assert grants(Role.MEMBER) == frozenset()


def test_an_auditor_sees_everything_but_personal_data_and_changes_nothing():
    assert grants(Role.AUDITOR) == SEE_ALL | {"accounts.export_auditentry"}


def test_support_handles_tokens_replays_requests_and_views_as_tenant_admin():
    assert grants(Role.SUPPORT) == SUPPORT


def test_a_support_lead_suspends_tenants_restores_users_and_sees_personal_data_too():
    assert grants(Role.SUPPORT_LEAD) == LEAD


def test_an_operator_creates_tenants_hosts_and_accounts_too():
    assert grants(Role.OPERATOR) == LEAD | {
        "tenants.add_tenant",
        "tenants.export_tenant",
        "tenants.remove_tenant",
        "tenants.move_tenant",
        "tenants.add_domain",
        "tenants.delete_domain",
        "accounts.add_account",
        "accounts.change_account",
        "accounts.invite_account",
        "accounts.remove_account",
        "accounts.change_identityprovider",
        "accounts.stop_approval",
    }


def test_every_role_is_in_the_table_and_an_unknown_one_may_nothing():
    assert set(GRANTS) == set(Role)
    assert grants("owner") == frozenset()


def test_nobody_may_add_change_or_delete_a_log_or_what_is_provisioned():
    """Restoring undoes a deletion, replaying leaves nothing, what is skipped stays in the log, and only
    personal data of deleted users are erased.
    """
    everything = frozenset().union(*GRANTS.values())

    assert {
        perm.partition(".")[2].partition("_")[0]
        for perm in everything
        if perm.startswith("scim.") or "audit" in perm
    } == {
        "view",
        "export",
        "replay",
        "restore",
        "add",
        "change",
        "delete",
        "rotate",
        "skip",
        "erase",
    }


def test_an_account_answers_djangos_questions_from_its_role():
    account = Account(email="tara@acme.example", role=Role.ADMIN)

    assert account.is_staff
    assert account.has_perms(["scim.view_user", "accounts.view_secrettoken"])
    assert not account.has_perms(["scim.view_user", "accounts.add_secrettoken"])
    assert account.has_module_perms("scim")
    assert not account.has_perm("tenants.view_tenant")
    assert not account.has_module_perms("config")


def test_permissions_to_see_include_no_permission_to_act():
    seen = {
        "scim.view_personal_data",
        "accounts.view_account",
        "accounts.view_auditentry",
        "accounts.view_credentialrequest",
    }

    assert seen | SEE == SEEN_BY_ADMINS


def test_a_confined_account_keeps_of_its_own_permissions_and_gains_none(operator, acme):
    account = Account(email="alice@mypolicies.example", role=Role.SUPPORT)
    account.confined_to = SEEN_BY_ADMINS
    actor = Actor.account(account, operator, None)

    also = {
        "accounts.view_account",
        "accounts.view_auditentry",
        "accounts.view_credentialrequest",
    }
    assert account.permissions == actor.permissions == SEE | also
    assert account.has_perm("scim.view_user")
    assert not account.has_perm("scim.view_personal_data")
    assert not account.has_perms(["scim.view_user", "accounts.add_secrettoken"])
    assert account.has_module_perms("tenants")
    assert not actor.may("accounts.add_secrettoken", acme)


def test_an_inactive_account_and_a_member_may_nothing():
    inactive = Account(email="tara@acme.example", role=Role.OPERATOR, is_active=False)
    member = Account(email="tom@acme.example", role=Role.MEMBER)

    for account in (inactive, member):
        assert not account.is_staff
        assert not account.has_perm("scim.view_user")
        assert not account.has_module_perms("scim")


def test_staff_act_in_every_tenant_and_in_the_registry(acme, globex, operator):
    actor = Actor.account(Account(role=Role.OPERATOR), operator, None)

    assert actor.may("accounts.add_account", acme)
    assert actor.may("accounts.add_account", globex)
    assert actor.may("tenants.add_tenant", None)
    assert not actor.may("tenants.delete_tenant", acme)


def test_a_tenants_own_account_acts_in_that_tenant_only(acme, globex):
    actor = Actor.account(Account(role=Role.ADMIN), acme, None)

    assert actor.may("scim.view_user", acme)
    assert not actor.may("scim.view_user", globex)
    assert not actor.may("scim.view_user", None)


def test_an_inactive_account_acts_nowhere(operator, acme):
    actor = Actor.account(Account(role=Role.OPERATOR, is_active=False), operator, None)

    assert not actor.may("accounts.view_account", acme)


def test_an_actor_made_by_hand_may_nothing_and_a_command_everything(acme):
    assert not Actor("someone").may("scim.view_user", acme)
    assert Actor.command().may("tenants.add_tenant", None)


@pytest.mark.parametrize("spelling", ["tara@acme.example", " Tara@ACME.example "])
def test_an_account_is_found_by_its_address_in_any_letter_case(acme, tara, spelling):
    with in_tenant(acme):
        assert Account.objects.get_by_natural_key(spelling) == tara
