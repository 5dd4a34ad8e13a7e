"""Every way in which a request, a token or an action can be refused: the catalogue.

Each refusal carries the id of a row, and the provisioning log keeps it. From the rows are made the
explanation on a request's page, the page of all explanations and a table in docs/entra.md. Rows stand
where their refusals are made: tokens and actions in `accounts`, SCIM here, a feature's in its folder.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Final

from accounts import refusals as of_accounts
from accounts.refusals import CREDENTIALS, Refusal
from accounts.sso import refusals as of_single_sign_on
from scim.provider.features import features

_REFUSED_FROM: Final = 400  # HTTP status

_MAPPINGS: Final = "Entra: Provisioning → Mappings"
_USERS: Final = f"{_MAPPINGS} → Synchronize Microsoft Entra users to myPolicies"
_ATTRIBUTE: Final = f"{_MAPPINGS} → the attribute"
_ATTRIBUTES: Final = f"{_MAPPINGS} → Edit attribute list for myPolicies"
_SENDER: Final = "The client that sends it; Entra's own provisioning service does not"
_REQUIRED: Final = "myPolicies always requires userName, email and externalId (RFC 7643 §4.1.1)"

ROWS: Final = (
    # Where the request goes
    Refusal(
        "host.not-served",
        "No tenant has this host name.",
        "myPolicies: https://<customDomain>.<domain>/scim",
        "Copy the Tenant URL from the tenant's page; check it for typing errors.",
        CREDENTIALS,
    ),
    Refusal(
        "tenant.suspended",
        "The tenant is suspended: every request to its host is refused.",
        "myPolicies: suspended tenants",
        "Resume the tenant on the staff site; Entra continues with its next cycle.",
        "myPolicies: Tenants → the tenant → Resume",
    ),
    Refusal(
        "request.no-endpoint",
        "The path is not a SCIM endpoint of this server.",
        "RFC 7644 §3.2",
        "The Tenant URL ends in /scim with nothing behind it; resources are at /Users and /Groups,"
        " in exactly this spelling.",
        CREDENTIALS,
    ),
    Refusal(
        "request.invalid",
        "The request was refused before it reached an endpoint: it is not valid HTTP, or its URL or"
        " headers are too long.",
        "RFC 9110 §15.5, RFC 9112",
        "Correct it as the detail says; send a long search with POST to /.search.",
        _SENDER,
    ),
    Refusal(
        "request.method",
        "The endpoint does not support this HTTP method, or not at this path.",
        "RFC 7644 §3.2",
        "Use a method that the Allow header of the answer names.",
        _SENDER,
    ),
    Refusal(
        "resource.not-found",
        "There is no such user or group: it never existed here, or it was deleted.",
        "RFC 7644 §3.6, §3.12",
        "Search for the id here: a deleted user can be restored with its id. Otherwise let Entra"
        " match it again: Provision on demand, or Restart provisioning.",
        "myPolicies: Provisioned users, filter Deleted; Entra: Provision on demand",
    ),
    Refusal(
        "discovery.filtered",
        "Schemas, ResourceTypes or ServiceProviderConfig was requested with a filter.",
        "RFC 7644 §4",
        "Request the complete list, or one entry by its id.",
        _SENDER,
    ),
    Refusal(
        "me.nobody",
        "/Me needs exactly one user with the e-mail address of the token's account.",
        "RFC 7644 §3.11",
        "Provision that user, or issue the token for an account that is provisioned.",
        CREDENTIALS,
    ),
    Refusal(
        "me.create",
        "/Me does not create users.",
        "RFC 7644 §3.11",
        "Send the POST to /Users.",
        _SENDER,
    ),
    Refusal(
        "tenant.rate",
        "The tenant sent more requests than its limit allows in a second, or at once.",
        "RFC 6585 §4; myPolicies: limits of a tenant",
        "Nothing to do for Entra: it sends fewer, and repeats what was refused. Let any other client wait"
        " for the seconds in Retry-After.",
        _SENDER,
    ),
    Refusal(
        "token.rate",
        "Too many requests came from one address without a valid secret token.",
        "RFC 6585 §4; myPolicies: limits of a tenant",
        "Enter the secret token again, or mint a new one: a valid one is accepted at any time.",
        CREDENTIALS,
    ),
    # The message
    Refusal(
        "request.too-large",
        "The body, or the number of its operations, exceeds a limit.",
        "RFC 7644 §3.7.4; ServiceProviderConfig announces the limits",
        "Split it into several requests.",
        _SENDER,
    ),
    Refusal(
        "request.compressed",
        "The body is compressed, which the server does not support.",
        "RFC 9110 §8.4, §15.5.16",
        "Send the body as it is, without the Content-Encoding header.",
        _SENDER,
    ),
    Refusal(
        "request.media-type",
        "The body is not announced as JSON.",
        "RFC 7644 §3.1",
        "Send the header Content-Type: application/scim+json.",
        _SENDER,
    ),
    Refusal(
        "request.parameters",
        "The request has too many parameters.",
        "myPolicies: limits (RFC 7644 §3.12)",
        "Send fewer parameters, or send the search with POST to /.search.",
        _SENDER,
    ),
    Refusal(
        "body.unreadable",
        "The body is not a JSON document that is safe to read.",
        "RFC 7644 §3.12: invalidSyntax",
        "Send one JSON object in UTF-8; the detail says what is wrong with this one.",
        _SENDER,
    ),
    Refusal(
        "body.ambiguous",
        "The body gives two values for one attribute.",
        "RFC 7643 §2.1: names have no letter case; RFC 7644 §3.12: invalidSyntax",
        "Send the attribute once; in mappings, check for two that lead to the same attribute.",
        _MAPPINGS,
    ),
    Refusal(
        "body.wrong-message",
        "The body is not the message that the endpoint expects: a resource, a PatchOp, a BulkRequest"
        " or a SearchRequest.",
        "RFC 7644 §3.3, §3.4.3, §3.5.2, §3.7: invalidSyntax",
        "Send the message that the detail names, or correct its schemas.",
        _SENDER,
    ),
    Refusal(
        "patch.operation",
        "An operation of the PATCH is not built as the RFC requires.",
        "RFC 7644 §3.5.2: invalidSyntax, invalidValue, noTarget",
        "Correct the operation as the detail says.",
        _SENDER,
    ),
    Refusal(
        "bulk.message",
        "The bulk request, or one of its operations, is not built as the RFC requires.",
        "RFC 7644 §3.7",
        "Correct the operation as the detail says.",
        _SENDER,
    ),
    Refusal(
        "bulk.dependency",
        "The operation refers to another one of the same bulk request, which failed.",
        "RFC 7644 §3.7.2",
        "Correct the operation whose bulkId the detail names; this one then succeeds.",
        _SENDER,
    ),
    # Attributes, paths and values
    Refusal(
        "path.unknown-attribute",
        "A PATCH names an attribute that the resource's schema does not have.",
        "RFC 7644 §3.5.2: invalidPath",
        "Delete the mapping to this attribute, or correct its name; /Schemas lists all attributes.",
        _ATTRIBUTES,
    ),
    Refusal(
        "path.unreadable",
        "The path of a PATCH operation does not follow the grammar.",
        "RFC 7644 §3.5.2 and figure 7: invalidPath",
        'Write the attribute as in its schema, such as emails[type eq "work"].value or'
        " name.familyName.",
        _ATTRIBUTES,
    ),
    Refusal(
        "path.unfit",
        "The path selects values by a filter in a way that the attribute does not support.",
        "RFC 7644 §3.5.2: invalidPath",
        "Name the attribute without a filter.",
        _ATTRIBUTES,
    ),
    Refusal(
        "path.no-target",
        "The path selects none of the existing values, and no value can be made from it.",
        "RFC 7644 §3.5.2.3: noTarget",
        "Read the resource and select a value that it has. Entra's older connector does not retry:"
        " Restart provisioning lets it compare the user again.",
        "Entra: Provisioning → Restart provisioning",
    ),
    Refusal(
        "attribute.read-only",
        "The request would change an attribute that only the server writes.",
        "RFC 7643 §2.2: mutability",
        "Delete the mapping to this attribute.",
        _MAPPINGS,
    ),
    Refusal(
        "attribute.immutable",
        "The request would change a value that stays as it was first set.",
        "RFC 7643 §2.2: mutability",
        "Remove the value and add the new one, or delete the mapping to this attribute.",
        _MAPPINGS,
    ),
    Refusal(
        "value.required",
        "The resource would lack an attribute that its schema requires; the detail names it.",
        "RFC 7643 §2.2, §7: required",
        "Map the attribute, or fill it at its source.",
        _MAPPINGS,
    ),
    Refusal(
        "value.unfit",
        "A value does not have its attribute's type; the detail says which type it must have.",
        "RFC 7643 §2.3: attribute types",
        "Map a source of that type, or convert it in the mapping's expression.",
        _ATTRIBUTE,
    ),
    Refusal(
        "value.too-large",
        "A value is too long or too large, or the attribute has too many values.",
        "myPolicies: limits (RFC 7644 §3.12, invalidValue)",
        "Shorten it at its source, or with Mid() in the mapping's expression.",
        _ATTRIBUTE,
    ),
    Refusal(
        "value.two-primaries",
        "More than one value of an attribute is marked as primary.",
        "RFC 7643 §2.4: primary",
        "Mark one value only: in mappings, a constant True for primary belongs to one type.",
        _MAPPINGS,
    ),
    Refusal(
        "value.taken",
        "Another resource of this type already has the value of the attribute that the detail"
        " names.",
        "RFC 7643 §7: uniqueness",
        "Search for the value here, and change one of the two at the source.",
        _MAPPINGS,
    ),
    Refusal(
        "version.changed",
        "The resource has changed since the client read it.",
        "RFC 7644 §3.14: If-Match, If-None-Match",
        "Read the resource again and repeat the change.",
        _SENDER,
    ),
    # Users and groups
    Refusal(
        "restore.erased",
        "The personal data of the user have been erased, so there is nothing to restore.",
        "myPolicies: personal data are erased for good",
        "Let Entra provision the person again: it creates a new user.",
        "Entra: Provisioning → Provision on demand",
    ),
    Refusal(
        "restore.taken",
        "Another user has the userName or the externalId of the deleted user now.",
        "RFC 7643 §4.1.1: uniqueness",
        "Change it in Entra first, or leave the user deleted; its history stays readable.",
        "Entra: Users",
    ),
    Refusal(
        "user.name-missing",
        "The user would have no userName.",
        _REQUIRED,
        "Map userName, usually to userPrincipalName, and check that the user has one in Entra.",
        f"{_USERS} → userName",
    ),
    Refusal(
        "user.email-missing",
        "The user would have no work e-mail. Often the mapping is there but the user has no"
        " mailbox, so mail is empty in Entra.",
        _REQUIRED,
        'Map emails[type eq "work"].value, and fill the attribute that it is mapped from; a mapping'
        " with Coalesce([mail], [userPrincipalName]) helps users without a mailbox.",
        f'{_USERS} → emails[type eq "work"].value',
    ),
    Refusal(
        "user.external-id-missing",
        "The user would have no externalId.",
        _REQUIRED,
        "Map externalId to objectId or mailNickname; the gallery's mapping has it.",
        f"{_USERS} → externalId",
    ),
    Refusal(
        "user.name-taken",
        "Another user of the tenant already has this userName, in some letter case.",
        "RFC 7643 §4.1.1, RFC 7644 §3.3: uniqueness",
        "If the two are one person, let Entra match instead of create (the matching attribute must"
        " be userName); otherwise change one of the two in Entra. Search for the userName here to"
        " see who has it. A disabled user keeps its userName, a deleted one does not.",
        f"{_USERS} → userName → Match objects using this attribute",
    ),
    Refusal(
        "member.not-named",
        "A member of a group is not identified by its id.",
        "RFC 7643 §4.2: members.value",
        'Send each member as {"value": id}, or address it by members[value eq "id"].',
        _SENDER,
    ),
    Refusal(
        "member.contradiction",
        "The value identifies another member than the filter of the path.",
        "RFC 7644 §3.5.2",
        "Name the member once: in the filter or in the value.",
        _SENDER,
    ),
    Refusal(
        "member.unknown",
        "None of the new members exists here; the group would only have lost its members.",
        "RFC 7643 §4.2: members.value",
        "Provision the members first: assign them to the application.",
        "Entra: Users and groups",
    ),
    Refusal(
        "group.circle",
        "A group would become a member of itself, directly or through other groups.",
        "myPolicies: nested groups have no circles (RFC 7643 §4.2)",
        "Remove one of the groups from the circle.",
        "Entra: Groups → Members",
    ),
    # Searches
    Refusal(
        "filter.unreadable",
        "The filter does not follow the grammar, or is too long.",
        "RFC 7644 §3.4.2.2 and figure 1: invalidFilter",
        "Correct it at the position that the detail names; put strings into double quotes.",
        _SENDER,
    ),
    Refusal(
        "filter.unknown-attribute",
        "The filter names an attribute that the schema does not have.",
        "RFC 7644 §3.4.2.2: invalidFilter",
        "Match by an attribute of the schema, such as userName or externalId.",
        f"{_USERS} → Matching attributes",
    ),
    Refusal(
        "filter.unfit",
        "The filter compares an attribute in a way that its type does not support.",
        "RFC 7644 §3.4.2.2, table 3: invalidFilter",
        "Match with eq, by a value of the attribute's type.",
        f"{_USERS} → Matching attributes",
    ),
    Refusal(
        "list.parameters",
        "The parameters of a search contradict each other, or one does not have its type.",
        "RFC 7644 §3.4.2, §3.9, RFC 9865 §2",
        "Send the parameter as the detail says, or omit it.",
        _SENDER,
    ),
    Refusal(
        "list.cursor",
        "The next page was requested with a cursor or count that does not belong to the list, or"
        " too late.",
        "RFC 9865 §2.1: invalidCursor, expiredCursor, invalidCount",
        "Begin the list again with an empty cursor, and keep all parameters the same.",
        _SENDER,
    ),
    Refusal(
        "list.too-costly",
        "The database could not compute the list in time: the filter or the order makes it read"
        " every resource, or the page holds too much.",
        "RFC 7644 §3.4.2, §3.12: tooMany",
        "Change the query as the detail says. Repeating it unchanged does not help.",
        _SENDER,
    ),
    # The server
    Refusal(
        "server.failed",
        "The server failed; nothing was changed.",
        "RFC 7644 §3.12",
        "Find the request id in the server's log and report it to the developers. Entra retries in"
        " its next cycle.",
        "myPolicies support",
    ),
    Refusal(
        "server.busy",
        "The database did not answer in time; nothing was changed.",
        "RFC 9110 §15.6.4",
        "If it happened once, nothing: Entra retries. If it repeats, check the server.",
        "myPolicies operators",
    ),
)

UNKNOWN: Final = Refusal(
    "unknown",
    "The request was refused; the detail of the answer says why.",
    "RFC 7644 §3.12",
    "Read the detail. If it does not help, report the request id to the developers.",
    "myPolicies support",
)
# Of events from before refusals had reasons, by scimType, else by status.
_MEANINGS: Final[Mapping[str | int, str]] = {
    "invalidFilter": "The filter could not be read, or compares in a way that is not supported.",
    "invalidPath": "The path of a PATCH operation could not be read, or names no attribute.",
    "invalidSyntax": "The body could not be read, or is not the message that was expected.",
    "invalidValue": "A required value is missing, or a value does not fit its attribute.",
    "mutability": "The request would change an attribute that clients may not change.",
    "noTarget": "The path of a PATCH operation selects nothing that could be changed.",
    "tooMany": "The list takes too long to compute.",
    "uniqueness": "Another resource already has a value that must be unique.",
    401: "The credential was missing or refused.",
    403: "The credential is not permitted to do this.",
    404: "There is no such resource or endpoint.",
    409: "The request conflicts with the current state of a resource.",
    412: "The resource has changed since the client read it.",
    413: "The request is too large.",
    415: "The body has a format that is not supported.",
    429: "The request came too early.",
    500: "The server failed; nothing was changed.",
    503: "The database did not answer in time; nothing was changed.",
}


# The reason of a refusal in a few words, as titles have it: of all that a client's request is refused for.
IN_SHORT: Final[Mapping[str, str]] = {
    "token.missing": "no secret token",
    "token.malformed": "secret token incomplete",
    "token.unknown": "unknown secret token",
    "token.revoked": "secret token revoked",
    "token.expired": "secret token expired",
    "token.not-admin": "secret token without an admin",
    "token.address": "address not allowed",
    "token.scope": "scope missing",
    "token.rate": "too many without a valid token",
    "access-token.malformed": "access token incomplete",
    "access-token.unknown": "unknown access token",
    "access-token.revoked": "access token revoked",
    "access-token.expired": "access token expired",
    "access-token.not-admin": "access token without an admin",
    "access-token.address": "address not allowed",
    "client.malformed": "client credentials incomplete",
    "client.unknown": "unknown client or secret",
    "client.revoked": "client revoked",
    "client.expired": "client secret expired",
    "client.not-admin": "client without an admin",
    "client.address": "address not allowed",
    "assertion.refused": "assertion not accepted",
    "assertion.used": "assertion used before",
    "oauth.request": "incomplete token request",
    "oauth.grant-type": "unsupported grant type",
    "oauth.scope": "unknown scope",
    "host.not-served": "unknown host name",
    "tenant.suspended": "tenant suspended",
    "tenant.rate": "too many requests",
    "request.no-endpoint": "no such endpoint",
    "request.invalid": "not valid HTTP",
    "request.method": "method not supported",
    "request.too-large": "request too large",
    "request.compressed": "compressed body",
    "request.media-type": "unsupported media type",
    "request.parameters": "unreadable parameters",
    "discovery.filtered": "filter not supported here",
    "me.nobody": "no user for the token",
    "me.create": "create not supported here",
    "body.unreadable": "unreadable body",
    "body.ambiguous": "attribute given twice",
    "body.wrong-message": "unexpected message",
    "patch.operation": "invalid PATCH operation",
    "bulk.message": "invalid bulk operation",
    "bulk.dependency": "reference failed",
    "path.unreadable": "unreadable path",
    "path.unfit": "filter in the path not supported",
    "path.unknown-attribute": "unknown attribute",
    "path.no-target": "value to change not found",
    "attribute.read-only": "read-only attribute",
    "attribute.immutable": "immutable attribute",
    "user.name-missing": "no user name",
    "user.email-missing": "no work e-mail",
    "user.external-id-missing": "no external ID",
    "user.name-taken": "user name taken",
    "value.taken": "value taken by another",
    "value.required": "required value missing",
    "value.unfit": "value does not fit its type",
    "value.too-large": "value too large",
    "value.two-primaries": "two primary values",
    "resource.not-found": "not found here",
    "version.changed": "changed meanwhile",
    "restore.erased": "personal data erased",
    "restore.taken": "name taken meanwhile",
    "member.not-named": "member not named",
    "member.contradiction": "members contradict",
    "member.unknown": "unknown members",
    "group.circle": "group would contain itself",
    "filter.unreadable": "unreadable filter",
    "filter.unfit": "comparison not supported",
    "filter.unknown-attribute": "unknown attribute in the filter",
    "list.parameters": "invalid paging",
    "list.cursor": "cursor not valid",
    "list.too-costly": "list takes too long",
    "guard.held": "mass deactivation delayed",
    "server.busy": "server busy",
    "server.failed": "server error",
}


_NOUNS: Final[Mapping[str, str]] = {
    "create": "Creation",
    "retrieve": "Reading",
    "query": "Look-up",
    "replace": "Update",
    "modify": "Update",
    "delete": "Deletion",
    "restore": "Restoration",
    "bulk": "Bulk request",
    "discover": "Discovery",
    **dict.fromkeys(
        ("unknown", "metadata", "put", "trace"), "Request"
    ),  # not supported where they came
}


def in_short(reason: str) -> str:
    """The reason of a refusal in a few words, as titles have it: "no work e-mail"."""
    return IN_SHORT.get(reason) or reason.replace(".", ": ").replace("-", " ") or "refused"


def noun_of(operation: str) -> str:
    """The operation as a noun, as titles have it: "Update"."""
    return _NOUNS.get(operation, operation.capitalize())


@cache
def catalogue() -> Mapping[str, Refusal]:
    """All rows by their ids, in the order in which they are shown."""
    rows = [*of_accounts.ROWS, *of_single_sign_on.ROWS, *ROWS]
    for feature in features():
        rows += feature.refusals()
    return {row.id: row for row in rows}


def explain(status: int, scim_type: str, reason: str) -> Refusal | None:
    """The row of a refusal, None of an answer that is none.

    Without a reason that the catalogue has, as in rows from before there were reasons: what status and
    scimType mean in general.
    """
    if status < _REFUSED_FROM:
        return None
    row = catalogue().get(reason)
    if row:
        return row
    meaning = _MEANINGS.get(scim_type) or _MEANINGS.get(status)
    if meaning is None:
        return UNKNOWN
    return replace(UNKNOWN, sentence=f"{meaning} The detail of the answer says more.")
