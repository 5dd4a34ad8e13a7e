"""Uses of credentials after a stop: real workers, stopped as an operator stops them."""

import json

from tests.support.server import new_server


def test_uses_are_known_after_a_graceful_stop_and_of_a_revoked_token():
    with new_server() as server:
        server.start()
        for _ in range(7):
            assert server.scim("GET", "/Users").status == 200
        server.stop()
        server.start()  # revokes the token that was printed before

        listed = json.loads(server.manage("token", "list", "demo0-qa", "--json").stdout)

    used = sorted((each["requests"], each["state"].startswith("revoked")) for each in listed)
    assert used == [(0, False), (7, True)]
