"""What a word in a search box can find through an index."""

from datetime import datetime
from uuid import UUID


def uuid_in(text: str) -> UUID | None:
    """The UUID that the text is, None when it is none."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def first_id_at(moment: datetime) -> UUID:
    """The smallest version 7 UUID of that millisecond: rows sort by it as they sort by time."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)
