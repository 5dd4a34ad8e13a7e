"""Every administrative action: authorize, act, audit, in one transaction. Nothing else writes.

Screens and commands call these and nothing below them. Each action opens its own transaction (a
savepoint inside a request's), checks the actor's permission, and leaves an audit entry that commits
or vanishes with it. A refusal is an ActionRefused with a sentence for the person.
"""

from accounts.actions.accounts import (
    change_role,
    create_account,
    create_staff,
    deactivate_account,
    reactivate_account,
    remove_admin,
    set_password,
    unlock_account,
)
from accounts.actions.allowed_addresses import AllowedFrom, follow_preset, update_preset
from accounts.actions.clients import (
    SECRET_YEARS,
    ClientRequest,
    CreatedClient,
    add_client_secret,
    create_oauth_client,
    restrict_client,
    revoke_client_secret,
    revoke_oauth_client,
)
from accounts.actions.logos import change_logo, remove_logo
from accounts.actions.mails import (
    accept_invitation,
    can_be_invited,
    invite_admin,
    send_invitation,
)
from accounts.actions.performing import ActionRefused, NotPermitted
from accounts.actions.tenants import (
    add_host,
    create_tenant,
    end_view_as_admin,
    remove_host,
    resume_tenant,
    start_view_as_admin,
    suspend_tenant,
)
from accounts.actions.tokens import (
    EXPIRY_DAYS,
    Minted,
    Overlap,
    TokenRequest,
    mint_token,
    move_token,
    restrict_token,
    revoke_token,
)
from accounts.audit import Actor

__all__ = [
    "EXPIRY_DAYS",
    "SECRET_YEARS",
    "ActionRefused",
    "Actor",
    "AllowedFrom",
    "ClientRequest",
    "CreatedClient",
    "Minted",
    "NotPermitted",
    "Overlap",
    "TokenRequest",
    "accept_invitation",
    "add_client_secret",
    "add_host",
    "can_be_invited",
    "change_logo",
    "change_role",
    "create_account",
    "create_oauth_client",
    "create_staff",
    "create_tenant",
    "deactivate_account",
    "end_view_as_admin",
    "follow_preset",
    "invite_admin",
    "mint_token",
    "move_token",
    "reactivate_account",
    "remove_admin",
    "remove_host",
    "remove_logo",
    "restrict_client",
    "restrict_token",
    "resume_tenant",
    "revoke_client_secret",
    "revoke_oauth_client",
    "revoke_token",
    "send_invitation",
    "set_password",
    "start_view_as_admin",
    "suspend_tenant",
    "unlock_account",
    "update_preset",
]
