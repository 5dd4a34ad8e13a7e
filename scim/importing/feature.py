"""The feature of imports: the command `user import`."""

from scim.provider.features import Feature


class Importing(Feature):
    """Users are created from a file, many at once."""


FEATURE = Importing()
