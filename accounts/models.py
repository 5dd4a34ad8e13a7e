"""Rows of a tenant's schema about who may come in: accounts, tokens, OAuth clients, the audit log.

`Account` signs in; `scim.models.Resource` rows are provisioned. Staff are the accounts of the
operator's own tenant (schema `support`). Nothing here points into another schema. Tables that have tens
of rows, or the rows of some minutes, are read whole: they have the indexes of what is unique alone, since
each index is a file of each tenant (decision 0153). `Guesses` has a row for each pair of login and
address, many after a flood: it is found by key and by login, and read whole only to remove old rows.
"""

import uuid
from abc import ABCMeta, abstractmethod
from datetime import datetime
from typing import Final

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.base import ModelBase
from django.utils.module_loading import import_string

from accounts.permissions import Role, grants
from accounts.sealing import SealedField
from accounts.sso.models import IdentityLink, IdentityProvider, SignOnAnswer
from accounts.tokens import PUBLIC_ID_LENGTH, USER_AGENT_LENGTH, Standing
from tenants import clock
from tenants.lettercase import fold

# Rows of this app that Django finds here.
__all__ = ["IdentityLink", "IdentityProvider", "SignOnAnswer"]

# Characters.
EMAIL_LENGTH: Final = 254
NAME_LENGTH: Final = 200
LABEL_LENGTH: Final = 100
REASON_LENGTH: Final = 200
ACTOR_LENGTH: Final = 200
ACT_LENGTH: Final = 60
SUBJECT_LENGTH: Final = 300
SCOPE_LENGTH: Final = 100
FACTOR_USE: Final = "second factor"  # of the seal


class AccountManager(BaseUserManager["Account"]):
    def get_by_natural_key(self, username: str | None) -> "Account":
        """The account with that e-mail address, in any letter case."""
        return self.get(email=normalize_login(username or ""))


def normalize_login(email: str) -> str:
    """The spelling under which an account's e-mail address is stored and looked up: its own key."""
    return fold(email.strip())


class Account(AbstractBaseUser):
    """A person who signs in on one tenant's host; what they may do follows from the role."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(max_length=EMAIL_LENGTH, unique=True)
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    role = models.CharField(max_length=16, choices=Role)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    # Chosen columns and kept filters, by the list that they are of (accounts.console.choices).
    choices = models.JSONField(default=dict, db_default={}, editable=False)
    # Of the object, not of the row: what is left of the role's permissions for one request.
    confined_to: frozenset[str] | None = None

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    objects = AccountManager()

    class Meta:
        ordering = ["email"]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: object, **kwargs: object) -> None:
        self.email = normalize_login(self.email)
        super().save(*args, **kwargs)  # type: ignore[arg-type]  # Django's own signature, passed on

    @property
    def is_staff(self) -> bool:
        """Django admin's word for "may open the admin pages"."""
        return bool(self.permissions)

    @property
    def permissions(self) -> frozenset[str]:
        """The permissions of the account now; being confined takes away and never adds."""
        own = grants(self.role) if self.is_active else frozenset()
        return own if self.confined_to is None else own & self.confined_to

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return perm in self.permissions

    def has_perms(self, perm_list: list[str], obj: object = None) -> bool:
        return all(self.has_perm(perm, obj) for perm in perm_list)

    def has_module_perms(self, app_label: str) -> bool:
        return any(perm.startswith(f"{app_label}.") for perm in self.permissions)


def not_ended(now: datetime) -> models.Q:
    """The condition in SQL for credentials of which Standing.has_ended is false."""
    unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=now)
    return models.Q(revoked_at=None) & unexpired


class _Abstract(ABCMeta, ModelBase):
    """Django's class of a model, with abstract methods."""


class Credential(models.Model, metaclass=_Abstract):
    """A row that somebody can come in with; how it stands follows from it and its account."""

    class Meta:
        abstract = True

    @property
    @abstractmethod
    def standing(self) -> Standing:
        """The facts that decide whether it may be used."""

    def state(self, now: datetime) -> str:
        """One or a few words: "live", or why it is refused ("revoked", "expired")."""
        reason = self.standing.why_refused(now)
        return "live" if reason is None else reason.value


class RestrictedCredential(Credential):
    """A credential that works from some addresses only, if it has a list of them (accounts.addresses)."""

    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_address = models.GenericIPAddressField(null=True, blank=True)
    # Networks from which it may be used, its own and those of the preset, which are copied so that its
    # look-up has all of them. Both blank: from anywhere.
    allowed_networks = models.TextField(blank=True, default="", db_default="")
    preset_networks = models.TextField(blank=True, default="", db_default="")
    preset_date = models.DateField(null=True)  # of the published ranges; None: not the preset

    class Meta:
        abstract = True

    @property
    def networks(self) -> str:
        """All networks, as accounts.addresses reads them."""
        return f"{self.allowed_networks} {self.preset_networks}".strip()


class SecretToken(RestrictedCredential):
    """A credential for the Entra provisioning service; the value itself is never stored."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    public_id = models.CharField(
        max_length=PUBLIC_ID_LENGTH,
        unique=True,
        help_text="Names the token without giving it away.",
    )
    digest = models.BinaryField(unique=True, editable=False)  # SHA-256(tenant id || value)
    label = models.CharField(max_length=LABEL_LENGTH)
    issued_for = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="secret_tokens", db_index=False
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.CharField(max_length=ACTOR_LENGTH)
    expires_at = models.DateTimeField(null=True, blank=True)
    no_expiry_reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=ACTOR_LENGTH, blank=True)
    last_used_user_agent = models.CharField(max_length=USER_AGENT_LENGTH, blank=True)
    use_count = models.PositiveBigIntegerField(default=0)

    class Meta:
        ordering = ["-created_at", "pk"]
        constraints = [
            models.CheckConstraint(
                name="secret_token_expires_or_says_why_not",
                condition=models.Q(expires_at__isnull=False) | ~models.Q(no_expiry_reason=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.public_id})"

    @property
    def standing(self) -> Standing:
        account = self.issued_for
        return Standing(self.revoked_at, self.expires_at, account.role, account.is_active)


class OAuthClient(RestrictedCredential):
    """A client that may request access tokens (RFC 6749 §2), with secrets or keys of its own.

    It was used last when it got its newest access token, or used one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)  # the client id
    label = models.CharField(max_length=LABEL_LENGTH)
    issued_for = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="oauth_clients", db_index=False
    )
    public_keys = models.JSONField(default=dict)  # a JWK set (RFC 7517 §5); {} without keys
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.CharField(max_length=ACTOR_LENGTH)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=ACTOR_LENGTH, blank=True)

    class Meta:
        ordering = ["-created_at", "pk"]
        verbose_name = "OAuth client"

    def __str__(self) -> str:
        return f"{self.label} ({self.public_id})"

    @property
    def public_id(self) -> str:
        """The beginning of the client id, which names the client in logs and lists."""
        return self.id.hex[:PUBLIC_ID_LENGTH]

    @property
    def standing(self) -> Standing:
        account = self.issued_for
        return Standing(self.revoked_at, None, account.role, account.is_active)


class ClientSecret(Credential):
    """One of a client's secrets; several live at once, so that they can be exchanged in peace."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(
        OAuthClient, on_delete=models.CASCADE, related_name="secrets", db_index=False
    )
    public_id = models.CharField(max_length=PUBLIC_ID_LENGTH, unique=True)  # the digest's beginning
    digest = models.BinaryField(editable=False)  # SHA-256(tenant id || value)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.CharField(max_length=ACTOR_LENGTH)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=ACTOR_LENGTH, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.client.label} ({self.public_id})"

    @property
    def standing(self) -> Standing:
        """The secret's with its client's."""
        of_client = self.client.standing
        return of_client._replace(
            revoked_at=of_client.revoked_at or self.revoked_at, expires_at=self.expires_at
        )


class AccessToken(models.Model):
    """A client's token for the SCIM endpoints; ends after an hour, or with its client or secret."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.BinaryField(unique=True, editable=False)  # SHA-256(tenant id || value)
    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE, db_index=False)
    secret = models.ForeignKey(  # None: a key
        ClientSecret, null=True, on_delete=models.CASCADE, db_index=False
    )
    scope = models.CharField(max_length=SCOPE_LENGTH)  # as in RFC 6749 §3.3
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.client} until {self.expires_at}"


class SpentAssertion(models.Model):
    """A client assertion that was accepted, remembered until it expires: it is good once."""

    id = models.BigAutoField(primary_key=True)
    digest = models.BinaryField(unique=True)  # SHA-256(client id || jti)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"assertion until {self.expires_at}"


class Factor(models.Model):
    """A second factor of an account: an authenticator app's secret, or a passkey's public key."""

    class Kind(models.TextChoices):
        """The kind of a factor."""

        CODES = "codes", "Authenticator app"
        PASSKEY = "passkey", "Passkey"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="factors", db_index=False
    )
    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(max_length=LABEL_LENGTH)
    secret = SealedField(
        use=FACTOR_USE,
        kind="authenticator app",
        owner=lambda factor: factor.account.email,
        blank=True,
    )
    credential_id = models.BinaryField(null=True, unique=True)  # of a passkey
    public_key = models.BinaryField(null=True)  # of a passkey, with its credential's data
    counter = models.BigIntegerField(default=0)  # the last period of a code, or a passkey's count
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_used_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"


class Rule(models.Model):
    """A rule that holds in the tenant while its row is there (accounts.factors)."""

    name = models.CharField(max_length=LABEL_LENGTH, primary_key=True)
    set_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return self.name


class CredentialRequest(models.Model):
    """A credential that somebody asked for, which a second person has to approve (accounts.approvals)."""

    class Kind(models.TextChoices):
        """The kind of credential that was asked for."""

        TOKEN = "token", "Secret token"
        CLIENT = "client", "OAuth client"
        SECRET = "secret", "Client secret"

    class Outcome(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"
        USED = "used", "Generated"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(
        max_length=10, choices=Kind, default=Kind.TOKEN, db_default=Kind.TOKEN.value
    )
    label = models.CharField(max_length=LABEL_LENGTH)
    asked = models.JSONField()  # the request (accounts.actions.approvals); holds no secret
    requested_at = models.DateTimeField("requested")
    requested_by = models.CharField(max_length=ACTOR_LENGTH)
    expires_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, choices=Outcome, default=Outcome.WAITING)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=ACTOR_LENGTH, blank=True)
    decided_reason = models.CharField(max_length=REASON_LENGTH, blank=True)
    token_public_id = models.CharField(max_length=PUBLIC_ID_LENGTH, blank=True)  # what came of it

    class Meta:
        ordering = ["-requested_at", "pk"]
        verbose_name = "credential request"

    def __str__(self) -> str:
        return f"{self.label}, requested by {self.requested_by}"

    def is_over(self, now: datetime) -> bool:
        """True if nothing can come of it any more."""
        is_open = self.outcome in {self.Outcome.WAITING, self.Outcome.APPROVED}
        return not is_open or self.expires_at <= now


class RecoveryCode(models.Model):
    """One of the codes that let an account in once without its second factor."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="recovery_codes", db_index=False
    )
    digest = models.BinaryField()  # SHA-256(account id || code)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"recovery code of {self.account}"


class Session(AbstractBaseSession):
    """A browser's session; its columns beside Django's say whose it is (accounts.sessions)."""

    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE)  # None: not signed in
    signed_in_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField()  # to the minute
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=USER_AGENT_LENGTH, blank=True)

    class Meta:
        verbose_name = "session"

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        store: type[SessionBase] = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
        return store


class Logo(models.Model):
    """The tenant's picture, shown beside its name; there is one or none."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    is_only = models.BooleanField(default=True, unique=True, editable=False)
    digest = models.CharField(max_length=16)  # in its address; Tenant.logo is the same
    media_type = models.CharField(max_length=20)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    content = models.BinaryField()  # at most pictures.MOST_BYTES
    changed_at = models.DateTimeField("changed")
    changed_by = models.CharField(max_length=ACTOR_LENGTH)

    class Meta:
        verbose_name = "logo"
        verbose_name_plural = "logo"
        constraints = [
            models.CheckConstraint(name="accounts_logo_only", condition=models.Q(is_only=True))
        ]

    def __str__(self) -> str:
        return f"logo of {self.size} pixels"

    @property
    def size(self) -> str:
        """Width and height in words."""
        return f"{self.width} by {self.height}"


class Guesses(models.Model):
    """Wrong passwords and codes, counted for an account, an address, or both (accounts.guessing)."""

    key = models.CharField(max_length=64, primary_key=True)  # a keyed digest of what is counted
    login = models.CharField(max_length=64, blank=True, db_index=True)  # another, of the account's
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    known_at = models.DateTimeField(null=True)  # the last sign-in to the account from the address
    unnoted = models.PositiveIntegerField(default=0)  # failures that no audit entry tells of yet
    noted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.failures} failures until {self.last_at}"


class AuditEntry(models.Model):
    """One action of a person or command, append-only and hash-chained within the schema."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=ACTOR_LENGTH)
    act = models.CharField(max_length=ACT_LENGTH)
    subject = models.CharField(max_length=SUBJECT_LENGTH, blank=True)
    details = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    previous_hash = models.BinaryField(unique=True)  # one successor each: the chain cannot fork
    hash = models.BinaryField()  # of the entry with the hash before, so unique as that is

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(name="accounts_audit_at", fields=["at"])]
        verbose_name_plural = "audit log"

    def __str__(self) -> str:
        return f"{self.act} by {self.actor}"
