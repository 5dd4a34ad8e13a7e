"""The client's address is read from a trusted proxy's headers, and from nobody else's."""

from ipaddress import ip_address

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from hypothesis import given, strategies

from config.edge.proxies import (
    MOST_PROXIES,
    ClientMiddleware,
    TrustedProxies,
    client_address,
    read_trusted_proxies,
)
from config.environment import EnvironmentVariableError

PROXIES = read_trusted_proxies("10.0.0.0/8, 192.0.2.1, 2001:db8:1::/48")
NOBODY = TrustedProxies()
PROXY = "10.0.0.1"
CLIENT = "203.0.113.9"


def seen(peer=PROXY, x_forwarded_for="", forwarded="", trusted=PROXIES):
    return client_address(peer, x_forwarded_for, forwarded, trusted)


# --- whose word counts --------------------------------------------------------------------------


def test_a_trusted_proxy_names_the_client():
    assert seen(x_forwarded_for=CLIENT) == CLIENT
    assert seen(forwarded=f"for={CLIENT};proto=https;by={PROXY}") == CLIENT


@pytest.mark.parametrize("peer", ["198.51.100.4", "2001:db8:2::4", "127.0.0.1"])
def test_the_headers_of_anybody_else_are_ignored(peer):
    assert seen(peer, x_forwarded_for=CLIENT, forwarded=f"for={CLIENT}") == peer


def test_without_the_setting_nobody_is_trusted():
    assert seen("127.0.0.1", x_forwarded_for=CLIENT, trusted=NOBODY) == "127.0.0.1"
    assert seen("", x_forwarded_for=CLIENT, trusted=NOBODY) == ""


def test_the_peer_of_a_unix_socket_is_trusted_by_name():
    unix = read_trusted_proxies("unix")

    assert seen("", x_forwarded_for=CLIENT, trusted=unix) == CLIENT
    assert seen("", trusted=unix) == ""
    assert seen("", x_forwarded_for=CLIENT) == ""
    assert seen("nonsense", x_forwarded_for=CLIENT, trusted=unix) == ""


# --- which address it is ------------------------------------------------------------------------


def test_the_rightmost_address_that_is_no_trusted_proxy_is_the_clients():
    """Anything further left was sent by the client itself."""
    chain = f"127.0.0.1, 8.8.8.8, {CLIENT}, 192.0.2.1, 10.9.9.9"
    elements = ", ".join(f"for={address}" for address in chain.split(", "))

    assert seen(x_forwarded_for=chain) == CLIENT
    assert seen(forwarded=elements) == CLIENT


def test_a_chain_of_trusted_proxies_alone_ends_at_its_first():
    assert seen(x_forwarded_for="10.0.0.3, 10.0.0.2") == "10.0.0.3"


def test_a_proxy_that_names_nobody_is_the_client():
    assert seen() == PROXY


def test_x_forwarded_for_counts_before_forwarded():
    """Nearly every proxy appends to the one and hands on the other as the client wrote it."""
    assert seen(x_forwarded_for=CLIENT, forwarded="for=8.8.8.8") == CLIENT


@pytest.mark.parametrize(
    ("node", "address"),
    [
        ("203.0.113.9:47011", "203.0.113.9"),
        ("2001:db8:2::4", "2001:db8:2::4"),
        ("2001:0DB8:2:0::4", "2001:db8:2::4"),
        ("[2001:db8:2::4]", "2001:db8:2::4"),
        ("[2001:db8:2::4]:443", "2001:db8:2::4"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_an_address_is_read_in_every_form(node, address):
    assert seen(x_forwarded_for=node) == address
    assert seen(forwarded=f'For="{node}"') == address


def test_the_peer_of_a_socket_for_both_kinds_of_address_is_one_of_ipv4():
    assert seen("::ffff:10.0.0.1", x_forwarded_for=CLIENT) == CLIENT
    assert seen("::ffff:198.51.100.4") == "198.51.100.4"


def test_a_zone_is_left_out():
    """PostgreSQL would refuse it."""
    assert seen("fe80::1%eth0") == "fe80::1"


# --- what cannot be read ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "node",
    [
        "unknown",
        "_hidden",
        "' OR 1=1",
        "203.0.113.999",
        "1.2.3",
        "[::1",
        "::1%eth0",
        "٣.٣.٣.٣",
        "\0",
    ],
)
def test_a_node_that_is_no_address_ends_the_chain(node):
    assert seen(x_forwarded_for=node) == PROXY
    assert seen(x_forwarded_for=f"{CLIENT}, {node}") == PROXY
    assert seen(x_forwarded_for=f"{CLIENT}, {node}, 10.0.0.2") == "10.0.0.2"


@pytest.mark.parametrize(
    "element",
    [
        "for",
        f"by={CLIENT}",
        f"for={CLIENT};for={CLIENT}",
        f'for="{CLIENT}',
        f"for={CLIENT} proto=https",
        'for="_a,b"',
    ],
)
def test_an_element_that_names_no_client_ends_the_chain(element):
    assert seen(forwarded=f"for={CLIENT}, {element}") == PROXY


def test_an_open_quote_of_the_client_does_not_swallow_what_the_proxy_appends():
    assert seen(forwarded=f'for="_hidden, for={CLIENT}') == CLIENT


def test_a_chain_is_read_up_to_a_limit():
    """A long header must cost no more than a short one."""
    longest = ["10.0.0.2"] * (MOST_PROXIES - 1)

    assert seen(x_forwarded_for=", ".join([CLIENT, *longest])) == CLIENT
    assert seen(x_forwarded_for=", ".join([CLIENT, "10.0.0.3", *longest])) == "10.0.0.3"


def test_empty_elements_and_pairs_are_passed_over():
    assert seen(x_forwarded_for=f" , {CLIENT},, ") == CLIENT
    assert seen(forwarded=f",for={CLIENT};,") == CLIENT


PIECES = ["for=", ",", ";", '"', "[", "]", ":", ".", "1", "::", "%", "\\", "é", " ", "=", CLIENT]


@given(strategies.lists(strategies.sampled_from(PIECES)).map("".join))
def test_no_header_makes_it_fail(header):
    for found in (seen(x_forwarded_for=header), seen(forwarded=header)):
        assert str(ip_address(found)) == found


# --- the setting --------------------------------------------------------------------------------


def test_the_setting_is_a_list_of_addresses_and_networks():
    assert read_trusted_proxies("") == NOBODY
    assert [str(network) for network in PROXIES.networks] == [
        "10.0.0.0/8",
        "192.0.2.1/32",
        "2001:db8:1::/48",
    ]
    assert read_trusted_proxies(" ::1 , UNIX,") == TrustedProxies(
        read_trusted_proxies("::1").networks, unix=True
    )


@pytest.mark.parametrize("name", ["*", "proxy.example", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0-9"])
def test_a_setting_that_cannot_be_is_refused_in_one_line(name):
    with pytest.raises(EnvironmentVariableError) as refused:
        read_trusted_proxies(f"127.0.0.1,{name}")

    assert str(refused.value) == (
        "TRUSTED_PROXIES must be IP addresses or networks such as 10.0.0.0/8, or the word unix, "
        f"with commas between, and {name!r} is none of these."
    )


@pytest.mark.parametrize("everybody", ["0.0.0.0/0", "::/0"])
def test_everybody_cannot_be_trusted(everybody):
    with pytest.raises(EnvironmentVariableError) as refused:
        read_trusted_proxies(everybody)

    assert str(refused.value) == (
        f"TRUSTED_PROXIES must not hold {everybody}: everybody could claim any address."
    )


# --- the middleware -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent", [{}, {"HTTP_X_FORWARDED_PROTO": "ftp", "HTTP_X_FORWARDED_SSL": "on"}]
)
@pytest.mark.parametrize(("scheme", "is_secure"), [("https", True), ("http", False)])
def test_the_scheme_is_a_setting_whatever_a_header_says(settings, scheme, is_secure, sent):
    settings.PUBLIC_SCHEME = scheme
    request = RequestFactory().get("/", **sent)

    ClientMiddleware(lambda _: HttpResponse())(request)

    assert request.is_secure() is is_secure
