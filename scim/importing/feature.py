"""The feature of imports: the command `user import`."""

from collections.abc import Mapping

from scim.importing.command import Import
from scim.provider.features import Feature
from tenants.management.kit import HouseCommand


class Importing(Feature):
    """Users are created from a file, many at once."""

    def verbs(self, group: str) -> Mapping[str, type[HouseCommand]]:
        return {"import": Import} if group == "user" else {}


FEATURE = Importing()
