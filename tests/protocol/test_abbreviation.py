"""Requests and creations that are kept in few bytes are read again as they were."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import urns
from scim.protocol.abbreviation import abbreviated, lengthened, shortened, written_out

ENTRA = {
    "schemas": [urns.USER, urns.ENTERPRISE_USER],
    "userName": "bjensen@acme.example",
    "meta": {"resourceType": "User"},
    "roles": [],
    "active": True,
    urns.ENTERPRISE_USER: {"department": "Tours"},
}
PATHS = (
    "userName",
    "name.formatted",
    "name.givenName",
    f"{urns.ENTERPRISE_USER}:department",
    'emails[type eq "work"].value',
    'emails[type eq "work"].primary',
    f"{urns.ENTERPRISE_USER}:manager.value",
    "urn:acme:params:Badge:number",
    "urn:acme:params:Badge:color",
    f"{urns.ENTERPRISE_USER}:employeeNumber",
)
# Names that the abbreviations use, and others.
NAMES = st.sampled_from(
    [":", "::", ":e", ":u", "schemas", "meta", "roles", "active", "", urns.ENTERPRISE_USER]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
)
USUAL = st.sampled_from(
    [[urns.USER], [urns.GROUP], [urns.PATCH_OP], ENTRA["schemas"], ENTRA["meta"], [], True, 1]
)
BODIES = st.dictionaries(NAMES | st.text(max_size=3), VALUES | USUAL)
# As SCIM has them: a name, or a URN and a name; no separator in front.
PARTS = st.text(alphabet='ab:.[]" ', max_size=8)


def test_a_body_as_entra_sends_it_is_kept_without_what_every_one_has():
    kept = abbreviated(ENTRA)

    assert kept == {
        "userName": "bjensen@acme.example",
        ":eumra": {"department": "Tours"},
    }
    assert written_out(kept) == ENTRA


@pytest.mark.parametrize("body", [None, "text", [ENTRA], 7, {}, {"userName": "bjensen"}])
def test_a_body_without_anything_usual_is_kept_as_it_is(body):
    assert abbreviated(body) == body
    assert written_out(body) == body


def test_names_that_begin_with_a_colon_stay_what_they_are():
    body = {":": "u", ":e": 1, "::": 2, "userName": ":e", urns.ENTERPRISE_USER: None}

    assert written_out(abbreviated(body)) == body


def test_names_with_a_colon_that_were_kept_before_are_read_as_they_are():
    assert written_out({":": 1, ":z": 2, ":ue": 3}) == {":": 1, ":z": 2, ":ue": 3}


def test_a_body_that_is_read_shares_nothing_with_the_next_one():
    first = written_out({":u": None})
    first["schemas"].clear()

    assert written_out({":u": None}) == {"schemas": [urns.USER, urns.ENTERPRISE_USER]}


@given(BODIES)
def test_every_body_is_read_as_it_was(body):
    kept = json.loads(json.dumps(abbreviated(body)))

    assert written_out(kept) == body
    assert json.dumps(written_out(kept), sort_keys=True) == json.dumps(body, sort_keys=True)


def test_paths_continue_the_latest_one_of_their_kind():
    kept = shortened(PATHS)

    assert kept == (
        "userName",
        "name.formatted",
        ".givenName",
        ":department",
        'emails[type eq "work"].value',
        ".primary",
        f"{urns.ENTERPRISE_USER}:manager.value",
        "urn:acme:params:Badge:number",
        ":color",
        f"{urns.ENTERPRISE_USER}:employeeNumber",
    )
    assert lengthened(kept) == PATHS


def test_paths_of_before_are_read_as_they_are():
    assert lengthened(PATHS) == PATHS


@given(st.lists(st.builds("{}{}".format, st.sampled_from(["a", "urn:b"]), PARTS)))
def test_all_paths_are_read_as_they_were(paths):
    assert lengthened(shortened(tuple(paths))) == tuple(paths)
