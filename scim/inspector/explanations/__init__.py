"""Why a request was refused and where that is mended: a table from answer to explanation.

Read by people: support staff on a request's page, tenant admins in their provisioning log. Each
explanation has a stable id, which is also an anchor in docs/entra.md, "When it does not work". The
first row that fits the answer counts, so that rows about one sentence stand before those about a
whole scimType or status.
"""

from typing import Final

from scim.inspector.explanations import access, contents, service
from scim.inspector.explanations.rows import Explanation

__all__ = ["ALL", "UNKNOWN", "Explanation", "explain"]

_REFUSED_FROM: Final = 400  # HTTP status
_ROWS: Final = (*access.ROWS, *contents.ROWS, *service.ROWS)

UNKNOWN: Final = Explanation(
    "unknown",
    "The request was refused; the detail of the answer says why.",
    "RFC 7644 §3.12",
    "Read the detail. If it does not help, give the request id to the developers.",
    "myPolicies support",
)
ALL: Final = tuple({row.explanation.id: row.explanation for row in _ROWS}.values())


def explain(status: int, scim_type: str, detail: str) -> Explanation | None:
    """The explanation of an answer, None of one that is no refusal."""
    if status < _REFUSED_FROM:
        return None
    found = (row.explanation for row in _ROWS if row.fits(status, scim_type, detail))
    return next(found, UNKNOWN)
