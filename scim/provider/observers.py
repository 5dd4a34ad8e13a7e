"""Observers hear what happens to resources and requests; the core names none of them.

A feature gives an observer (scim.provider.features). Around a change of a resource, in this order:

1. `change`: the change is about to be stored, its resource locked. An observer that raises a ScimError
   refuses it. In a request of many changes a Watch of that transaction hears them in the observer's place.
2. `question`: the statement that stores the change answers a question of the observer, so that what the
   observer has to do with it costs nothing when there is nothing to do.
3. `stored`: the answer was yes; what the observer writes now is committed with the change.

A change may be announced again after a rollback: a yes may roll the transaction back, and so does a
deadlock, and everything from `change` on happens once more. So `change` has effects only in its
transaction or in `on_commit`.

An observer that waits for the commit registers that with `transaction.on_commit`. After a request,
whatever became of it, `answered` hears of it, and `refused` of the refusals that an observer asks for.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.oauth import GrantRefused
from accounts.tokens import TokenRefused, Verified
from scim.protocol.errors import ScimError
from scim.protocol.schema import ResourceType
from scim.repository.base import Question, Write
from tenants.models import Tenant


@dataclass(frozen=True, slots=True)
class Transition:
    """A resource before and after a change, as canonical documents; None while it is not there."""

    resource_type: ResourceType
    id: UUID
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Answered:
    """A request and its answer.

    `operation` is the log's word for the request, `sent` its body or query. `verified` is its good
    token, or the client that asked for an access token; `refusal` says why it was not accepted. `parts`
    are the operations of a bulk request, each as the request that it stands for.
    """

    operation: str
    method: str
    status: int
    reason: str  # of a refusal (scim.refusals), else ""
    request_id: str
    user_agent: str
    resource_type: ResourceType | None = None
    resource_id: UUID | None = None  # in the path, whether or not there is one
    sent: Any = field(default=None, repr=False)
    verified: Verified | None = None
    refusal: TokenRefused | GrantRefused | None = None
    parts: tuple["Answered", ...] = field(default=(), repr=False)


class Observer:
    """Hears nothing; each method is overridden by observers that listen."""

    refusals: tuple[type[ScimError], ...] = ()  # `refused` hears of these

    def change(self, transition: Transition) -> None:
        """Hear of the only change of a transaction. Raises a ScimError to refuse it."""

    def watch(self, most: int) -> "Watch":
        """A watch that hears of the changes of a transaction, at most so many."""
        return Watch(self)

    def question(self, write: Write) -> Question | None:
        """The question that the statement of the change shall answer."""
        return None

    def stored(self, write: Write) -> None:
        """Act upon a change whose answer to the question is yes, in its transaction."""

    def refused(self, tenant: Tenant) -> None:
        """Act upon a request that was refused with one of `refusals`, in a transaction after it."""

    def answered(self, tenant: Tenant, answered: Answered) -> None:
        """Learn from a request; asks the database nothing."""


class Watch:
    """An observer's part of one transaction; this one passes on each change alone."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def change(self, transition: Transition) -> None:
        """Hear of a change. Raises a ScimError to refuse it."""
        self._observer.change(transition)

    def mark(self) -> int:
        """The place to go `back_to` when the changes that follow are rolled back."""
        return 0

    def back_to(self, mark: int) -> None:
        """Forget the changes since."""

    def finish(self) -> None:
        """Write down what was heard, before the commit."""


class Watches:
    """The watches of one transaction of many changes."""

    def __init__(self, observers: Sequence[Observer], most: int) -> None:
        self._watches = [observer.watch(most) for observer in observers]

    def __iter__(self) -> Iterator[Watch]:
        return iter(self._watches)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A savepoint; the changes in one that is rolled back were never heard of."""
        marks = [watch.mark() for watch in self._watches]
        try:
            with transaction.atomic():
                yield
        except BaseException:
            for watch, mark in zip(self._watches, marks, strict=True):
                watch.back_to(mark)
            raise

    def finish(self) -> None:
        """Have them write down what they heard. Needs the transaction."""
        for watch in self._watches:
            watch.finish()
