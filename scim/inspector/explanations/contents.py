"""Refusals of what a request holds: 400 and 409."""

from typing import Final

from scim.inspector.explanations.rows import MAPPINGS, SENDER, Explanation, Row

_PRODUCT: Final = "myPolicies always requires userName, email and externalId (RFC 7643 §4.1.1)"
_CIRCLE: Final = Explanation(
    "group-circle",
    "Groups would become members of themselves, directly or through others.",
    "myPolicies: nested groups have no circles (RFC 7643 §4.2)",
    "Take one of the groups out of the circle.",
    "Entra: Groups → Members",
)

ROWS: Final = (
    Row(
        Explanation(
            "user-name-taken",
            "Another user of the tenant already has this userName, in some letter case.",
            "RFC 7643 §4.1.1, RFC 7644 §3.3: uniqueness",
            "Search for the userName here. If it is the same person, have Entra match instead of"
            " create: the matching attribute must be userName. If not, change one of the two in"
            " Entra. A disabled user still holds its userName, a deleted one does not.",
            f"{MAPPINGS} → userName → Match objects using this attribute",
        ),
        409,
        "uniqueness",
        r"User already has this userName",
    ),
    Row(
        Explanation(
            "value-taken",
            "Another resource of this kind already has the value of the attribute that the detail"
            " names.",
            "RFC 7643 §7: uniqueness",
            "Search for the value here, and change one of the two at their source.",
            "Entra: Provisioning → Mappings",
        ),
        409,
        "uniqueness",
    ),
    Row(
        Explanation(
            "bulk-depends-on-failure",
            "The operation refers to another one of the same bulk request, and that one failed.",
            "RFC 7644 §3.7.2",
            "Mend the operation whose bulkId the detail names; this one then succeeds.",
            SENDER,
        ),
        409,
        detail=r"whose operation failed",
    ),
    Row(_CIRCLE, 409, detail=r"member of itself"),
    Row(_CIRCLE, 400, detail=r"member of itself"),
    Row(
        Explanation(
            "user-name-missing",
            "The user would have no userName.",
            _PRODUCT,
            "Map userName, usually to userPrincipalName, and see that the user has it in Entra.",
            f"{MAPPINGS} → userName",
        ),
        400,
        "invalidValue",
        r"^userName is missing",
    ),
    Row(
        Explanation(
            "email-missing",
            "The user would have no work e-mail. Often the mapping is there and the user has no"
            " mailbox, so that its mail is empty in Entra.",
            _PRODUCT,
            'Map emails[type eq "work"].value, and fill the attribute it comes from; a mapping with'
            " Coalesce([mail], [userPrincipalName]) helps users without a mailbox.",
            f'{MAPPINGS} → emails[type eq "work"].value',
        ),
        400,
        "invalidValue",
        r"^emails.* is missing",
    ),
    Row(
        Explanation(
            "external-id-missing",
            "The user would have no externalId.",
            _PRODUCT,
            "Map externalId, to objectId or mailNickname; the gallery's mapping has it.",
            f"{MAPPINGS} → externalId",
        ),
        400,
        "invalidValue",
        r"^externalId is missing",
    ),
    Row(
        Explanation(
            "required-missing",
            "The resource would lack an attribute that its schema requires; the detail names it.",
            "RFC 7643 §2.2, §7: required",
            "Map the attribute, or fill it at its source.",
            "Entra: Provisioning → Mappings",
        ),
        400,
        "invalidValue",
        r"^[\w.:-]+ is missing\.",
    ),
    Row(
        Explanation(
            "member-not-named",
            "A member of a group is not named by its id.",
            "RFC 7643 §4.2: members.value",
            'Send each member as {"value": id}, or address it by members[value eq "id"].',
            SENDER,
        ),
        400,
        detail=r"a member is named by its id|No member can be made",
    ),
    Row(
        Explanation(
            "list-parameters",
            "The parameters of a list request contradict each other or are of the wrong kind.",
            "RFC 7644 §3.4.2, §3.9, RFC 9865 §2",
            "Send the parameter as the detail says, or leave it out.",
            SENDER,
        ),
        400,
        "invalidValue",
        r"^(sortBy|sortOrder|startIndex|count|cursor|attributes|excludedAttributes)\b",
    ),
    Row(
        Explanation(
            "bulk-message",
            "The bulk request, or one of its operations, is not built as the RFC has it.",
            "RFC 7644 §3.7",
            "Mend the operation as the detail says.",
            SENDER,
        ),
        400,
        detail=r"[bB]ulkId|failOnErrors|BulkRequest|^(method|path|data|version) (must|is)",
    ),
    Row(
        Explanation(
            "two-primaries",
            "More than one value of an attribute is marked as the primary one.",
            "RFC 7643 §2.4: primary",
            "Mark one value only: in mappings, a constant True for primary belongs to one type.",
            "Entra: Provisioning → Mappings",
        ),
        400,
        "invalidValue",
        r"whose primary is true",
    ),
    Row(
        Explanation(
            "value-too-large",
            "A value is longer than is stored, or an attribute has more values than it may have.",
            "myPolicies: limits (RFC 7644 §3.12, invalidValue)",
            "Shorten it at its source, or with Mid() in the mapping's expression.",
            "Entra: Provisioning → Mappings → the attribute",
        ),
        400,
        "invalidValue",
        r"is longer than|takes more than|is too large|has more than .* (values|names)",
    ),
    Row(
        Explanation(
            "value-unfit",
            "A value is not of the kind that its attribute has; the detail says which it must be.",
            "RFC 7643 §2.3: attribute types",
            "Map a source of that kind, or convert it in the mapping's expression.",
            "Entra: Provisioning → Mappings → the attribute",
        ),
        400,
        "invalidValue",
    ),
    Row(
        Explanation(
            "attribute-unknown",
            "A PATCH names an attribute that the resource's schema does not have.",
            "RFC 7644 §3.5.2, invalidPath",
            "Delete the mapping to this attribute, or correct its name; Schemas lists what there is.",
            "Entra: Provisioning → Mappings → Edit attribute list for myPolicies",
        ),
        400,
        "invalidPath",
        r"is not an attribute of",
    ),
    Row(
        Explanation(
            "path-unreadable",
            "The path of a PATCH operation is not written as the RFC has it.",
            "RFC 7644 §3.5.2 and figure 7, invalidPath",
            "Write the attribute as in its schema, such as"
            ' emails[type eq "work"].value or name.familyName.',
            "Entra: Provisioning → Mappings → Edit attribute list for myPolicies",
        ),
        400,
        "invalidPath",
    ),
    Row(
        Explanation(
            "no-target",
            "The path selects none of the values that are there, and no value can be made of it.",
            "RFC 7644 §3.5.2.3, noTarget",
            "Read the resource and select a value that it has. Entra's older connector does not"
            " repeat it: Restart provisioning has it compare the user anew.",
            "Entra: Provisioning → Restart provisioning",
        ),
        400,
        "noTarget",
    ),
    Row(
        Explanation(
            "read-only",
            "The request would change what only the server writes, or what stays as it was made.",
            "RFC 7643 §2.2, mutability",
            "Delete the mapping to this attribute.",
            "Entra: Provisioning → Mappings",
        ),
        400,
        "mutability",
    ),
    Row(
        Explanation(
            "filter-not-supported",
            "The filter names an attribute that is not there, or compares it in a way that its type"
            " does not have.",
            "RFC 7644 §3.4.2.2, invalidFilter",
            "Match by an attribute of the schema, such as userName or externalId, with eq.",
            f"{MAPPINGS} → Matching attributes",
        ),
        400,
        "invalidFilter",
        r"^\"",
    ),
    Row(
        Explanation(
            "filter-unreadable",
            "The filter is not written as the RFC has it, or it is too long.",
            "RFC 7644 §3.4.2.2 and figure 1, invalidFilter",
            "Mend it at the position that the detail names; strings stand in double quotes.",
            SENDER,
        ),
        400,
        "invalidFilter",
    ),
    Row(
        Explanation(
            "too-many",
            "The database could not compute the list in time: the filter or the order has it read"
            " every resource, or the page has too much on it.",
            "RFC 7644 §3.4.2, §3.12: tooMany",
            "Change the query as the detail says. To repeat it as it is does not help.",
            SENDER,
        ),
        400,
        "tooMany",
    ),
    Row(
        Explanation(
            "page-by-cursor",
            "The walk through a list was continued with a cursor or count of another list.",
            "RFC 9865 §2.1",
            "Begin the list again with an empty cursor and the same parameters throughout.",
            SENDER,
        ),
        400,
        detail=r"[cC]ursor|count must",
    ),
    Row(
        Explanation(
            "body-unreadable",
            "The body is no JSON document that is safe to read.",
            "RFC 7644 §3.12, invalidSyntax",
            "Send one JSON object in UTF-8; the detail says what is wrong with this one.",
            SENDER,
        ),
        400,
        "invalidSyntax",
        r"not JSON|not UTF-8|no body|number that|nests more|members\.$|repeats a member|NUL"
        r"|could not be read|one member twice|has two values for|ends before",
    ),
    Row(
        Explanation(
            "message-unreadable",
            "The body is not the message that the endpoint takes: a resource, a PatchOp or a"
            " SearchRequest.",
            "RFC 7644 §3.3, §3.4.3, §3.5.2, invalidSyntax",
            "Send the message that the detail names, or correct its schemas.",
            SENDER,
        ),
        400,
        "invalidSyntax",
    ),
    Row(
        Explanation(
            "request-unreadable",
            "The request is not one that the endpoint reads: it has too many parameters, say.",
            "myPolicies: limits (RFC 7644 §3.12)",
            "Mend what the detail names; a search can be sent with POST to /.search.",
            SENDER,
        ),
        400,
    ),
)
