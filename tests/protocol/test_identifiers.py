"""Ids are told from what only resembles them."""

from uuid import UUID

import pytest

from scim.protocol.text import read_id

ID = "01937b6e-0000-7000-8000-00000000000a"


def test_an_id_is_read_in_the_spelling_in_which_it_is_given_out():
    assert read_id(ID) == UUID(ID)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "\0",
        ID.upper(),
        ID.replace("-", ""),
        f"{{{ID}}}",
        f"urn:uuid:{ID}",
        f" {ID}",
        f"{ID}\n",
    ],
)
def test_anything_else_is_no_id(text):
    assert read_id(text) is None
