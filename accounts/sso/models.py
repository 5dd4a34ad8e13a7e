"""Rows of a tenant's schema about single sign-on: identity providers, links, answers used up."""

import uuid
from typing import Any, Final

from django.db import models

from accounts.sealing import SealedField
from accounts.sso.identity import SUBJECT_LENGTH, URL_LENGTH, Kind
from tenants import clock

CLIENT_ID_LENGTH: Final = 200  # characters
SECRET_USE: Final = "single sign-on client"  # noqa: S105  # a part of the key that seals it
_ACTOR_LENGTH: Final = 200
_FAILURE_LENGTH: Final = 300


class IdentityProvider(models.Model):
    """The tenant's identity provider by one protocol; there is at most one for each."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=8, choices=Kind, unique=True)
    issuer = models.CharField(max_length=URL_LENGTH)  # of SAML the entity id
    client_id = models.CharField(max_length=CLIENT_ID_LENGTH, blank=True)
    secret = SealedField(use=SECRET_USE, kind="client secret", blank=True, editable=False)
    secret_expires_on = models.DateField(null=True)  # as an admin has read it at the provider
    # From the provider's documents: the members of OpenID Connect's, with the key set as `keys`;
    # `sign_on_url` and `certificates` of SAML metadata. {} until they were read.
    documents = models.JSONField(default=dict)
    read_at = models.DateTimeField(null=True)  # the documents
    failure = models.CharField(max_length=_FAILURE_LENGTH, blank=True)  # why they could not be
    tested_at = models.DateTimeField(null=True)  # with success, since the last change
    is_enabled = models.BooleanField(default=False)
    # While it is set passwords are off, but for this account's.
    break_glass = models.ForeignKey(
        "accounts.Account", models.PROTECT, null=True, related_name="+", db_index=False
    )
    changed_at = models.DateTimeField(default=clock.now, editable=False)
    changed_by = models.CharField(max_length=_ACTOR_LENGTH)

    class Meta:
        app_label = "accounts"
        ordering = ["kind"]
        verbose_name = "identity provider"
        verbose_name_plural = "single sign-on"

    def __str__(self) -> str:
        return str(self.get_kind_display())

    @property
    def is_read(self) -> bool:
        """True when the documents are there, so that people can be sent to the provider."""
        return bool(self.documents)

    def document(self, name: str) -> Any:
        """A member of the documents, an empty text without it."""
        return self.documents.get(name, "")


class IdentityLink(models.Model):
    """An account that signs in as a person of an identity provider."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        "accounts.Account", models.CASCADE, related_name="identities", db_index=False
    )
    kind = models.CharField(max_length=8, choices=Kind)
    issuer = models.CharField(max_length=URL_LENGTH)
    subject = models.CharField(max_length=SUBJECT_LENGTH)  # never changes, nobody else's
    login = models.CharField(max_length=SUBJECT_LENGTH, blank=True)  # as it was; decides nothing
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.CharField(max_length=_ACTOR_LENGTH)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "accounts"
        constraints = [
            models.UniqueConstraint(
                name="one_account_for_a_person", fields=["kind", "issuer", "subject"]
            ),
            models.UniqueConstraint(
                name="one_person_for_an_account", fields=["account", "kind", "issuer"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.account_id}"


class SignOnAnswer(models.Model):
    """A SAML response that was accepted, until it ends: it is good once (saml-profiles-2.0 §4.1.4.5).

    `identity` is sealed for the minutes until then, and blank once it has been used.
    """

    id = models.BigAutoField(primary_key=True)
    digest = models.BinaryField(unique=True)  # SHA-256(id of the request)
    identity = models.TextField(blank=True)
    expires_at = models.DateTimeField()

    class Meta:
        app_label = "accounts"

    def __str__(self) -> str:
        return f"answer until {self.expires_at}"
