"""What a row of the table of explanations is, and the places that several of them name."""

import re
from dataclasses import dataclass
from typing import Final

CREDENTIALS: Final = "Entra: Provisioning → Admin Credentials"
MAPPINGS: Final = "Entra: Provisioning → Mappings → Synchronize Microsoft Entra users to myPolicies"
SENDER: Final = "The client that sends it; Entra's own provisioning service does not"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What happened, the rule behind it, what to do, and where."""

    id: str
    happened: str
    rule: str
    remedy: str
    where: str


@dataclass(frozen=True, slots=True)
class Row:
    """An explanation and the answers it is for; None fits everything."""

    explanation: Explanation
    status: int
    scim_type: str | None = None
    detail: str | None = None  # a regular expression that is searched for

    def fits(self, status: int, scim_type: str, detail: str) -> bool:
        """Whether the row explains the answer."""
        return (
            self.status == status
            and self.scim_type in (None, scim_type)
            and (self.detail is None or re.search(self.detail, detail) is not None)
        )
