"""Actions on the addresses from which a tenant's credentials work, and on the published ranges."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from accounts import addresses, presets
from accounts.actions.performing import ActionRefused, authorize, note
from accounts.audit import Actor, Details, record
from accounts.models import OAuthClient, RestrictedCredential, SecretToken, not_ended
from accounts.presets import Ranges
from tenants import clock
from tenants.current import in_public, in_tenant, within
from tenants.errors import about
from tenants.models import AddressPreset, Tenant

RESTRICT: Final = "accounts.restrict_secrettoken"
RESTRICT_CLIENT: Final = "accounts.restrict_oauthclient"
UPDATE_PRESET: Final = "tenants.change_addresspreset"
# Credentials that were used since are in use: a list that leaves their addresses out is asked about.
IN_USE: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class AllowedFrom:
    """The addresses from which a credential is to work; anywhere, if neither names any."""

    networks: str = ""  # as accounts.addresses reads them
    entra: bool = False  # and the published ranges of Microsoft Entra ID
    leaves_out_used: bool = False  # an address in use may be left out


ANYWHERE: Final = AllowedFrom()


def apply(
    allowed: AllowedFrom, credential: RestrictedCredential, used: Iterable[RestrictedCredential]
) -> Details:
    """Set the addresses of a credential that is not saved yet; what the audit log tells of them.

    `used` are the credentials whose present clients the list concerns. Raises ActionRefused.
    """
    own = _own(allowed)
    preset = _preset() if allowed.entra else None
    credential.allowed_networks = addresses.to_text(own)
    credential.preset_networks = preset.networks if preset else ""
    credential.preset_date = preset.published_on if preset else None
    if not allowed.leaves_out_used:
        _check_used(credential, used)
    return {
        "allowed_networks": [str(network) for network in own],
        "entra_ranges_of": str(preset.published_on) if preset else None,
    }


def restrict(allowed: AllowedFrom, credential: RestrictedCredential) -> Details:
    """Change the addresses of a credential that is in use; what the audit log tells of them.

    Raises ActionRefused.
    """
    details = apply(allowed, credential, [credential])
    credential.save(update_fields=["allowed_networks", "preset_networks", "preset_date"])
    return details


def in_use(
    credentials: Iterable[RestrictedCredential], now: datetime
) -> list[RestrictedCredential]:
    """Those of the credentials that were used lately."""
    return [each for each in credentials if each.last_used_at and each.last_used_at > now - IN_USE]


def update_preset(actor: Actor, ranges: Ranges) -> AddressPreset:
    """The preset with the ranges of a newer file; credentials of tenants follow by `follow_preset`.

    Raises ActionRefused.
    """
    authorize(actor, UPDATE_PRESET, None)
    with in_public(), transaction.atomic():
        preset, is_new = AddressPreset.objects.select_for_update().get_or_create(
            name=presets.ENTRA, defaults=_values(actor, ranges)
        )
        if not is_new:
            _check_age(preset.published_on, ranges.published_on)
            for name, value in _values(actor, ranges).items():
                setattr(preset, name, value)
            preset.save()
        _tell_staff(actor, preset)
    return preset


def _tell_staff(actor: Actor, preset: AddressPreset) -> None:
    """The log of a tenant tells of its own credentials; that of staff of the file, which is for all."""
    operator = Tenant.objects.filter(is_operator=True).first()
    if operator is not None:
        details: Details = {
            "published_on": str(preset.published_on),
            "networks": len(preset.networks.split()),
        }
        with within(operator):
            record(actor, "address ranges updated", preset.name, details)


def follow_preset(
    actor: Actor, tenant: Tenant, preset: AddressPreset
) -> list[RestrictedCredential]:
    """The live credentials of the tenant that have the preset, which have its present ranges now."""
    authorize(actor, UPDATE_PRESET, tenant)
    with in_tenant(tenant):
        tokens = SecretToken.objects.filter(not_ended(clock.now()))
        clients = OAuthClient.objects.filter(revoked_at=None)
        return [
            *_follow(actor, tenant, preset, tokens, "secret token's addresses updated"),
            *_follow(actor, tenant, preset, clients, "OAuth client's addresses updated"),
        ]


def _follow(
    actor: Actor, tenant: Tenant, preset: AddressPreset, live: QuerySet[Any], act: str
) -> list[RestrictedCredential]:
    following = live.select_for_update(no_key=True).filter(preset_date__isnull=False)
    changed: list[RestrictedCredential] = [
        each
        for each in following.order_by("id")
        if (each.preset_date, each.preset_networks) != (preset.published_on, preset.networks)
    ]
    for each in changed:
        each.preset_networks, each.preset_date = preset.networks, preset.published_on
        each.save(update_fields=["preset_networks", "preset_date"])
        note(actor, tenant, act, str(each), {"entra_ranges_of": str(preset.published_on)})
    return changed


def _own(allowed: AllowedFrom) -> tuple[addresses.Network, ...]:
    try:
        return addresses.read_networks(allowed.networks)
    except addresses.NotANetwork as error:
        with about("allowed_networks"):
            raise ActionRefused("token.networks", str(error)) from error


def _preset() -> AddressPreset:
    preset = presets.entra()
    if preset is None:
        with about("entra"):
            raise ActionRefused(
                "preset.missing",
                "The ranges of Microsoft Entra ID are not loaded: manage.py address_preset update.",
            )
    return preset


def _check_used(credential: RestrictedCredential, used: Iterable[RestrictedCredential]) -> None:
    """Raise ActionRefused if the credential's list leaves out an address in use."""
    for each in in_use(used, clock.now()):
        if not addresses.allows(credential.networks, each.last_used_address):
            with about("allowed_networks"):
                raise ActionRefused(
                    "token.leaves-out",
                    f"{each} was last used from {each.last_used_address or 'an unknown address'}, which is"
                    " not in this list: add it, or confirm that requests from there may be refused.",
                )


def _check_age(loaded: date, published_on: date) -> None:
    if published_on < loaded:
        raise ActionRefused(
            "preset.older",
            f"The file is of {published_on}, and the ranges in use are of {loaded}: nothing changed.",
        )


def _values(actor: Actor, ranges: Ranges) -> dict[str, object]:
    return {
        "published_on": ranges.published_on,
        "networks": presets.as_text(ranges),
        "updated_at": clock.now(),
        "updated_by": actor.name,
    }
