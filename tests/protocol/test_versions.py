"""Entity tags and preconditions (RFC 7644 §3.14)."""

import pytest

from scim.protocol.errors import PreconditionFailed
from scim.protocol.representation import Precondition, entity_tag


def test_the_entity_tag_is_weak_and_quotes_the_version():
    assert entity_tag(3) == 'W/"3"'


@pytest.mark.parametrize("header", ['W/"3"', '"3"', '"1", W/"3"', "*", " * "])
def test_if_match_lets_the_named_version_pass(header):
    Precondition(if_match=header).check(3)


@pytest.mark.parametrize("header", ['W/"2"', '"33"', "3", "", '""', "garbage"])
def test_if_match_refuses_any_other_version(header):
    with pytest.raises(PreconditionFailed) as refusal:
        Precondition(if_match=header).check(3)

    assert refusal.value.detail == (
        'The resource is at version W/"3", which is not what If-Match asks for.'
        " Read it again and repeat the change."
    )


@pytest.mark.parametrize("header", ['W/"3"', "*"])
def test_if_none_match_refuses_to_change_the_version_it_names(header):
    with pytest.raises(PreconditionFailed):
        Precondition(if_none_match=header).check(3)


def test_if_none_match_tells_that_a_read_brings_nothing_new():
    assert Precondition(if_none_match='W/"3"').is_not_modified(3)
    assert not Precondition(if_none_match='W/"2"').is_not_modified(3)
    assert not Precondition().is_not_modified(3)
