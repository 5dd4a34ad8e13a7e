"""Searches for the words of a search box, answered by an index."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from scim.models import User
from tenants.lettercase import fold

_NAMESAKES: Final = 50  # users with one e-mail or externalId (E21), or deleted ones with one name


def uuid_in(text: str) -> UUID | None:
    """The UUID that the text is, None when it is none."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def first_id_at(moment: datetime) -> UUID:
    """The smallest version 7 UUID of that millisecond: rows sort by it as they sort by time."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def unique_key(condition: Q) -> Q:
    """The condition on the unique key, told so that indexes answer it: one each for who is deleted
    and who is not.
    """
    return (condition & Q(deleted_at=None)) | (condition & Q(deleted_at__isnull=False))


def who_is_called(term: str) -> list[UUID]:
    """The ids of the users with that whole userName, work e-mail or externalId, deleted or not."""
    key = fold(term)
    named = unique_key(Q(unique_key=key)) | Q(work_email=key) | Q(external_id=term)
    return list(User.objects.filter(named).values_list("pk", flat=True)[:_NAMESAKES])
