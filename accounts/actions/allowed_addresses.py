"""Actions on the addresses from which a tenant's secret tokens work, and on the published ranges."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from accounts import addresses, presets
from accounts.actions.performing import ActionRefused, authorize, note
from accounts.audit import Actor, Details
from accounts.models import SecretToken, not_ended
from accounts.presets import Ranges
from tenants import clock
from tenants.current import in_public, in_tenant
from tenants.errors import about
from tenants.models import AddressPreset, Tenant

RESTRICT: Final = "accounts.restrict_secrettoken"
UPDATE_PRESET: Final = "tenants.change_addresspreset"
# Tokens that were used since are in use: a list that leaves their addresses out is asked about.
IN_USE: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class AllowedFrom:
    """The addresses from which a token is to work; anywhere, if neither names any."""

    networks: str = ""  # as accounts.addresses reads them
    entra: bool = False  # and the published ranges of Microsoft Entra ID
    leaves_out_used: bool = False  # an address in use may be left out


ANYWHERE: Final = AllowedFrom()


def apply(allowed: AllowedFrom, token: SecretToken, used: Iterable[SecretToken]) -> Details:
    """Set the addresses of a token that is not saved yet; what the audit log tells of them.

    `used` are the tokens whose present clients the list concerns. Raises ActionRefused.
    """
    own = _own(allowed)
    preset = _preset() if allowed.entra else None
    token.allowed_networks = addresses.to_text(own)
    token.preset_networks = preset.networks if preset else ""
    token.preset_date = preset.published_on if preset else None
    if not allowed.leaves_out_used:
        _check_used(token, used)
    return {
        "allowed_networks": [str(network) for network in own],
        "entra_ranges_of": str(preset.published_on) if preset else None,
    }


def in_use(tokens: Iterable[SecretToken], now: datetime) -> list[SecretToken]:
    """Those of the tokens that were used lately."""
    return [each for each in tokens if each.last_used_at and each.last_used_at > now - IN_USE]


def update_preset(actor: Actor, ranges: Ranges) -> AddressPreset:
    """The preset with the ranges of a newer file; the tokens of tenants follow by `follow_preset`.

    Raises ActionRefused.
    """
    authorize(actor, UPDATE_PRESET, None)
    with in_public():
        preset, is_new = AddressPreset.objects.select_for_update().get_or_create(
            name=presets.ENTRA, defaults=_values(actor, ranges)
        )
        if not is_new:
            _check_age(preset.published_on, ranges.published_on)
            for name, value in _values(actor, ranges).items():
                setattr(preset, name, value)
            preset.save()
    return preset


def follow_preset(actor: Actor, tenant: Tenant, preset: AddressPreset) -> list[SecretToken]:
    """The live tokens of the tenant that have the preset, which have its present ranges now."""
    authorize(actor, UPDATE_PRESET, tenant)
    with in_tenant(tenant):
        following = SecretToken.objects.select_for_update(no_key=True).filter(
            not_ended(clock.now()), preset_date__isnull=False
        )
        changed = [
            token
            for token in following.order_by("id")
            if (token.preset_date, token.preset_networks) != (preset.published_on, preset.networks)
        ]
        for token in changed:
            token.preset_networks, token.preset_date = preset.networks, preset.published_on
            token.save(update_fields=["preset_networks", "preset_date"])
            details: Details = {"entra_ranges_of": str(preset.published_on)}
            note(actor, tenant, "secret token's addresses updated", str(token), details)
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


def _check_used(token: SecretToken, used: Iterable[SecretToken]) -> None:
    """Raise ActionRefused if the token's list leaves out an address in use."""
    text = f"{token.allowed_networks} {token.preset_networks}"
    for each in in_use(used, clock.now()):
        if not addresses.allows(text, each.last_used_address):
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
