"""Host headers, custom domains, further host names, and the schemas that follow from them."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants import hostnames
from tenants.errors import TenantRefused

BASE = "mypolicies.example"
LABEL_LETTERS = string.ascii_lowercase + string.digits
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("acme.mypolicies.example", "acme.mypolicies.example"),
        ("ACME.MyPolicies.Example", "acme.mypolicies.example"),
        ("acme.mypolicies.example:8000", "acme.mypolicies.example"),
        ("acme.mypolicies.example.", "acme.mypolicies.example"),
        ("acme.mypolicies.example.:443", "acme.mypolicies.example"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("localhost", "localhost"),
    ],
)
def test_a_host_header_names_a_host_in_lower_case_without_port_and_final_dot(header, host):
    assert hostnames.parse_host(header) == host


@pytest.mark.parametrize(
    "header",
    [
        "",
        ".",
        "acme..mypolicies.example",
        "acme.mypolicies.example..",
        ".acme.mypolicies.example",
        "-acme.mypolicies.example",
        "acme-.mypolicies.example",
        "acme_1.mypolicies.example",
        "acme.mypolicies.example:",
        "acme.mypolicies.example:0",
        "acme.mypolicies.example:65536",
        "acme.mypolicies.example:80:80",
        "acme.mypolicies.example:٨٠",
        "[::1]:8000",
        "::1",
        "acme.mypolicies.example/scim",
        "user@acme.mypolicies.example",
        " acme.mypolicies.example",
        "acme.mypolicies.example\n",
        "acme.mypolicies.example\0",
        "acmé.mypolicies.example",
        "\u212aacme.mypolicies.example",  # the Kelvin sign, whose lower case is an ASCII k
        "a" * 64 + ".mypolicies.example",
        ".".join(["a" * 63] * 5),
    ],
)
def test_an_invalid_host_name_names_no_host(header):
    assert hostnames.parse_host(header) is None


@given(st.text())
def test_any_header_is_read_without_an_error_and_again_to_the_same(header):
    host = hostnames.parse_host(header)

    assert host is None or hostnames.parse_host(host) == host


def test_the_custom_domain_is_the_one_label_in_front_of_the_base_domain():
    assert hostnames.custom_domain_of("acme.mypolicies.example", BASE) == "acme"
    assert hostnames.custom_domain_of("a.acme.mypolicies.example", BASE) is None
    assert hostnames.custom_domain_of("mypolicies.example", BASE) is None
    assert hostnames.custom_domain_of("acme.mypolicies.example.evil", BASE) is None


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("acme", "acme"),
        (" ACME ", "acme"),
        ("demo0-qa", "demo0-qa"),
        ("3com", "3com"),
        ("a", "a"),
        ("a" * 63, "a" * 63),
    ],
)
def test_a_custom_domain_is_a_label_in_lower_case(text, label):
    assert hostnames.read_custom_domain(text) == label


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-acme",
        "acme-",
        "ac me",
        "ac_me",
        "acme.example",
        "acmé",
        "\uff21cme",
        "\u212aacme",
        "a" * 64,
        "a\0b",
    ],
)
def test_an_invalid_label_is_refused_with_the_rule(text):
    with pytest.raises(TenantRefused) as refused:
        hostnames.read_custom_domain(text)

    assert str(refused.value) == (
        f"{text!r} cannot be a custom domain: use 1 to 63 letters (a to z), digits and hyphens, "
        "with no hyphen first or last."
    )


@pytest.mark.parametrize("text", ["admin", "WWW", "api", "mail", "support", "static", "scim"])
def test_reserved_names_are_refused(text):
    with pytest.raises(TenantRefused) as refused:
        hostnames.read_custom_domain(text)

    assert str(refused.value) == f"The custom domain {text.lower()} is reserved for myPolicies."


@pytest.mark.parametrize("text", ["xn--acm-dma", "XN--acm-dma", "ab--cd"])
def test_encoded_names_are_refused_because_they_are_shown_as_others(text):
    """RFC 5890 §2.3.1: such a label may look like a competitor's name."""
    with pytest.raises(TenantRefused):
        hostnames.read_custom_domain(text)


def test_a_further_host_name_is_read_in_lower_case_without_a_final_dot():
    assert hostnames.read_host_name(" SCIM.Acme.Example. ", BASE) == "scim.acme.example"


@pytest.mark.parametrize(
    "text",
    [
        "localhost",
        "192.0.2.1",
        "https://scim.acme.example",
        "scim.acme.example:443",
        "scim..acme.example",
        "xn--acm-dma.example",
        "\u212aacme.example",
        "mypolicies.example",
        "globex.mypolicies.example",
        "a.globex.MYPOLICIES.example.",
        ".".join(["a" * 63] * 4) + ".example",
    ],
)
def test_an_invalid_additional_host_name_is_refused(text):
    with pytest.raises(TenantRefused):
        hostnames.read_host_name(text, BASE)


def test_the_schema_of_a_custom_domain():
    assert hostnames.schema_name("demo0-qa") == "t_demo0_qa"
    assert hostnames.schema_name("a" * 39) == "t_" + "a" * 39
    assert hostnames.schema_name("a" * 40) == "t_" + "a" * 24 + "_4m6n7hd7oeqlt_"


@given(LABELS)
def test_every_schema_name_is_one_that_postgresql_takes_unquoted(label):
    assert re.fullmatch(r"[a-z][a-z0-9_]{2,40}", hostnames.schema_name(label))


@given(LABELS, LABELS)
def test_different_custom_domains_have_different_schemas(one, other):
    assert (one == other) == (hostnames.schema_name(one) == hostnames.schema_name(other))


@given(st.text(LABEL_LETTERS, min_size=40, max_size=40), st.sampled_from(LABEL_LETTERS))
def test_long_custom_domains_that_differ_at_the_end_have_different_schemas(beginning, letter):
    assert hostnames.schema_name(beginning) != hostnames.schema_name(beginning + letter)


@given(st.text(LABEL_LETTERS + "-", min_size=38, max_size=61))
def test_no_short_custom_domain_has_the_schema_of_a_long_one(middle):
    long = hostnames.schema_name("a" + middle + "z")

    assert len("a" + middle + "z") <= 39 or long.endswith("_")  # no label ends with a hyphen
