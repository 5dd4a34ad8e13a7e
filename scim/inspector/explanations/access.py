"""Refusals of who asks, and of where: 401, 403, 404, 405."""

from typing import Final

from scim.inspector.explanations.rows import CREDENTIALS, SENDER, Explanation, Row

_TOKENS: Final = "myPolicies: secret tokens (RFC 6750 §3.1)"

ROWS: Final = (
    Row(
        Explanation(
            "token-missing",
            "The request came without a secret token.",
            _TOKENS,
            "Enter the secret token and press Test Connection; then Save.",
            CREDENTIALS,
        ),
        401,
        detail=r"has no secret token",
    ),
    Row(
        Explanation(
            "token-mistyped",
            "What was sent is no myPolicies secret token: a part is missing or a letter is wrong.",
            _TOKENS,
            "Copy the secret token anew, whole and without blanks. It is shown only once: if it is"
            " lost, generate another one on the tenant's page.",
            CREDENTIALS,
        ),
        401,
        detail=r"secret token is not a myPolicies",
    ),
    Row(
        Explanation(
            "token-unknown",
            "The secret token was never given out for this tenant; it may be another tenant's.",
            _TOKENS,
            "Compare the Tenant URL with that of the tenant, then enter a secret token that was"
            " generated for it.",
            CREDENTIALS,
        ),
        401,
        detail=r"secret token is not known",
    ),
    Row(
        Explanation(
            "token-revoked",
            "The secret token was revoked here.",
            _TOKENS,
            "Generate a new secret token on the tenant's page and enter it in Entra. The audit log"
            " says who revoked the old one.",
            CREDENTIALS,
        ),
        401,
        detail=r"secret token .* was revoked",
    ),
    Row(
        Explanation(
            "token-expired",
            "The secret token came to its expiry date.",
            _TOKENS,
            "Generate a new secret token on the tenant's page and enter it in Entra; choose the"
            " expiry so that somebody is there to renew it.",
            CREDENTIALS,
        ),
        401,
        detail=r"secret token .* expired",
    ),
    Row(
        Explanation(
            "access-token-refused",
            "The access token of an OAuth client is mistyped, unknown, expired or revoked.",
            "RFC 6750 §3.1, RFC 6749 §7",
            "Clients request another access token by themselves. If this repeats, look at the OAuth"
            " client on the tenant's page: it, or its secret, may be revoked.",
            CREDENTIALS,
        ),
        401,
        detail=r"access token",
    ),
    Row(
        Explanation(
            "stream-secret",
            "Events were asked for without the secret of an event stream of this tenant.",
            "RFC 8936 §2.4, RFC 6750 §3.1",
            "Send the secret that was shown when the stream was made; if it is lost, make another"
            " stream.",
            "The receiver of the events",
        ),
        401,
        detail=r"event stream|stream's secret",
    ),
    Row(
        Explanation(
            "account-not-admin",
            "The myPolicies account that answers for the token or client is deactivated, or is no"
            " admin any more.",
            "myPolicies: a secret token works as long as its account has Admin permissions",
            "Give the account its Admin permissions back, or move the token to another admin"
            " account; the value in Entra stays.",
            "myPolicies: the tenant's Accounts and Secret tokens",
        ),
        403,
        detail=r"no longer an active admin",
    ),
    Row(
        Explanation(
            "scope-missing",
            "The access token may not do this: it was requested for less.",
            "RFC 6750 §3.1, insufficient_scope",
            "Request the access token with the scope that the detail names.",
            "The OAuth client's own settings",
        ),
        403,
        detail=r"does not have the scope",
    ),
    Row(
        Explanation(
            "discovery-filtered",
            "Schemas, ResourceTypes and ServiceProviderConfig were asked for with a filter.",
            "RFC 7644 §4",
            "Ask for the whole list, or for one entry by its id.",
            SENDER,
        ),
        403,
        detail=r"Discovery endpoints",
    ),
    Row(
        Explanation(
            "tenant-suspended",
            "The tenant is suspended: every request to its host is refused.",
            "myPolicies: suspended tenants",
            "Resume the tenant on the staff site; Entra goes on with its next cycle.",
            "myPolicies: Tenants → the tenant → Resume",
        ),
        403,
        detail=r"is suspended",
    ),
    Row(
        Explanation(
            "host-not-served",
            "No tenant has this host name.",
            "myPolicies: https://<customDomain>.<domain>/scim",
            "Copy the Tenant URL from the tenant's page; look for a typing error in it.",
            CREDENTIALS,
        ),
        404,
        detail=r"is not served here",
    ),
    Row(
        Explanation(
            "resource-not-there",
            "There is no such user or group: it was never here, or it was deleted.",
            "RFC 7644 §3.6, §3.12",
            "Search for the id here: a deleted user can be restored with its id. Otherwise have"
            " Entra match it anew: Provision on demand, or Restart provisioning.",
            "myPolicies: Provisioned users, filter Deleted; Entra: Provision on demand",
        ),
        404,
        detail=r"There is no \w+ with the id",
    ),
    Row(
        Explanation(
            "endpoint-not-there",
            "The path is no SCIM endpoint of this server.",
            "RFC 7644 §3.2",
            "The Tenant URL ends in /scim and nothing follows it; a resource is at /Users or"
            " /Groups, in exactly this spelling.",
            CREDENTIALS,
        ),
        404,
    ),
    Row(
        Explanation(
            "method-not-supported",
            "The endpoint does not know this HTTP method, or not for this path.",
            "RFC 7644 §3.2",
            "Use a method that the header Allow of the answer names.",
            SENDER,
        ),
        405,
    ),
)
