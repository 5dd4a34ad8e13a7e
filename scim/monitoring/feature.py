"""What monitoring gives to the rest."""

from scim.provider.features import Feature


class Monitoring(Feature):
    """The state of each tenant's connection, learned from its traffic."""


FEATURE = Monitoring()
