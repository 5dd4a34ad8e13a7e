"""Schemathesis, which makes up requests from the OpenAPI document, valid ones and others.

Every answer is one of those described. The requests go through the whole application within the
test's transaction, and are the same ones each time. An accepted request need not be described: the
server is more generous than its description (docs/entra.md).
"""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import ignored_auth, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support import clients, documents
from tests.support.payloads import user

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    ignored_auth,
]


def application(environ, start_response):
    response = clients.HANDLER(environ)
    start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
    return [response.content]


def loaded():
    schema = schemathesis.openapi.from_dict(documents.described())
    schema.app = application
    schema.config.phases.coverage.enabled = False  # one request for each detail: minutes
    # RFC 7644 §3.11: /Me answers 501 when it stands for nobody.
    schema.config.checks.not_a_server_error.expected_statuses = ["2xx", "3xx", "4xx", "501"]
    return schema


api = loaded()


@pytest.fixture
def present(at_acme):
    """A user who stands for the token's account, and a group: their ids by type."""
    tara = at_acme.post("/Users", user("tara")).json["id"]
    group = {"displayName": "Tour Guides", "members": [{"value": tara}]}
    return {"Users": tara, "Groups": at_acme.post("/Groups", group).json["id"]}


def aim(case, present):
    """Send every second request for a resource to one that is there."""
    kind = case.path.split("/")[2] if case.path.endswith("/{id}") else ""
    if kind in present and len(case.path_parameters["id"]) % 2:
        case.path_parameters["id"] = present[kind]


@api.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_is_described(case, at_acme, present):
    aim(case, present)
    headers = {"Host": at_acme.tenant.host, "Authorization": f"Bearer {at_acme.token}"}

    case.call_and_validate(headers=headers, checks=CHECKS)
