"""What monitoring gives to the rest."""

from scim.monitoring.exchanges import Exchanges
from scim.provider.features import Feature
from scim.provider.observers import Observer


class Monitoring(Feature):
    """The state of each tenant's connection, learned from its traffic."""

    def observer(self) -> Observer:
        return Exchanges()


FEATURE = Monitoring()
