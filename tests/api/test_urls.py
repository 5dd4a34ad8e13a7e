"""The endpoint of a path is found as Django's resolver finds it."""

import pytest
from django.urls import resolve
from hypothesis import given
from hypothesis import strategies as st

from scim.api.urls import find_endpoint
from scim.api.views import UnknownEndpointView

PARTS = ["", "/", "//", "v2", "V2", "users", "Users", "Groups", ".search", "Bulk", "Me", "Schemas"]
PARTS += ["oauth", "token", "x", "é", "\n", "?", "2819c223-7f76-453a-919d-413861904646", "Events"]


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("/scim/Users", {}),
        ("///SCIM//v2/users/", {}),
        ("/scim/v2/Users/2819c223", {"identifier": "2819c223"}),
        ("/scim/Users/.search", {}),
        ("/scim/Users/urn:x//", {"identifier": "urn:x"}),
        ("/scim", {}),
        ("/scim/v2", {}),
        ("/scim/Users/1/2", {}),
    ],
)
def test_an_endpoint_is_found_with_its_arguments(path, arguments):
    view, found = find_endpoint(path)

    assert (view, found) == (resolve(path).func, arguments)


@given(st.lists(st.sampled_from(PARTS)).map("/".join))
def test_any_path_leads_where_djangos_resolver_leads(rest):
    path = f"/scim/{rest}"
    match = resolve(path)

    assert find_endpoint(path) == (match.func, match.kwargs)


def test_a_path_that_is_no_endpoint_has_a_view_that_says_so():
    view, found = find_endpoint("/scim/Nothing/at/all")

    assert (view.cls, found) == (UnknownEndpointView, {})


@pytest.mark.parametrize("path", ["/", "/scimitar", "/admin/scim/Users", ""])
def test_a_path_that_is_not_below_scim_has_none(path):
    with pytest.raises(LookupError):
        find_endpoint(path)
