"""The requests that two trees are compared by, and the comparison."""

import json

from tests.support.bench.answers import Normal
from tests.support.bench.requests import requests


def test_there_are_five_hundred_requests_and_the_same_each_time():
    asked = list(requests(60))

    assert len(asked) > 500
    assert asked == list(requests(60))


def test_requests_are_of_all_kinds():
    asked = list(requests(60))

    assert {method for method, _, _ in asked} >= {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"}
    assert {path.split("?")[0].strip("/").partition("/")[0] for _, path, _ in asked} >= {
        "Users", "Groups", "Bulk", "Me", "Schemas", ".search", "v2"
    }  # fmt: skip


def test_ids_are_numbered_by_appearance():
    one, other = (
        Normal().text(json.dumps({"id": made, "again": made.replace("-", ""), "at": at}))
        for made, at in (
            ("0190f3a2-1111-7000-8000-000000000001", "2026-11-29T11:00:00.123Z"),
            ("0190f3a2-2222-7000-8000-000000000002", "2026-11-29T12:00:00.456Z"),
        )
    )

    assert one == other == json.dumps({"id": "<0>", "again": "<0>", "at": "<moment>"})


def test_values_that_differ_stay_different():
    assert Normal().text('"title":"Guide"') != Normal().text('"title":"guide"')
