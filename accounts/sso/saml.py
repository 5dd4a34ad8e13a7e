"""SAML 2.0: the Web Browser SSO profile, started here (saml-profiles-2.0 §4.1).

The request goes by redirect and is not signed, the answer comes by POST. Signatures are signxml's
(decision 0065); everything else is read from the element that the signature covers, as signxml gives
it back, and from nothing else of the message.
"""

import base64
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from xml.sax.saxutils import quoteattr

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from signxml.algorithms import SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from accounts.sso.identity import (
    LEEWAY,
    SUBJECT_LENGTH,
    URL_LENGTH,
    Identity,
    Kind,
    SignOnRefused,
    immutable_subject,
)

MAX_RESPONSE: Final = 262_144  # characters of base64
MAX_METADATA: Final = 524_288  # characters; Entra's have about 80,000
MOST_CERTIFICATES: Final = 5
MOST_LIFETIME: Final = timedelta(days=1)  # of an assertion, which is remembered until then
_NAMES: Final = {
    "p": "urn:oasis:names:tc:SAML:2.0:protocol",
    "a": "urn:oasis:names:tc:SAML:2.0:assertion",
    "m": "urn:oasis:names:tc:SAML:2.0:metadata",
    "d": "http://www.w3.org/2000/09/xmldsig#",
}
POST_BINDING: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT_BINDING: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
PERSISTENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
_BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_SUCCESS: Final = "urn:oasis:names:tc:SAML:2.0:status:Success"
_CLAIMS: Final = "http://schemas.microsoft.com/identity/claims/"
_OBJECT_ID: Final = f"{_CLAIMS}objectidentifier"
_DIRECTORY: Final = f"{_CLAIMS}tenantid"
_DISPLAY_NAME: Final = f"{_CLAIMS}displayname"
_LOGIN: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_METHODS: Final = frozenset(
    method
    for method in SignatureMethod
    if method.name.startswith(("RSA_SHA", "ECDSA_SHA", "SHA256_RSA", "SHA384_RSA", "SHA512_RSA"))
    and not method.name.endswith("SHA1")
)

# Errors of signxml and the libraries below it for signatures that somebody made up.
_UNVERIFIABLE: Final = (
    *(SignXMLException, etree.LxmlError, UnsupportedAlgorithm, NotImplementedError),
    *(ValueError, TypeError, KeyError, AttributeError),
)

Element = Any  # lxml's, whose stubs know no namespaces of XPath


@dataclass(frozen=True, slots=True)
class Provider:
    """The identity provider, as its metadata describe it; certificates are PEM."""

    issuer: str  # its entity id
    sign_on_url: str
    certificates: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Service:
    """myPolicies as the identity provider knows it."""

    entity_id: str
    acs_url: str


@dataclass(frozen=True, slots=True)
class Proof:
    """A person, with the request that the answer is to and the moment when it ends."""

    identity: Identity
    request_id: str
    ends_at: datetime


def authentication_url(
    service: Service, provider: Provider, request_id: str, now: datetime, *, again: bool = False
) -> str:
    """The URL that the browser is sent to (saml-bindings-2.0 §3.4.4.1).

    With `again` the person has to prove themselves anew.
    """
    force = ' ForceAuthn="true"' if again else ""
    text = (
        f'<p:AuthnRequest xmlns:p="{_NAMES["p"]}" xmlns:a="{_NAMES["a"]}"'
        f' ID={quoteattr(request_id)} Version="2.0" IssueInstant="{now:%Y-%m-%dT%H:%M:%SZ}"'
        f" Destination={quoteattr(provider.sign_on_url)}{force}"
        f' ProtocolBinding="{POST_BINDING}"'
        f" AssertionConsumerServiceURL={quoteattr(service.acs_url)}>"
        f"<a:Issuer>{_escaped(service.entity_id)}</a:Issuer></p:AuthnRequest>"
    )
    packer = zlib.compressobj(wbits=-15)  # raw DEFLATE
    packed = packer.compress(text.encode()) + packer.flush()
    query = urlencode({"SAMLRequest": base64.b64encode(packed).decode()})
    return f"{provider.sign_on_url}{'&' if '?' in provider.sign_on_url else '?'}{query}"


def service_metadata(service: Service) -> str:
    """The metadata of myPolicies, for identity providers that read them (saml-metadata-2.0)."""
    return (
        f'<m:EntityDescriptor xmlns:m="{_NAMES["m"]}" entityID={quoteattr(service.entity_id)}>'
        f'<m:SPSSODescriptor protocolSupportEnumeration="{_NAMES["p"]}"'
        ' AuthnRequestsSigned="false" WantAssertionsSigned="true">'
        f"<m:NameIDFormat>{PERSISTENT}</m:NameIDFormat>"
        f'<m:AssertionConsumerService index="0" isDefault="true" Binding="{POST_BINDING}"'
        f" Location={quoteattr(service.acs_url)}/>"
        "</m:SPSSODescriptor></m:EntityDescriptor>"
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def read_metadata(text: str) -> Provider:
    """The identity provider that the metadata describe. Raises SignOnRefused."""
    if len(text) > MAX_METADATA:
        raise SignOnRefused("sso.metadata", "The metadata are too long.")
    root = _parsed(text.encode(), "sso.metadata")
    roles = root.xpath("//m:IDPSSODescriptor", namespaces=_NAMES)
    if len(roles) != 1:
        raise SignOnRefused(
            "sso.metadata", "The metadata must describe exactly one SAML identity provider."
        )
    (role,) = roles
    issuer = role.getparent().get("entityID", "")
    urls = role.xpath(
        "m:SingleSignOnService[@Binding=$binding]/@Location",
        namespaces=_NAMES,
        binding=REDIRECT_BINDING,
    )
    keys = role.xpath(
        "m:KeyDescriptor[not(@use) or @use='signing']//d:X509Certificate", namespaces=_NAMES
    )
    certificates = tuple(dict.fromkeys(_pem(key.text or "") for key in keys))
    if not issuer or not urls or not 1 <= len(certificates) <= MOST_CERTIFICATES:
        raise SignOnRefused(
            "sso.metadata",
            "The metadata lack an entity id, a sign-in URL for HTTP-Redirect or a certificate to"
            " sign with.",
        )
    if max(len(issuer), len(urls[0])) > URL_LENGTH:
        raise SignOnRefused("sso.metadata", f"A URL has more than {URL_LENGTH} characters.")
    return Provider(str(issuer), str(urls[0]), certificates)


def expiry_of(certificate: str) -> datetime:
    """The end of a certificate in PEM."""
    return x509.load_pem_x509_certificate(certificate.encode()).not_valid_after_utc


def _pem(text: str) -> str:
    """The certificate in PEM. Raises SignOnRefused."""
    body = "".join(text.split())
    pem = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    try:
        x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise SignOnRefused(
            "sso.metadata", "A certificate in the metadata cannot be read."
        ) from None
    return pem


def check(service: Service, provider: Provider, response: str, now: datetime) -> Proof:
    """The person in a response that the provider signed for this service.

    The caller compares the request and accepts each only once (saml-profiles-2.0 §4.1.4.3, §4.1.4.5).
    Raises SignOnRefused.
    """
    if len(response) > MAX_RESPONSE:
        raise SignOnRefused("sso.response", "The SAML response is too long.")
    try:
        message = base64.b64decode(response, validate=False)
    except ValueError:
        raise SignOnRefused("sso.response", "The SAML response is not base64.") from None
    root = _parsed(message, "sso.response")
    _check_shape(root)
    assertion = _signed_assertion(provider, message, now)
    _check_issuer(provider, assertion)
    confirmation = _check_confirmation(service, assertion, now)
    ends_at = _check_conditions(service, assertion, now)
    identity = _identity(provider, assertion)
    return Proof(identity, confirmation.get("InResponseTo"), ends_at)


def _parsed(message: bytes, reason: str) -> Element:
    """The root of a document without DTD and entities. Raises SignOnRefused."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root: Element = etree.fromstring(message, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise SignOnRefused(reason, "The text is not XML.") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise SignOnRefused(reason, "The XML has a document type.")
    return root


def _check_shape(root: Element) -> None:
    """Refuse a message that is no successful response with exactly one assertion."""
    if root.tag != f"{{{_NAMES['p']}}}Response":
        raise SignOnRefused("sso.response", "The message is not a SAML response.")
    status = root.xpath("p:Status/p:StatusCode/@Value", namespaces=_NAMES)
    if status != [_SUCCESS]:
        code = root.xpath("string(p:Status//p:StatusCode/p:StatusCode/@Value)", namespaces=_NAMES)
        raise SignOnRefused(
            "sso.provider",
            "The identity provider did not sign the person in.",
            code or (status[0] if status else ""),
        )
    if root.xpath("//a:EncryptedAssertion", namespaces=_NAMES):
        raise SignOnRefused(
            "sso.response",
            "The assertion is encrypted: turn token encryption off at the identity provider.",
        )
    everywhere = root.xpath("//a:Assertion", namespaces=_NAMES)
    if len(everywhere) != 1 or everywhere[0].getparent() is not root:
        raise SignOnRefused(
            "sso.response", "The response does not hold exactly one assertion in its place."
        )


def _signed_assertion(provider: Provider, message: bytes, now: datetime) -> Element:
    """The assertion, as one of the provider's keys signed it. Raises SignOnRefused."""
    config = SignatureConfiguration(
        signature_methods=_METHODS, expect_references=1, verification_time=now
    )
    found = ""
    for certificate in provider.certificates:
        try:
            result: Any = XMLVerifier().verify(
                message, x509_cert=certificate, expect_config=config, id_attribute="ID"
            )
        except _UNVERIFIABLE as error:
            found = type(error).__name__
            continue
        return _assertion_in(result.signed_xml)
    raise SignOnRefused(
        "sso.signature",
        "The SAML response is not signed with a certificate of the identity provider and an"
        " algorithm that are accepted here.",
        found,
    )


def _assertion_in(signed: Element) -> Element:
    """The assertion that is signed itself or within its response. Raises SignOnRefused."""
    if signed is not None and signed.tag == f"{{{_NAMES['a']}}}Assertion":
        return signed
    if signed is not None and signed.tag == f"{{{_NAMES['p']}}}Response":
        found = signed.findall("a:Assertion", _NAMES)
        if len(found) == 1:
            return found[0]
    raise SignOnRefused("sso.signature", "The signature does not cover the assertion.")


def _check_issuer(provider: Provider, assertion: Element) -> None:
    issuer = assertion.findtext("a:Issuer", "", _NAMES).strip()
    if issuer != provider.issuer:
        raise SignOnRefused(
            "sso.issuer", "The assertion comes from another identity provider.", issuer
        )


def _check_confirmation(service: Service, assertion: Element, now: datetime) -> Element:
    """The one proof that the bearer may use the assertion here and now. Raises SignOnRefused."""
    found = assertion.xpath(
        "a:Subject/a:SubjectConfirmation[@Method=$bearer]/a:SubjectConfirmationData",
        namespaces=_NAMES,
        bearer=_BEARER,
    )
    if len(found) != 1:
        raise SignOnRefused("sso.response", "The assertion is not one for a browser to bear.")
    (data,) = found
    if data.get("Recipient") != service.acs_url:
        raise SignOnRefused(
            "sso.recipient", "The assertion is for another Reply URL.", data.get("Recipient")
        )
    if data.get("NotBefore"):
        raise SignOnRefused("sso.time", "The assertion is for later use.", data.get("NotBefore"))
    _check_end(data.get("NotOnOrAfter"), now)
    if not data.get("InResponseTo"):
        raise SignOnRefused(
            "sso.unsolicited",
            "The assertion answers no request: start at the sign-in page of myPolicies.",
        )
    return data


def _check_conditions(service: Service, assertion: Element, now: datetime) -> datetime:
    """The moment when the assertion ends. Raises SignOnRefused."""
    conditions = assertion.find("a:Conditions", _NAMES)
    if conditions is None:
        raise SignOnRefused("sso.response", "The assertion has no conditions.")
    start = conditions.get("NotBefore")
    if start and _moment(start) > now + LEEWAY:
        raise SignOnRefused("sso.time", "The assertion is not valid yet.", start)
    ends_at = _check_end(conditions.get("NotOnOrAfter"), now)
    if ends_at > now + MOST_LIFETIME:
        raise SignOnRefused("sso.time", "The assertion is valid for more than a day.")
    restrictions = conditions.findall("a:AudienceRestriction", _NAMES)
    audiences = [_texts(each.findall("a:Audience", _NAMES)) for each in restrictions]
    if not audiences or not all(service.entity_id in each for each in audiences):
        raise SignOnRefused(
            "sso.audience",
            "The assertion was issued for another application: compare its Identifier (Entity ID).",
            ", ".join(text for each in audiences for text in each),
        )
    return ends_at


def _check_end(text: str | None, now: datetime) -> datetime:
    if not text:
        raise SignOnRefused("sso.time", "The assertion has no end.")
    moment = _moment(text)
    if moment <= now - LEEWAY:
        raise SignOnRefused("sso.time", "The assertion has expired.", text)
    return moment


def _moment(text: str) -> datetime:
    """A time in UTC (saml-core-2.0 §1.3.3). Raises SignOnRefused."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise SignOnRefused("sso.time", "A time in the assertion cannot be read.", text) from None


def _identity(provider: Provider, assertion: Element) -> Identity:
    statement = assertion.find("a:AuthnStatement", _NAMES)
    if statement is None:
        raise SignOnRefused("sso.response", "The assertion does not say that anybody signed in.")
    claims = {
        each.get("Name"): _texts(each.findall("a:AttributeValue", _NAMES))
        for each in assertion.findall("a:AttributeStatement/a:Attribute", _NAMES)
    }
    name_id = assertion.find("a:Subject/a:NameID", _NAMES)
    login = _first(claims, _LOGIN) or ("" if name_id is None else (name_id.text or "").strip())
    instant = statement.get("AuthnInstant")
    return Identity(
        kind=Kind.SAML,
        issuer=provider.issuer,
        subject=_subject(provider, claims, name_id),
        name=_first(claims, _DISPLAY_NAME)[:SUBJECT_LENGTH],
        login=login[:SUBJECT_LENGTH],
        authenticated_at=_moment(instant) if instant else None,
    )


def _subject(provider: Provider, claims: dict[str, list[str]], name_id: Element) -> str:
    """Entra's two ids; else a NameID that the provider calls persistent. Raises SignOnRefused."""
    directory, object_id = _first(claims, _DIRECTORY), _first(claims, _OBJECT_ID)
    if directory and object_id:
        return immutable_subject(directory, object_id, provider.issuer)
    if name_id is not None and name_id.get("Format") == PERSISTENT:
        subject = (name_id.text or "").strip()
        if 0 < len(subject) <= SUBJECT_LENGTH:
            return subject
    raise SignOnRefused(
        "sso.subject",
        "The assertion names nobody by an immutable id: neither by the claims objectidentifier and"
        " tenantid, nor by a persistent NameID.",
        "" if name_id is None else name_id.get("Format"),
    )


def _first(claims: dict[str, list[str]], name: str) -> str:
    return next(iter(claims.get(name, ())), "")


def _texts(elements: Iterable[Element]) -> list[str]:
    return [(each.text or "").strip() for each in elements]
