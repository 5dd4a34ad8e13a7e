"""The first minutes with the product: one command, and the lines that it prints."""

import json
import shlex
import subprocess


def test_the_printed_curl_line_lists_the_users_of_the_demo_tenant(server):
    done = subprocess.run(shlex.split(server.curl), capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0,
        "itemsPerPage": 0,
        "startIndex": 1,
        "Resources": [],
    }
