"""The logo of a tenant: uploaded, replaced and removed."""

from hashlib import sha256
from typing import Final

from accounts import pictures
from accounts.actions.performing import ActionRefused, note, performing
from accounts.audit import Actor, Details
from accounts.models import Logo
from accounts.permissions import CHANGE_LOGO
from tenants import clock, lifecycle
from tenants.errors import about
from tenants.models import Tenant

_DIGITS: Final = 16  # of the digest, in the address of the picture


def change_logo(actor: Actor, tenant: Tenant, content: bytes) -> Logo:
    """The tenant's logo from now on, in place of the former one. Raises ActionRefused."""
    with performing(actor, CHANGE_LOGO, tenant), about("file"):
        try:
            picture = pictures.read(content)
        except pictures.PictureError as error:
            raise ActionRefused("logo.unfit", str(error)) from error
        Logo.objects.all().delete()
        logo = Logo.objects.create(
            digest=sha256(picture.content).hexdigest()[:_DIGITS],
            media_type=picture.media_type,
            width=picture.width,
            height=picture.height,
            content=picture.content,
            changed_at=clock.now(),
            changed_by=actor.name,
        )
        lifecycle.set_logo(tenant, logo.digest)
        details: Details = {
            "type": logo.media_type,
            "bytes": len(picture.content),
            "size": logo.size,
        }
        note(actor, tenant, "logo changed", tenant.custom_domain, details)
    return logo


def remove_logo(actor: Actor, tenant: Tenant) -> None:
    """Show no logo any more. Raises ActionRefused."""
    with performing(actor, CHANGE_LOGO, tenant):
        if not Logo.objects.all().delete()[0]:
            raise ActionRefused("action.too-late", "It has been removed in the meantime.")
        lifecycle.set_logo(tenant, "")
        note(actor, tenant, "logo removed", tenant.custom_domain, {})
