"""`manage.py user`: the provisioned users of a tenant; its verbs come from the features."""

from scim.provider.features import verbs_of
from tenants.management.kit import Group


class Command(Group):
    help = "The provisioned users of a tenant."
    verbs = verbs_of("user")
