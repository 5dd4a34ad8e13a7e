"""The accounts of a seeded database, and the sites where they sign in."""

from collections.abc import Iterator
from typing import Final

from accounts.permissions import Role
from tenants.models import Tenant
from tests.support.people import PASSWORD

STAFF: Final = (
    ("olaf@mypolicies.example", "Olaf Brandt", Role.OPERATOR),
    ("lena@mypolicies.example", "Lena Vogt", Role.SUPPORT_LEAD),
    ("alice@mypolicies.example", "Alice Moreno", Role.SUPPORT),
    ("aude@mypolicies.example", "Aude Girard", Role.AUDITOR),
)
ACME: Final = ("acme", "Acme Ltd", "tara@acme.example")
# At acme, beside its first admin.
COLLEAGUES: Final = (
    ("timo@acme.example", "Timo Keller", Role.ADMIN),
    ("mona@acme.example", "Mona Rossi", Role.MEMBER),
)
# Tenants beside acme: custom domain, name, the address of its admin.
OTHERS: Final = (
    ("globex", "Globex Inc", "tom@globex.example"),
    ("initech", "Initech AB", "ines@initech.example"),
    ("hooli", "Hooli GmbH", "hanna@hooli.example"),
    ("vandelay", "Vandelay Imports", "vera@vandelay.example"),
)
SUSPENDED: Final = "vandelay"
_ABOUT: Final = {
    "acme": "the large one, with six weeks of log",
    "globex": "silent for three days",
    "initech": "never connected",
    "hooli": "failing: its secret token is unknown",
    "vandelay": "suspended: answers 403",
}


def lines(*, is_new: bool) -> Iterator[str]:
    """The pages to open, each with account and password."""
    yield "" if is_new else "The database is seeded already: nothing was changed.\n"
    yield f"  Password of all {PASSWORD!r}; the server is started by `make run`."
    yield ""
    yield _site("admin")
    yield from (f"    {email:<28}{role.label}" for email, _, role in STAFF)
    for custom_domain, name, admin in (ACME, *OTHERS):
        yield f"{_site(custom_domain)}  {name}: {_ABOUT[custom_domain]}"
        yield f"    {admin:<28}{Role.ADMIN.label}"
        if custom_domain == ACME[0]:
            yield from (f"    {email:<28}{role.label}" for email, _, role in COLLEAGUES)
    yield ""


def _site(custom_domain: str) -> str:
    return f"  {Tenant(custom_domain=custom_domain).base_url}/admin/"
