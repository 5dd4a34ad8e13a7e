"""The feature of problems: its observer, the thread that writes, and its screens."""

from collections.abc import Iterable

from scim.problems.ledger import FLUSHES, Outcomes
from scim.provider.features import Feature, Round
from scim.provider.observers import Observer


class Problems(Feature):
    """Refusals of one reason about one user or group are one open problem, until it is settled."""

    def observer(self) -> Observer:
        return Outcomes()

    def rounds(self) -> Iterable[Round]:
        return (FLUSHES,)


FEATURE = Problems()
