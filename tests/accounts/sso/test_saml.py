"""SAML responses: those that name a person, and those that are refused."""

import base64
import copy
import zlib
from datetime import timedelta
from functools import cache
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from signxml.signer import XMLSigner

from accounts.sso import saml
from accounts.sso.identity import Identity, Kind, SignOnRefused
from tenants import clock
from tests.support import identity
from tests.support.identity import DIRECTORY, LOGIN, OBJECT_ID, SAML_ISSUER, Response, encoded, sign

SIGN_ON = f"https://login.microsoftonline.com/{DIRECTORY}/saml2"
SERVICE = saml.Service(
    "https://acme.mypolicies.example/admin/sso/saml/metadata/",
    "https://acme.mypolicies.example/admin/sso/saml/",
)
REQUEST = "_0123456789abcdef"
A = "{urn:oasis:names:tc:SAML:2.0:assertion}"


@pytest.fixture
def provider():
    return saml.read_metadata(identity.metadata(SIGN_ON))


@pytest.fixture
def response():
    return Response(SERVICE.entity_id, SERVICE.acs_url, REQUEST)


def check(provider, message, now=None):
    return saml.check(SERVICE, provider, encoded(message), now or clock.now())


def refused(provider, message, now=None):
    with pytest.raises(SignOnRefused) as caught:
        check(provider, message, now)
    return caught.value.reason


def test_a_person_is_known_by_the_ids_of_directory_and_object(provider, response):
    found = check(provider, response.signed())

    assert found.request_id == REQUEST
    assert found.identity == Identity(
        Kind.SAML,
        SAML_ISSUER,
        f"{DIRECTORY}/{OBJECT_ID}",
        "Tara Admin",
        LOGIN,
        response.at.replace(microsecond=response.at.microsecond // 1000 * 1000),
    )


def test_a_signature_over_the_whole_response_counts_as_well(provider, response):
    assertion = response.assertion()
    assertion.remove(assertion[1])
    whole = response.wrapped(assertion)
    whole.insert(
        1,
        etree.fromstring(
            '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Id="placeholder"/>'
        ),
    )

    assert check(provider, sign(whole)).request_id == REQUEST


def test_without_entra_s_ids_a_persistent_name_id_counts(provider, response):
    response.object_id, response.name_id = "", "f3a1c0de"
    response.name_id_format = saml.PERSISTENT

    assert check(provider, response.signed()).identity.subject == "f3a1c0de"


def test_an_e_mail_address_is_no_identity(provider, response):
    response.object_id = ""

    assert refused(provider, response.signed()) == "sso.subject"


def test_the_second_certificate_of_a_provider_counts_while_keys_are_exchanged(response):
    provider = saml.read_metadata(identity.metadata(SIGN_ON, SAML_ISSUER, "signing", "next"))

    assert check(provider, response.signed("next")).request_id == REQUEST


def test_an_assertion_without_a_signature_is_refused(provider, response):
    assertion = response.assertion()
    assertion.remove(assertion[1])

    assert refused(provider, response.wrapped(assertion)) == "sso.signature"


def test_an_assertion_that_another_key_signed_is_refused(provider, response):
    """Its certificate is in the message, which convinces nobody."""
    assert refused(provider, response.signed("another")) == "sso.signature"


class _OldSigner(XMLSigner):
    def check_deprecated_methods(self):
        """Sign all the same."""


@pytest.mark.parametrize(("method", "digest"), [("rsa-sha1", "sha256"), ("rsa-sha256", "sha1")])
def test_an_assertion_signed_with_an_old_algorithm_is_refused(provider, response, method, digest):
    signer = _OldSigner(signature_algorithm=method, digest_algorithm=digest)
    message = response.wrapped(sign(response.assertion(), signer=signer))

    assert refused(provider, message) == "sso.signature"


def test_a_changed_assertion_is_refused(provider, response):
    message = response.signed()
    [*_, last] = message.iter(f"{A}AttributeValue")
    last.text = "99999999-8d2a-4f8e-bf98-7363c4aed4ef"

    assert refused(provider, message) == "sso.signature"


def forged(response):
    """An assertion about somebody else, as an attacker would add it to a signed message."""
    other = copy.copy(response)
    other.object_id, other.id = "99999999-8d2a-4f8e-bf98-7363c4aed4ef", "_forged"
    assertion = other.assertion()
    assertion.remove(assertion[1])
    return assertion


def test_a_second_assertion_beside_the_signed_one_is_refused(provider, response):
    for forged_first in (True, False):
        message = response.signed()
        message.insert(2 if forged_first else len(message), forged(response))

        assert refused(provider, message) == "sso.response"


def test_a_signed_assertion_within_a_forged_one_is_refused(provider, response):
    """Signature wrapping: the signed element is hidden where a lax reader does not look."""
    signed = response.signed()[-1]
    inside_signature, inside_advice = forged(response), forged(response)
    signature = signed.find("{http://www.w3.org/2000/09/xmldsig#}Signature")
    inside_signature.insert(1, signature)
    holder = etree.SubElement(signature, "{http://www.w3.org/2000/09/xmldsig#}Object")
    holder.append(signed)
    etree.SubElement(inside_advice, f"{A}Advice").append(response.signed()[-1])

    for message in (inside_signature, inside_advice):
        assert refused(provider, response.wrapped(message)) == "sso.response"


def test_a_signature_over_something_else_than_the_assertion_is_refused(provider, response):
    message = response.wrapped(forged(response))
    extensions = etree.SubElement(message, "{urn:oasis:names:tc:SAML:2.0:protocol}Extensions")
    thing = etree.SubElement(extensions, "thing", ID="_thing")
    etree.SubElement(thing, "{http://www.w3.org/2000/09/xmldsig#}Signature", Id="placeholder")
    extensions.replace(thing, sign(thing))

    assert refused(provider, message) == "sso.signature"


def test_a_comment_does_not_cut_a_value(provider, response):
    """CVE-2017-11427: `text` of some readers ends at a comment that the signature leaves out."""
    response.object_id, response.name_id_format = "", saml.PERSISTENT
    response.name_id = "tara.contoso"
    message = response.signed()
    [name_id] = message.iter(f"{A}NameID")
    name_id.text = "tara"
    comment = etree.Comment("x")
    comment.tail = ".contoso"
    name_id.append(comment)

    assert check(provider, message).identity.subject == "tara.contoso"


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("issuer", "https://sts.windows.net/other/", "sso.issuer"),
        ("audience", "https://globex.mypolicies.example/admin/sso/saml/metadata/", "sso.audience"),
        ("recipient", "https://globex.mypolicies.example/admin/sso/saml/", "sso.recipient"),
        ("in_response_to", "", "sso.unsolicited"),
        ("status", "urn:oasis:names:tc:SAML:2.0:status:Responder", "sso.provider"),
    ],
)
def test_a_response_for_others_is_refused(provider, response, name, value, reason):
    setattr(response, name, value)

    assert refused(provider, response.signed()) == reason


def test_a_response_of_another_directory_of_the_issuer_is_refused(response):
    response.issuer = "https://sts.windows.net/11111111-2222-4333-8444-555555555555/"
    provider = saml.read_metadata(identity.metadata(SIGN_ON, response.issuer))

    assert refused(provider, response.signed()) == "sso.issuer"


def test_a_response_holds_in_its_time_give_or_take_a_minute(provider, response):
    message, at = response.signed(), response.at
    good = (at - timedelta(minutes=5, seconds=50), at + timedelta(minutes=60, seconds=50))
    bad = (at - timedelta(minutes=7), at + timedelta(minutes=62))

    assert [check(provider, message, moment).request_id for moment in good] == [REQUEST, REQUEST]
    assert [refused(provider, message, moment) for moment in bad] == ["sso.time", "sso.time"]


@pytest.mark.parametrize("name", ["Conditions", "AuthnStatement", "SubjectConfirmation"])
def test_a_response_that_lacks_a_part_is_refused(provider, response, name):
    assertion = response.assertion()
    [part] = assertion.iter(f"{A}{name}")
    part.getparent().remove(part)

    assert refused(provider, response.wrapped(sign(assertion))) == "sso.response"


@pytest.mark.parametrize(
    ("tag", "name"), [("Conditions", "NotOnOrAfter"), ("SubjectConfirmationData", "NotOnOrAfter")]
)
def test_a_response_that_never_ends_is_refused(provider, response, tag, name):
    assertion = response.assertion()
    [part] = assertion.iter(f"{A}{tag}")
    del part.attrib[name]

    assert refused(provider, response.wrapped(sign(assertion))) == "sso.time"


BOMB = '<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><x>&c;</x>'
LEAK = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'


@pytest.mark.parametrize("text", ["", "x", "<x", "<x/>", BOMB, LEAK, "\N{SNOWMAN}"], ids=len)
def test_text_that_is_no_response_is_refused(provider, text):
    for value in (base64.b64encode(text.encode()).decode(), text):
        with pytest.raises(SignOnRefused) as caught:
            saml.check(SERVICE, provider, value, clock.now())
        assert caught.value.reason == "sso.response"


@given(at=st.integers(0), what=st.binary(max_size=12), length=st.integers(0, 40))
def test_no_change_of_a_response_names_somebody_else(at, what, length):
    """Whatever is written over a part of it, it is refused or says what was signed."""
    provider = saml.read_metadata(identity.metadata(SIGN_ON))
    original = etree.tostring(signed_once())
    start = at % len(original)
    changed = original[:start] + what + original[start + length :]

    try:
        found = saml.check(SERVICE, provider, base64.b64encode(changed).decode(), clock.now())
    except SignOnRefused:
        return

    assert found.identity.subject == f"{DIRECTORY}/{OBJECT_ID}"


@cache
def signed_once():
    return Response(SERVICE.entity_id, SERVICE.acs_url, REQUEST).signed()


def test_a_key_of_another_kind_in_the_message_is_refused(provider, response):
    message = response.signed()
    [info] = message.iter("{http://www.w3.org/2000/09/xmldsig#}KeyInfo")
    info.insert(
        0,
        etree.fromstring(
            '<ds:KeyValue xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:DSAKeyValue>'
            "<ds:P>AQ==</ds:P><ds:Q>AQ==</ds:Q><ds:G>AQ==</ds:G><ds:Y>AQ==</ds:Y>"
            "</ds:DSAKeyValue></ds:KeyValue>"
        ),
    )

    assert refused(provider, message) == "sso.signature"


def test_a_response_that_is_too_long_is_not_read(provider):
    with pytest.raises(SignOnRefused, match="too long"):
        saml.check(SERVICE, provider, "A" * 300_000, clock.now())


def request_in(url):
    query = parse_qs(urlsplit(url).query)
    return etree.fromstring(zlib.decompress(base64.b64decode(query["SAMLRequest"][0]), -15))


def test_the_request_says_who_asks_and_where_the_answer_goes(provider):
    url = saml.authentication_url(SERVICE, provider, REQUEST, clock.now())

    request = request_in(url)
    assert url.startswith(f"{SIGN_ON}?SAMLRequest=")
    assert (request.get("ID"), request.get("Destination")) == (REQUEST, SIGN_ON)
    assert request.get("AssertionConsumerServiceURL") == SERVICE.acs_url
    assert (request.findtext(f"{A}Issuer"), request.get("ForceAuthn")) == (SERVICE.entity_id, None)
    again = saml.authentication_url(SERVICE, provider, REQUEST, clock.now(), again=True)
    assert request_in(again).get("ForceAuthn") == "true"


def test_metadata_give_entity_id_url_and_certificates(provider):
    assert (provider.issuer, provider.sign_on_url) == (SAML_ISSUER, SIGN_ON)
    assert saml.expiry_of(provider.certificates[0]).year == 2090


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "<x/>",
        BOMB,
        identity.metadata("").replace("IDPSSODescriptor", "SPSSODescriptor"),
        identity.metadata(SIGN_ON).replace("HTTP-Redirect", "SOAP"),
        identity.metadata(SIGN_ON).replace("<X509Certificate>MII", "<X509Certificate>"),
        identity.metadata(f"{SIGN_ON}?{'x' * 500}"),
        " " * 600_000,
    ],
    ids=len,
)
def test_other_metadata_are_refused(text):
    with pytest.raises(SignOnRefused) as caught:
        saml.read_metadata(text)
    assert caught.value.reason == "sso.metadata"


def test_our_own_metadata_can_be_read():
    root = etree.fromstring(saml.service_metadata(SERVICE))

    assert root.get("entityID") == SERVICE.entity_id
    assert SERVICE.acs_url in saml.service_metadata(SERVICE)
