"""The outcome of a sign-in at an identity provider: a person, or a refusal.

Everything in `accounts.sso` that reads text from outside ends in one of the two.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import models

from tenants.errors import Refused

LEEWAY: Final = timedelta(seconds=60)  # two clocks are never equal
SUBJECT_LENGTH: Final = 300  # characters
URL_LENGTH: Final = 500  # characters


# Reasons that are found behind a good signature: the value that was met is the provider's.
SIGNED: Final = frozenset(
    {"sso.issuer", "sso.audience", "sso.recipient", "sso.time", "sso.subject"}
)


class Kind(models.TextChoices):
    """The protocol that an identity provider speaks."""

    OIDC = "oidc", "OpenID Connect"
    SAML = "saml", "SAML"


class SignOnRefused(Refused):
    """An answer of the identity provider that nobody is signed in by.

    `found` is the value that was met in place of the expected one, for the page of a test; "" for
    none. It is text from outside.
    """

    def __init__(self, reason: str, sentence: str, found: object = "") -> None:
        super().__init__(reason, sentence)
        self.found = str(found)[:SUBJECT_LENGTH]


@dataclass(frozen=True, slots=True)
class Identity:
    """A person, as an identity provider proved them.

    `subject` never changes and is never given to somebody else; the other names may be both.
    """

    kind: Kind
    issuer: str
    subject: str = field(repr=False)
    name: str = field(default="", repr=False)  # as shown at the provider
    login: str = field(default="", repr=False)  # the user name there
    authenticated_at: datetime | None = None  # None: the provider does not say


@dataclass(frozen=True, slots=True)
class Request:
    """A request to an identity provider, kept by the browser's session until the answer comes."""

    id: str  # state of OpenID Connect, ID of a SAML request
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)  # RFC 7636 §4.1

    @classmethod
    def new(cls) -> "Request":
        """A request that nobody can guess; XML ids do not start with a digit."""
        return cls(
            f"_{secrets.token_hex(20)}", secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        )


def immutable_subject(directory: str, object_id: str, issuer: str) -> str:
    """The subject of a person of a Microsoft Entra directory, by the ids of both.

    Raises SignOnRefused for a directory that is not the issuer's.
    """
    if directory.lower() not in issuer.lower().split("/"):
        raise SignOnRefused(
            "sso.issuer",
            "The account belongs to another directory than the one that is set up here.",
            directory,
        )
    return f"{directory.lower()}/{object_id.lower()}"
