"""The permissions of each role: a table, and nothing else.

Permissions are Django's own strings (`app.action_model`), which the admin asks for.
"""

from collections.abc import Mapping
from typing import Final

from django.db import models


class Role(models.TextChoices):
    """The role of an account. The first two exist in tenants, the rest in `support`."""

    ADMIN = "admin", "Tenant admin"
    MEMBER = "member", "Member"
    SUPPORT = "support", "Support"
    SUPPORT_LEAD = "support_lead", "Support lead"
    AUDITOR = "auditor", "Auditor"
    OPERATOR = "operator", "Operator"


TENANT_ROLES: Final = (Role.ADMIN, Role.MEMBER)
STAFF_ROLES: Final = (Role.SUPPORT, Role.SUPPORT_LEAD, Role.AUDITOR, Role.OPERATOR)

# Without it, names, addresses and the like of provisioned people are masked.
PERSONAL_DATA: Final = "scim.view_personal_data"
# Looking at a tenant as its own admins do (accounts.viewing).
VIEW_AS_ADMIN: Final = "tenants.view_as_admin"
# Generating secret tokens; staff who may are warned before credentials end.
MINT: Final = "accounts.add_secrettoken"

# Looking after the account that is signed in: its sessions and second factors.
OWN_ACCOUNT: Final = "accounts.change_own_account"
# Ending the lock that follows wrong passwords, on accounts of a tenant (accounts.guessing).
UNLOCK: Final = "accounts.unlock_account"

# Resetting the second factors of a tenant's account; requiring them in a tenant (accounts.factors).
RESET_FACTORS: Final = "accounts.reset_factors"
REQUIRE_FACTOR: Final = "accounts.require_factor"

# Requiring a second person's approval of new secret tokens, and no longer (accounts.approvals).
REQUIRE_APPROVAL: Final = "accounts.require_approval"
STOP_APPROVAL: Final = "accounts.stop_approval"
VIEW_REQUESTS: Final = "accounts.view_credentialrequest"

# Uploading and removing the picture beside a tenant's name.
CHANGE_LOGO: Final = "accounts.change_logo"

# Generating secret tokens that never expire.
MINT_ENDLESS: Final = "accounts.add_endless_token"

_SEE_PROVISIONING: Final = frozenset(
    {
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
    }
)
# Taking the audit log away as a file.
EXPORT_AUDIT: Final = "accounts.export_auditentry"
_MUTE: Final = frozenset({"tenants.mute_problem"})
_GUARD: Final = frozenset({"tenants.settle_alarm", "tenants.change_guard"})
_SEE_PEOPLE: Final = frozenset(
    {
        PERSONAL_DATA,
        "scim.export_user",
        "scim.export_provisioningevent",
        # A file of Entra's users is handed over, and seen again.
        "tenants.add_reconciliation",
        "tenants.delete_reconciliation",
        "scim.export_difference",
        "scim.export_departure",
    }
)
_SEE_ALL: Final = _SEE_PROVISIONING | {
    "tenants.view_tenant",
    "tenants.view_domain",
    "accounts.view_account",
    "accounts.view_secrettoken",
    "accounts.view_oauthclient",
    "accounts.view_auditentry",
    "accounts.view_identityprovider",
    "accounts.view_logo",
    "tenants.view_mail",
    VIEW_REQUESTS,
    OWN_ACCOUNT,
}
_SUPPORT: Final = (_SEE_ALL | _MUTE) | {
    "tenants.retry_mail",
    VIEW_AS_ADMIN,
    "scim.replay_provisioningevent",
    "accounts.invite_account",
    UNLOCK,
    RESET_FACTORS,
    MINT,
    "accounts.revoke_secrettoken",
    "accounts.move_secrettoken",
    "accounts.restrict_secrettoken",
    "accounts.add_oauthclient",
    "accounts.revoke_oauthclient",
    "accounts.restrict_oauthclient",
    "accounts.add_clientsecret",
    "accounts.revoke_clientsecret",
    "scim.change_eventstream",
}
_LEAD: Final = (
    _SUPPORT
    | _SEE_PEOPLE
    | _GUARD
    | {
        EXPORT_AUDIT,
        CHANGE_LOGO,
        "tenants.suspend_tenant",
        MINT_ENDLESS,
        REQUIRE_APPROVAL,
        REQUIRE_FACTOR,
        "scim.restore_user",
        "scim.erase_user",
        "tenants.change_retention",
        "tenants.change_legalhold",
        "scim.change_extensionschema",
        # A stream carries personal data of the whole tenant.
        "scim.add_eventstream",
        "scim.delete_eventstream",
        "scim.skip_delivery",
        "scim.rotate_signingkey",
    }
)
_OPERATE: Final = _LEAD | {
    "tenants.add_tenant",
    "tenants.export_tenant",
    "tenants.remove_tenant",
    "tenants.move_tenant",
    "tenants.add_domain",
    "tenants.delete_domain",
    "accounts.add_account",
    "accounts.change_account",
    "accounts.remove_account",
    "accounts.change_identityprovider",
    STOP_APPROVAL,
}

GRANTS: Final[Mapping[str, frozenset[str]]] = {
    Role.ADMIN: _SEE_PROVISIONING
    | _SEE_PEOPLE
    | _GUARD
    | _MUTE
    | {
        "accounts.view_auditentry",
        EXPORT_AUDIT,
        "accounts.view_secrettoken",
        VIEW_REQUESTS,
        "accounts.view_oauthclient",
        "accounts.view_account",
        "accounts.invite_account",
        "accounts.remove_account",
        OWN_ACCOUNT,
        REQUIRE_APPROVAL,
        REQUIRE_FACTOR,
        UNLOCK,
        "accounts.view_identityprovider",
        "accounts.change_identityprovider",
        "accounts.view_logo",
        CHANGE_LOGO,
    },
    Role.MEMBER: frozenset(),
    Role.SUPPORT: _SUPPORT,
    Role.SUPPORT_LEAD: _LEAD,
    Role.AUDITOR: _SEE_ALL | {EXPORT_AUDIT},
    Role.OPERATOR: _OPERATE,
}

# Permissions of tenant admins to see, without those to act.
SEEN_BY_ADMINS: Final = frozenset(perm for perm in GRANTS[Role.ADMIN] if ".view_" in perm)


def grants(role: str) -> frozenset[str]:
    """The permissions of a role; none for a role that is not known."""
    return GRANTS.get(role, frozenset())
