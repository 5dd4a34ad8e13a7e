"""Errors of tenants and their names, and the field of a request that each refusal is about."""

from collections.abc import Iterator
from contextlib import contextmanager


class Refused(ValueError):
    """Something may not be done as asked; the message is a sentence for whoever asked.

    `reason` is the id of its row in the catalogue of refusals (accounts.refusals). `field` names what
    of the request it is about; "" for none in particular.
    """

    field = ""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class TenantRefused(Refused):
    """A tenant or name cannot be had as asked."""


@contextmanager
def about(field: str) -> Iterator[None]:
    """Say of a refusal from inside which field of the request it is about, if it does not itself."""
    try:
        yield
    except Refused as refusal:
        refusal.field = refusal.field or field
        raise
