"""The kinds of differences in words: the meaning of each, and what to do in Entra."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from accounts.console.page import State
from scim.reconciliation.models import Difference

_Kind: Final = Difference.Kind


@dataclass(frozen=True, slots=True)
class Remedy:
    """The meaning of a kind of difference, and what to do about it."""

    meaning: str
    remedy: str
    state: State


REMEDIES: Final[Mapping[str, Remedy]] = {
    _Kind.MISSING: Remedy(
        "Active in Entra, and not provisioned here.",
        "Users and groups: assign the user or one of its groups, and check the scoping filters. Then"
        " Provision on demand. Was it refused? The open problems say why.",
        "failing",
    ),
    _Kind.DISABLED: Remedy(
        "Disabled in Entra, and still active here.",
        "Provision on demand. If it stays active, map active to Switch([IsSoftDeleted], , False, True,"
        " True, False) and look for a delayed mass deactivation here.",
        "failing",
    ),
    _Kind.EXTRA: Remedy(
        "Active here, and not in the file.",
        "Deleted users: Restart provisioning, so that Entra matches all users again. Created by another"
        " client or by an import: remove them there. Does the file have all users of the directory?",
        "warning",
    ),
    _Kind.INACTIVE: Remedy(
        "Active in Entra, and disabled here.",
        "Users and groups: the user is no longer in scope; assign it again, then Provision on demand.",
        "warning",
    ),
    _Kind.DIFFERS: Remedy(
        "Both sides have the user, with different values.",
        "Mappings: check the source of the attribute. Then Provision on demand, or Restart provisioning"
        " for all users.",
        "warning",
    ),
    _Kind.UNREADABLE: Remedy(
        "Lines of the file that are no user.",
        "Export the users again, or correct these lines.",
        "unknown",
    ),
}
