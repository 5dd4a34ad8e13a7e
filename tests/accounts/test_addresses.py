"""Lists of addresses from which a token works: how they are read, and what they hold."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import addresses
from accounts.addresses import MAX_NETWORKS, NotANetwork

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


def test_addresses_and_networks_of_both_versions_are_read_in_any_layout():
    text = "203.0.113.7, 198.51.100.0/24\n2001:DB8::/32  203.0.113.7"

    assert addresses.to_text(addresses.read_networks(text)) == (
        "203.0.113.7/32 198.51.100.0/24 2001:db8::/32"
    )


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("203.0.113.7", True),
        ("203.0.113.8", False),
        ("198.51.100.0", True),
        ("198.51.100.255", True),
        ("198.51.101.0", False),
        ("198.51.99.255", False),
        ("2001:db8:ffff::1", True),
        ("2001:db9::", False),
        ("::ffff:203.0.113.7", True),
        ("::ffff:203.0.113.8", False),
        ("", False),
        ("unknown", False),
        (None, False),
    ],
)
def test_an_address_is_allowed_if_one_of_the_networks_has_it(address, is_allowed):
    text = "2001:db8::/32 198.51.100.0/24 203.0.113.7/32"

    assert addresses.allows(text, address) is is_allowed


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::1", None])
def test_without_networks_every_address_is_allowed(address):
    assert addresses.allows(" ", address)


@given(st.lists(st.tuples(ADDRESSES, st.integers(1, 128)), min_size=1, max_size=8), ADDRESSES)
def test_a_list_has_what_one_of_its_networks_has(pairs, address):
    networks = [
        ip_network((each, min(length, each.max_prefixlen)), strict=False) for each, length in pairs
    ]
    mapped = getattr(address, "ipv4_mapped", None) or address

    allowed = addresses.allows(addresses.to_text(networks), str(address))

    assert allowed is any(mapped in each for each in networks)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "acme.example",
            (
                "'acme.example' is no address or network: write it as 203.0.113.7, 203.0.113.0/24 or"
                " 2001:db8::/32."
            ),
        ),
        (
            "203.0.113.7/24",
            "'203.0.113.7/24' has bits set beyond its length: write 203.0.113.0/24.",
        ),
        (
            "203.0.113.0/24 0.0.0.0/0",
            "0.0.0.0/0 has every address: leave the list empty to accept requests from anywhere.",
        ),
        (
            "::/0",
            "::/0 has every address: leave the list empty to accept requests from anywhere.",
        ),
        (
            "::ffff:203.0.113.0/120",
            "'::ffff:203.0.113.0/120' is an IPv4 network written as IPv6: write 203.0.113.0/24.",
        ),
    ],
)
def test_a_refused_list_says_which_entry_and_what_to_write(text, sentence):
    with pytest.raises(NotANetwork) as refused:
        addresses.read_networks(text)

    assert str(refused.value) == sentence


def test_a_list_has_a_limit():
    most = [f"{ip_address(n)}" for n in range(1, MAX_NETWORKS + 1)]

    assert len(addresses.read_networks(" ".join(most))) == MAX_NETWORKS
    with pytest.raises(NotANetwork, match="at most 100"):
        addresses.read_networks(" ".join([*most, "10.0.0.0/8"]))
