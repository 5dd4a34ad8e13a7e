"""What a resource's id is (RFC 7643 §3.1): a UUID in the one spelling in which it is given out."""

from uuid import UUID


def read_id(text: str) -> UUID | None:
    """The id as it is stored; None for anything that was never given out as one.

    Ids are caseExact: another spelling of the same UUID names nothing.
    """
    try:
        identifier = UUID(text)
    except ValueError:
        return None
    return identifier if str(identifier) == text else None
