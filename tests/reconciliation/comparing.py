"""A reconciliation in a test: a file handed over, then compared by the worker to its end."""

from io import BytesIO

from scim.reconciliation import comparing
from scim.reconciliation.models import Difference, Reconciliation
from tenants.current import in_tenant
from tests.support.people import COMMAND


def finish(tenant) -> int:
    """Have the worker do what is left; the number of pieces."""
    pieces = 0
    while comparing.advance(tenant):
        pieces += 1
    return pieces


def compared(tenant, content, actor=COMMAND):
    """The finished report about a file of this text or these bytes."""
    content = content.encode() if isinstance(content, str) else content
    report = comparing.begin(actor, tenant, BytesIO(content))
    finish(tenant)
    with in_tenant(tenant):
        return Reconciliation.objects.get(pk=report.pk)


def differences(tenant, *columns):
    """The rows of all reports, in their order."""
    with in_tenant(tenant):
        return list(Difference.objects.order_by("id").values_list(*columns))
