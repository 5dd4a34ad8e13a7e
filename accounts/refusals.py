"""A way to be refused, and the rows of the catalogue for tokens, OAuth requests and actions.

Each refusal carries the id of a row. A row is read by people: support staff on a request's page, tenant
admins in their provisioning log, everybody in docs/entra.md. `scim.refusals` gathers all rows.
"""

from dataclasses import dataclass
from typing import Final

from accounts.pictures import LEAST_SIDE, MOST_BYTES, MOST_SIDE


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal, with the rule behind it, the remedy and its place."""

    id: str
    sentence: str
    rule: str
    remedy: str
    place: str


CREDENTIALS: Final = "Entra: Provisioning → Admin Credentials"
CLIENT: Final = "The OAuth client's own settings"
TOKENS: Final = "myPolicies: the tenant's Secret tokens"
ACCOUNTS: Final = "myPolicies: the tenant's Accounts"
TENANTS: Final = "myPolicies: Tenants → the tenant"
CLIENTS: Final = "myPolicies: the tenant's OAuth clients"
_BEARER: Final = "myPolicies: secret tokens (RFC 6750 §3.1)"
_ADDRESSES: Final = (
    "myPolicies: a secret token or OAuth client may have a list of addresses that it works from"
)
_ADD_ADDRESS: Final = (
    "If the address is that of your provisioning service, add it on the client's page, or update the ranges of"
    " Microsoft Entra ID. Otherwise somebody else has the client's credentials: revoke them."
)
_ACCESS: Final = "RFC 6750 §3.1: access tokens"
_INVALID_CLIENT: Final = "RFC 6749 §5.2: invalid_client"
_ADMIN: Final = "myPolicies: credentials work as long as their account has Admin permissions"
_GUESSING: Final = "myPolicies: attempts to sign in are limited by account and by address"
_BACKUPS: Final = "myPolicies: backups of tenants"
_COMMANDS: Final = "The command line: manage.py tenant"
_APPROVAL: Final = "myPolicies: one person requests a credential, another one approves it"
_REQUESTS: Final = "myPolicies: the tenant's Credential requests"
_PRESETS: Final = "Microsoft: Azure IP Ranges and Service Tags, tag AzureActiveDirectory"
_PRESET_COMMAND: Final = "The command line: manage.py address_preset"
_AGAIN: Final = "Request another access token; OAuth clients do so automatically."

ROWS: Final = (
    Refusal(
        "token.missing",
        "The request has no secret token.",
        _BEARER,
        "Enter the secret token, press Test Connection, then Save.",
        CREDENTIALS,
    ),
    Refusal(
        "token.malformed",
        "The value sent is not a myPolicies secret token: it is incomplete or mistyped.",
        _BEARER,
        "Copy the complete secret token, without blanks. It is shown only once: if it is lost,"
        " generate another one on the tenant's page.",
        CREDENTIALS,
    ),
    Refusal(
        "token.unknown",
        "The tenant has no such secret token; it may be another tenant's.",
        _BEARER,
        "Compare the Tenant URL with that of the tenant, then enter a secret token that was"
        " generated for it.",
        CREDENTIALS,
    ),
    Refusal(
        "token.revoked",
        "The secret token was revoked.",
        _BEARER,
        "Generate a new secret token on the tenant's page and enter it in Entra. The audit log"
        " shows who revoked the old one.",
        CREDENTIALS,
    ),
    Refusal(
        "token.expired",
        "The secret token has expired.",
        _BEARER,
        "Generate a new secret token on the tenant's page and enter it in Entra. Choose an expiry"
        " date on which somebody is there to renew it.",
        CREDENTIALS,
    ),
    Refusal(
        "token.not-admin",
        "The account that the secret token was issued for is deactivated or no longer an admin.",
        _ADMIN,
        "Give the account its Admin permissions back, or move the token to another admin account;"
        " the value in Entra stays the same.",
        f"{TOKENS} and Accounts",
    ),
    Refusal(
        "token.address",
        "The secret token came from an address that is not among its allowed addresses.",
        _ADDRESSES,
        "If the address is that of your provisioning service, add it on the token's page, or update the"
        " ranges of Microsoft Entra ID. Otherwise somebody else has the token: rotate it.",
        TOKENS,
    ),
    Refusal(
        "token.scope",
        "The access token was requested for less than this.",
        "RFC 6750 §3.1: insufficient_scope",
        "Request the access token with the scope that the detail names.",
        CLIENT,
    ),
    Refusal(
        "access-token.malformed",
        "The access token is incomplete or mistyped.",
        _ACCESS,
        _AGAIN,
        CLIENT,
    ),
    Refusal(
        "access-token.unknown",
        "The tenant has no such access token: it expired long ago, or is another tenant's.",
        _ACCESS,
        f"{_AGAIN} If this repeats, compare the token endpoint with the tenant's.",
        CLIENT,
    ),
    Refusal(
        "access-token.revoked",
        "The OAuth client, or the client secret that the access token was requested with, was"
        " revoked.",
        _ACCESS,
        "Add a client secret, or another client, and enter it in Entra.",
        CLIENTS,
    ),
    Refusal(
        "access-token.expired",
        "The access token has expired.",
        _ACCESS,
        _AGAIN,
        CLIENT,
    ),
    Refusal(
        "access-token.not-admin",
        "The account that the OAuth client was issued for is deactivated or no longer an admin.",
        _ADMIN,
        "Give the account its Admin permissions back, or add a client for another admin account.",
        f"{CLIENTS} and Accounts",
    ),
    Refusal(
        "access-token.address",
        "The access token came from an address that is not among its client's allowed addresses.",
        _ADDRESSES,
        _ADD_ADDRESS,
        CLIENTS,
    ),
    Refusal(
        "client.malformed",
        "The value sent is not a myPolicies client secret: it is incomplete or mistyped.",
        _INVALID_CLIENT,
        "Copy the complete client secret; if it is lost, add another one.",
        CREDENTIALS,
    ),
    Refusal(
        "client.unknown",
        "The tenant has no such OAuth client, or the client secret is not the client's.",
        _INVALID_CLIENT,
        "Compare client id, client secret and token endpoint with those of the tenant.",
        CREDENTIALS,
    ),
    Refusal(
        "client.revoked",
        "The OAuth client or its client secret was revoked.",
        _INVALID_CLIENT,
        "Add a client secret, or another client, and enter it in Entra.",
        CLIENTS,
    ),
    Refusal(
        "client.expired",
        "The client secret has expired.",
        _INVALID_CLIENT,
        "Add a client secret and enter it in Entra.",
        CLIENTS,
    ),
    Refusal(
        "client.not-admin",
        "The account that the OAuth client was issued for is deactivated or no longer an admin.",
        _ADMIN,
        "Give the account its Admin permissions back, or add a client for another admin account.",
        f"{CLIENTS} and Accounts",
    ),
    Refusal(
        "client.address",
        "The OAuth client asked for an access token from an address that is not among its allowed addresses.",
        _ADDRESSES,
        _ADD_ADDRESS,
        CLIENTS,
    ),
    Refusal(
        "assertion.refused",
        "The client assertion is not one that a key of the client signed for this tenant now.",
        "RFC 7523 §3, RFC 7521 §4.2",
        "Compare key, audience and clock as the detail says.",
        CLIENT,
    ),
    Refusal(
        "assertion.used",
        "The client assertion has been used before.",
        "RFC 7523 §3: jti",
        "Sign an assertion for each request.",
        CLIENT,
    ),
    Refusal(
        "oauth.request",
        "The request for an access token is not built as the token endpoint expects.",
        "RFC 6749 §2.3, §3.2, §5.2: invalid_request, invalid_client",
        "Send the form that the detail describes, with one way of authentication.",
        CLIENT,
    ),
    Refusal(
        "oauth.grant-type",
        "The token endpoint serves the client credentials grant only.",
        "RFC 6749 §4.4, §5.2: unsupported_grant_type",
        "Set the grant type to client_credentials.",
        CLIENT,
    ),
    Refusal(
        "oauth.scope",
        "The scope requested does not exist.",
        "RFC 6749 §3.3, §5.2: invalid_scope",
        "Request one of the scopes that the detail names, or none for all of them.",
        CLIENT,
    ),
    # Actions, on screens and in commands
    Refusal(
        "action.not-permitted",
        "The role of the account does not include the action.",
        "myPolicies: roles",
        "Ask an account whose role includes it, or have the role changed.",
        ACCOUNTS,
    ),
    Refusal(
        "action.not-found",
        "The tenant has nothing of that name or id.",
        "myPolicies: names and ids are those of one tenant",
        "Compare the name or id, and the tenant, with the list.",
        "myPolicies: the tenant's page",
    ),
    Refusal(
        "action.too-late",
        "It has changed since the page was loaded: it has ended, or somebody else has dealt with it.",
        "myPolicies: an action is done once",
        "Load the page again to see the current state.",
        "myPolicies: the page of the action",
    ),
    Refusal(
        "action.range",
        "A number or date is outside its limits, or there are as many as there may be.",
        "myPolicies: limits",
        "Choose a value within the limits that the message names.",
        "myPolicies: the form of the action",
    ),
    Refusal(
        "logo.unfit",
        "The file is no picture that can be a logo.",
        f"myPolicies: PNG or JPEG, up to {MOST_BYTES // 1024} kB, each side {LEAST_SIDE} to {MOST_SIDE:,} pixels",
        "Export the logo as PNG or JPEG in a smaller size, then upload it again.",
        "myPolicies: the tenant's Logo",
    ),
    Refusal(
        "action.text",
        "A text is empty, too long or longer than one line.",
        "myPolicies: labels and reasons are one line",
        "Enter one line without control characters.",
        "myPolicies: the form of the action",
    ),
    Refusal(
        "action.arguments",
        "Two options of the command contradict each other.",
        "myPolicies: commands",
        "See the command's --help.",
        "The command line",
    ),
    Refusal(
        "tenant.domain-invalid",
        "The text cannot be a custom domain.",
        "RFC 1035 §2.3.1: labels; RFC 5890 §2.3.1",
        "Use 1 to 63 letters (a to z), digits and hyphens, with no hyphen first or last.",
        TENANTS,
    ),
    Refusal(
        "tenant.domain-reserved",
        "The custom domain is reserved for myPolicies.",
        "myPolicies: reserved names",
        "Choose another custom domain.",
        TENANTS,
    ),
    Refusal(
        "backup.file",
        "The file of the backup cannot be written or read.",
        _BACKUPS,
        "Name a new file in a folder that exists, on a disk with room, or one that may be read.",
        _COMMANDS,
    ),
    Refusal(
        "backup.damaged",
        "The file is no backup of a tenant, or it is not as it was written.",
        _BACKUPS,
        "Use another copy of the file: nothing of this one was put back.",
        _COMMANDS,
    ),
    Refusal(
        "backup.newer",
        "The backup was made by a newer version of the program.",
        _BACKUPS,
        "Upgrade the program, then restore.",
        _COMMANDS,
    ),
    Refusal(
        "backup.present",
        "The tenant of the backup is here already.",
        _BACKUPS,
        "Delete or archive the tenant first, or clone it.",
        _COMMANDS,
    ),
    Refusal(
        "tenant.held",
        "The tenant or one of its users is under legal hold.",
        "myPolicies: legal holds",
        "Lift the hold first, if the case is closed.",
        TENANTS,
    ),
    Refusal(
        "tenant.domain-taken",
        "Another tenant has the custom domain or host name.",
        "myPolicies: a host belongs to one tenant",
        "Choose another name, or remove it from the other tenant.",
        TENANTS,
    ),
    Refusal(
        "tenant.host-invalid",
        "The text cannot be an additional host name.",
        "RFC 1035 §2.3.1: host names",
        "Write a complete host name such as idm.example.com, outside of the base domain.",
        TENANTS,
    ),
    Refusal(
        "tenant.schema-exists",
        "The database has a schema of the tenant's name that belongs to no tenant.",
        "myPolicies: one schema a tenant",
        "Rename or drop the schema in the database, or choose another custom domain.",
        "myPolicies operators",
    ),
    Refusal(
        "tenant.by-command",
        "The login that serves cannot create tenants: on Citus a new schema is written to by its owner alone.",
        "myPolicies: two logins on a Citus cluster",
        "Create the tenant with manage.py tenant create, where MIGRATION_DATABASE_URL is set.",
        _COMMANDS,
    ),
    Refusal(
        "tenant.placement",
        "The tenant cannot be moved there: no such node of the database, or one does not answer.",
        "myPolicies: a tenant lies on one node of a Citus cluster",
        "See the nodes with manage.py placement list; wait until both answer.",
        "myPolicies operators",
    ),
    Refusal(
        "tenant.staff",
        "The staff tenant cannot be suspended.",
        "myPolicies: staff sign in there",
        "Suspend the tenant that you meant.",
        TENANTS,
    ),
    Refusal(
        "account.email-invalid",
        "The text is not an e-mail address that accounts can have.",
        "RFC 5321 §4.1.2; myPolicies: one spelling for each address",
        "Enter the complete address; letters in front of the @ are ASCII.",
        ACCOUNTS,
    ),
    Refusal(
        "account.exists",
        "The tenant already has an account with the e-mail address.",
        "myPolicies: one account for each address",
        "Change or reactivate the existing account.",
        ACCOUNTS,
    ),
    Refusal(
        "account.role",
        "The tenant has no such role.",
        "myPolicies: roles",
        "Choose one of the roles that the message names.",
        ACCOUNTS,
    ),
    Refusal(
        "account.last",
        "The account is the last active one of its role; without it nobody could administer.",
        "myPolicies: an admin remains",
        "Give another account the role first.",
        ACCOUNTS,
    ),
    Refusal(
        "account.not-admin",
        "The account is not an active admin of the tenant.",
        _ADMIN,
        "Choose an active admin, or make the account one.",
        ACCOUNTS,
    ),
    Refusal(
        "account.no-operator",
        "There is no active operator yet.",
        "myPolicies: the first account of staff is an operator",
        "Create an account with the role operator first.",
        "The command line",
    ),
    Refusal(
        "account.password",
        "The password is too easy to guess.",
        "NIST SP 800-63B §5.1.1",
        "Choose a longer password that is not a common one.",
        "myPolicies: the form of the action",
    ),
    Refusal(
        "invitation.staff",
        "Only tenant admins are invited to a tenant.",
        "myPolicies: staff have accounts of their own",
        "Add an account, then invite it.",
        ACCOUNTS,
    ),
    Refusal(
        "invitation.ended",
        "The invitation has been used, replaced or withdrawn, or has expired.",
        "myPolicies: an invitation works once",
        "Ask for another invitation.",
        ACCOUNTS,
    ),
    Refusal(
        "client.keys",
        "The text is not a set of public keys that are strong enough.",
        "RFC 7517 §5, RFC 7518 §3",
        "Give the public keys as a JWK set, as the message says.",
        CLIENTS,
    ),
    Refusal(
        "viewing.running",
        "Staff can view one tenant at a time as its admins do.",
        "myPolicies: viewing as a tenant admin",
        "Stop viewing the other tenant first.",
        TENANTS,
    ),
    Refusal(
        "sign-in.too-early",
        "Several sign-ins to the account, or from the address, have failed.",
        _GUESSING,
        "Wait as long as the page says, then try again.",
        ACCOUNTS,
    ),
    Refusal(
        "sign-in.locked",
        "Sign-in is locked after too many failed attempts.",
        _GUESSING,
        "Wait a quarter of an hour, or have an admin or support unlock the account.",
        ACCOUNTS,
    ),
    Refusal(
        "sign-in.busy",
        "Too many sign-ins at the same moment.",
        "myPolicies: hashing passwords never takes the threads of provisioning",
        "Try again in a second.",
        ACCOUNTS,
    ),
    Refusal(
        "sign-in.sealed",
        "The secret of an authenticator app cannot be read.",
        "myPolicies: such secrets are encrypted under SECRET_KEY, which has changed",
        "Add the former key to SECRET_KEY_FALLBACKS; or sign in with a recovery code, or have the second"
        " factor reset.",
        ACCOUNTS,
    ),
    Refusal(
        "factor.code",
        "The code is not the one that the authenticator app shows.",
        "RFC 6238: codes follow from a shared secret and the time",
        "Type the newest code; check the clock of the device.",
        "myPolicies: Your account",
    ),
    Refusal(
        "factor.last",
        "The last second factor of an account that needs one cannot be removed.",
        "myPolicies: staff need a second factor, and admins where the tenant says so",
        "Set up another one first; who has lost a device is reset by support.",
        "myPolicies: Your account",
    ),
    Refusal(
        "password.link-ended",
        "The link for a forgotten password no longer works.",
        "myPolicies: such a link works once, for an hour, until the account signs in",
        "Ask for another one on the sign-in page.",
        "The sign-in page",
    ),
    Refusal(
        "password.links",
        "Too many links for forgotten passwords were asked for from the address.",
        _GUESSING,
        "Try again in an hour.",
        "The sign-in page",
    ),
    Refusal(
        "factor.passkey",
        "What the browser sent is no passkey for this host.",
        "WebAuthn Level 2 §7.1",
        "Open the tenant's own host name, and try again with a current browser.",
        "myPolicies: Your account",
    ),
    Refusal(
        "token.endless",
        "The role does not include secret tokens that never expire.",
        "myPolicies: a support lead answers for tokens without an end, and gives the reason",
        "Choose an expiry, or have a support lead or an operator generate the token.",
        TOKENS,
    ),
    Refusal(
        "token.networks",
        "The list of a credential's allowed addresses cannot be used as it is.",
        _ADDRESSES,
        "Write addresses and networks in CIDR notation, as the message says.",
        TOKENS,
    ),
    Refusal(
        "token.leaves-out",
        "The list of allowed addresses leaves out an address from which a credential was used in the last days.",
        _ADDRESSES,
        "Add the address, or confirm that requests from there may be refused from now on.",
        TOKENS,
    ),
    Refusal(
        "token.needs-approval",
        "The tenant, or staff for all tenants, requires that a second person approves credentials.",
        _APPROVAL,
        "Request the token on the tenant's page, or with manage.py token mint, and have it approved.",
        _REQUESTS,
    ),
    Refusal(
        "token.second-person",
        "The request has to be approved by another person of staff, and is for the one who made it.",
        _APPROVAL,
        "Have somebody else approve it on the staff site; generate the credential yourself.",
        _REQUESTS,
    ),
    Refusal(
        "token.not-approved",
        "The request for a credential has not been approved, has expired, or was used before.",
        _APPROVAL,
        "Look at its state; make the request again.",
        _REQUESTS,
    ),
    Refusal(
        "client.needs-approval",
        "The tenant, or staff for all tenants, requires that a second person approves OAuth clients and secrets.",
        _APPROVAL,
        "Request it on the tenant's page, or with manage.py client create or add-secret, and have it approved.",
        _REQUESTS,
    ),
    Refusal(
        "preset.missing",
        "The published address ranges of Microsoft Entra ID have not been loaded into this installation.",
        _PRESETS,
        "Load Microsoft's file with manage.py address_preset update.",
        _PRESET_COMMAND,
    ),
    Refusal(
        "preset.file",
        "The file is not Microsoft's list of service tags, or lacks the ranges that are needed.",
        _PRESETS,
        "Download the file from Microsoft again, and do not rename or edit it.",
        _PRESET_COMMAND,
    ),
    Refusal(
        "preset.older",
        "The file is older than the ranges that are in use.",
        _PRESETS,
        "Download the newest file.",
        _PRESET_COMMAND,
    ),
)
