"""User, the enterprise extension and the common attributes as data (RFC 7643 §3.1, §4.1, §4.3, §8.7)."""

from typing import Final

from scim.protocol import urns
from scim.protocol.schema import (
    Attribute,
    Extension,
    Mutability,
    Relation,
    ResourceType,
    Returned,
    Schema,
    Type,
    Uniqueness,
)

# Members in one request (docs/security.md); a group may have any number.
MAX_MEMBERS: Final = 5_000


def _multi_valued(  # one argument a characteristic, all by name
    name: str,
    description: str,
    value: Attribute,
    *,
    types: tuple[str, ...] = ("work", "home", "other"),
    required: bool = False,
) -> Attribute:
    """A multi-valued attribute with the usual sub-attributes (RFC 7643 §2.4).

    `types` are the canonical values of `type`: Entra offers `name[type eq "…"].value` to map only
    where /Schemas lists some (E10).
    """
    return Attribute(
        name,
        Type.COMPLEX,
        description,
        multi_valued=True,
        required=required,
        sub_attributes=(
            value,
            Attribute("display", description="A name for people to read."),
            Attribute(
                "type",
                description="What the value is used for.",
                canonical_values=types,
            ),
            Attribute(
                "primary",
                Type.BOOLEAN,
                "True for the preferred value; at most one value is.",
            ),
        ),
    )


_NAME: Final = Attribute(
    "name",
    Type.COMPLEX,
    "The parts of the user's name.",
    sub_attributes=(
        Attribute("formatted", description="The full name, ready to show."),
        Attribute("familyName", description="The family name, or last name."),
        Attribute("givenName", description="The given name, or first name."),
        Attribute("middleName", description="The middle names."),
        Attribute("honorificPrefix", description="A title before the name, such as Ms."),
        Attribute("honorificSuffix", description="A suffix after the name, such as III."),
    ),
)

_ADDRESSES: Final = Attribute(
    "addresses",
    Type.COMPLEX,
    "Postal addresses.",
    multi_valued=True,
    sub_attributes=(
        Attribute("formatted", description="The full address, ready to show or print."),
        Attribute("streetAddress", description="Street, house number, P.O. box; may hold lines."),
        Attribute("locality", description="The city."),
        Attribute("region", description="The state or region."),
        Attribute("postalCode", description="The postal code."),
        # E9: "ML" and "Belize" are both sent; there is no list of countries.
        Attribute("country", description="The country, stored as it is sent."),
        Attribute(
            "type",
            description="What the address is used for.",
            canonical_values=("work", "home", "other"),
        ),
        Attribute("primary", Type.BOOLEAN, "True for the preferred address."),
    ),
)

GROUPS: Final = Attribute(
    "groups",
    Type.COMPLEX,
    "The groups the user belongs to, directly or through nested groups; computed.",
    multi_valued=True,
    mutability=Mutability.READ_ONLY,
    relation=Relation.MEMBER_OF,
    sub_attributes=(
        Attribute(
            "value",
            description="The id of the group.",
            case_exact=True,
            mutability=Mutability.READ_ONLY,
        ),
        Attribute(
            "$ref",
            Type.REFERENCE,
            "The URI of the group.",
            case_exact=True,
            mutability=Mutability.READ_ONLY,
            reference_types=("User", "Group"),
        ),
        Attribute(
            "display",
            description="The name of the group.",
            mutability=Mutability.READ_ONLY,
        ),
        Attribute(
            "type",
            description="Whether the membership is direct.",
            canonical_values=("direct", "indirect"),
            mutability=Mutability.READ_ONLY,
        ),
    ),
)

USER_SCHEMA: Final = Schema(
    urns.USER,
    "User",
    "A user account.",
    (
        # E21: nothing else is unique; several users may have one work e-mail or one externalId.
        Attribute(
            "userName",
            description="The name the user signs in with; unique within the tenant in any letter case.",
            required=True,
            uniqueness=Uniqueness.SERVER,
        ),
        _NAME,
        Attribute("displayName", description="The name to show for the user."),
        Attribute("nickName", description="How the user is called in daily life."),
        Attribute(
            "profileUrl",
            Type.REFERENCE,
            "The URI of the user's online profile.",
            case_exact=True,
            reference_types=("external",),
        ),
        Attribute("title", description="The user's position, such as Vice President."),
        Attribute("userType", description="The user's relation to the organization."),
        Attribute("preferredLanguage", description="The preferred language, such as en-US."),
        Attribute(
            "locale", description="The place for formatting numbers and dates, such as en-US."
        ),
        Attribute("timezone", description="The time zone, such as America/Los_Angeles."),
        # E44: always there, so that nothing, sent for a disabled user, lets nobody in again.
        Attribute(
            "active",
            Type.BOOLEAN,
            "False for a user who has been disabled; true unless the client says otherwise.",
            required=True,
            default=True,
        ),
        Attribute(
            "password",
            description="Accepted and discarded: users of myPolicies do not sign in with it.",
            mutability=Mutability.WRITE_ONLY,
            returned=Returned.NEVER,
        ),
        _multi_valued(
            "emails",
            "E-mail addresses; a work e-mail is always required.",
            # E9: Microsoft's acceptance suite writes "upd-1a2b3c4d" and wants it back.
            Attribute("value", description="The address, stored as it is sent.", required=True),
            required=True,
        ),
        _multi_valued(
            "phoneNumbers",
            "Telephone numbers.",
            Attribute("value", description="The number, stored as it is sent."),
            types=("work", "home", "mobile", "fax", "pager", "other"),
        ),
        _multi_valued(
            "ims",
            "Instant messaging addresses.",
            Attribute("value", description="The address."),
            types=("aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
        ),
        _multi_valued(
            "photos",
            "Pictures of the user.",
            Attribute(
                "value",
                Type.REFERENCE,
                "The URI of the picture.",
                case_exact=True,
                reference_types=("external",),
            ),
            types=("photo", "thumbnail"),
        ),
        _ADDRESSES,
        GROUPS,
        _multi_valued(
            "entitlements",
            "What the user is entitled to.",
            Attribute("value", description="The entitlement."),
        ),
        _multi_valued("roles", "The user's roles.", Attribute("value", description="The role.")),
        _multi_valued(
            "x509Certificates",
            "Certificates of the user.",
            Attribute("value", Type.BINARY, "The DER certificate in base64.", case_exact=True),
        ),
    ),
)

ENTERPRISE_USER_SCHEMA: Final = Schema(
    urns.ENTERPRISE_USER,
    "EnterpriseUser",
    "A user's place in an organization.",
    (
        Attribute("employeeNumber", description="The number the organization gave the user."),
        Attribute("costCenter", description="The cost center."),
        Attribute("organization", description="The organization."),
        Attribute("division", description="The division."),
        Attribute("department", description="The department."),
        Attribute(
            "manager",
            Type.COMPLEX,
            "The user's manager.",
            sub_attributes=(
                Attribute(
                    "value",
                    # E5: the id may be of a user who is not provisioned yet, or never.
                    description="The id of the manager's user, who may not be provisioned yet.",
                    case_exact=True,
                ),
                Attribute(
                    "$ref",
                    Type.REFERENCE,
                    "The URI of the manager's user.",
                    case_exact=True,
                    reference_types=("User",),
                ),
                Attribute(
                    "displayName",
                    description="The manager's name; computed.",
                    mutability=Mutability.READ_ONLY,
                ),
            ),
        ),
    ),
)


def common_attributes(*, external_id_required: bool) -> tuple[Attribute, ...]:
    """`schemas`, `id`, `externalId` and `meta` (RFC 7643 §3.1)."""
    read_only = Mutability.READ_ONLY
    return (
        Attribute(
            "schemas",
            Type.REFERENCE,
            "The URNs of the schemas the resource uses.",
            multi_valued=True,
            required=True,
            case_exact=True,
            returned=Returned.ALWAYS,
            reference_types=("uri",),
        ),
        Attribute(
            "id",
            description="The server's name for the resource; never changes.",
            case_exact=True,
            mutability=read_only,
            returned=Returned.ALWAYS,
            uniqueness=Uniqueness.SERVER,
        ),
        Attribute(
            "externalId",
            description="The client's name for the resource.",
            case_exact=True,
            required=external_id_required,
        ),
        Attribute(
            "meta",
            Type.COMPLEX,
            "What the server knows about the resource.",
            mutability=read_only,
            sub_attributes=(
                Attribute("resourceType", case_exact=True, mutability=read_only),
                Attribute("created", Type.DATE_TIME, mutability=read_only),
                Attribute("lastModified", Type.DATE_TIME, mutability=read_only),
                Attribute("location", Type.REFERENCE, case_exact=True, mutability=read_only),
                Attribute("version", case_exact=True, mutability=read_only),
            ),
        ),
    )


USER: Final = ResourceType(
    urns.USER_TYPE,
    "/Users",
    "A user account.",
    USER_SCHEMA,
    (Extension(ENTERPRISE_USER_SCHEMA),),
    common_attributes(external_id_required=True),
)

MEMBERS: Final = Attribute(
    "members",
    Type.COMPLEX,
    "The users and groups that belong to the group directly.",
    multi_valued=True,
    relation=Relation.MEMBERS,
    max_values=MAX_MEMBERS,
    sub_attributes=(
        Attribute(
            "value",
            description="The id of the member.",
            case_exact=True,
            mutability=Mutability.IMMUTABLE,
        ),
        Attribute(
            "$ref",
            Type.REFERENCE,
            "The URI of the member.",
            case_exact=True,
            mutability=Mutability.IMMUTABLE,
            reference_types=("User", "Group"),
        ),
        Attribute(
            "type",
            description="What the member is.",
            canonical_values=("User", "Group"),
            mutability=Mutability.IMMUTABLE,
        ),
    ),
)

GROUP_SCHEMA: Final = Schema(
    urns.GROUP,
    "Group",
    "A group of users and of other groups.",
    (
        Attribute(
            "displayName",
            description="The name of the group; unique within the tenant in any letter case.",
            required=True,
            uniqueness=Uniqueness.SERVER,
        ),
        MEMBERS,
    ),
)

GROUP: Final = ResourceType(
    urns.GROUP_TYPE,
    "/Groups",
    "A group.",
    GROUP_SCHEMA,
    common=common_attributes(external_id_required=False),
)

RESOURCE_TYPES: Final = (USER, GROUP)
