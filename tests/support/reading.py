"""Reading the body of a POST of a user, and what its refusal says."""

from typing import Any

import pytest

from scim.protocol import urns
from scim.protocol.definitions import USER
from scim.protocol.errors import InvalidValue
from scim.protocol.patch import Outcome, read_resource

# The user that the Entra provisioning service creates.


def read(**members: Any) -> Outcome:
    return read_resource(USER, {"schemas": [urns.USER], **members})


def refusal(**members: Any) -> str:
    with pytest.raises(InvalidValue) as caught:
        read(**members)
    return caught.value.detail
