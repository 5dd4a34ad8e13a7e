"""Identity providers shaped as Microsoft Entra ID: what they sign, and servers that browsers visit.

Keys are made when a test needs them. Each provider is one directory with one person, Tara.
"""

import base64
import json
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc import jwt
from joserfc.jwk import RSAKey
from lxml import etree
from signxml.algorithms import CanonicalizationMethod
from signxml.signer import XMLSigner

from tenants import clock

DIRECTORY: Final = "7e7a1f5c-3a52-4f8b-9d0e-2f1f6b0c9a11"
OBJECT_ID: Final = "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"
CLIENT_ID: Final = "c0ffee00-5b6a-4a41-9d3c-6e5f6d7c8b9a"
CLIENT_SECRET: Final = "a client secret of the test provider"
LOGIN: Final = "tara@contoso.example"  # not her address here: nothing maps by it
_LAST: Final = datetime(2090, 1, 1, tzinfo=UTC)
_CLAIMS: Final = "http://schemas.microsoft.com/identity/claims/"
_NAME: Final = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name"
_SAML: Final = "urn:oasis:names:tc:SAML:2.0"
_SPACES: Final = (
    f'xmlns:p="{_SAML}:protocol" xmlns:a="{_SAML}:assertion"'
    ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"'
)


@cache
def key(name: str = "signing") -> rsa.RSAPrivateKey:
    """A private key of that name, the same one in all tests of a process."""
    return rsa.generate_private_key(65_537, 2048)


@cache
def certificate(name: str = "signing", until: datetime = _LAST) -> x509.Certificate:
    """A certificate of the key; as long valid as no test's clock can leave, if nobody says until when."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test SSO Certificate")])
    builder = x509.CertificateBuilder(subject, subject, key(name).public_key(), 1)
    builder = builder.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    builder = builder.not_valid_after(until)
    return builder.sign(key(name), hashes.SHA256())


@cache
def jwk(name: str = "signing") -> RSAKey:
    return RSAKey.import_key(key(name), {"kid": name, "use": "sig"})


def key_set(*names: str) -> dict[str, Any]:
    """The public keys as a JWK set."""
    return {"keys": [jwk(name).as_dict(private=False) for name in names or ("signing",)]}


def id_token(
    issuer: str, answering: str, header: Any = None, signed_by: str = "signing", **claims: Any
) -> str:
    """An ID token of Entra's form; a claim that is None is left out."""
    moment = int(clock.now().timestamp())
    whole = {
        "aud": CLIENT_ID,
        "iss": issuer,
        "iat": moment,
        "nbf": moment,
        "exp": moment + 3600,
        "name": "Tara Admin",
        "nonce": answering,
        "oid": OBJECT_ID,
        "preferred_username": LOGIN,
        "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        "tid": DIRECTORY,
        "ver": "2.0",
        **claims,
    }
    kept = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(
        header or {"alg": "RS256", "kid": signed_by, "typ": "JWT"}, kept, jwk(signed_by)
    )


def unsigned(token: str) -> str:
    """The token with `alg` none and without a signature."""
    head = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


SAML_ISSUER: Final = f"https://sts.windows.net/{DIRECTORY}/"


def metadata(
    sign_on_url: str, issuer: str = SAML_ISSUER, *names: str, until: datetime = _LAST
) -> str:
    """The federation metadata of a provider, with the certificates of its keys."""
    keys = "".join(
        '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>'
        f"<X509Certificate>{_der(name, until)}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        for name in names or ("signing",)
    )
    return (
        f'<EntityDescriptor xmlns="{_SAML}:metadata" entityID="{issuer}">'
        f'<IDPSSODescriptor protocolSupportEnumeration="{_SAML}:protocol">{keys}'
        f'<SingleSignOnService Binding="{_SAML}:bindings:HTTP-Redirect" Location="{sign_on_url}"/>'
        f'<SingleSignOnService Binding="{_SAML}:bindings:HTTP-POST" Location="{sign_on_url}"/>'
        "</IDPSSODescriptor></EntityDescriptor>"
    )


def _der(name: str, until: datetime = _LAST) -> str:
    return base64.b64encode(certificate(name, until).public_bytes(Encoding.DER)).decode()


@dataclass(slots=True)
class Response:
    """A SAML response of Entra's form; tests change what they are about before it is signed."""

    audience: str
    recipient: str
    in_response_to: str
    issuer: str = SAML_ISSUER
    at: datetime = field(default_factory=clock.now)
    name_id: str = LOGIN
    name_id_format: str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    object_id: str = OBJECT_ID
    status: str = f"{_SAML}:status:Success"
    authenticated_at: datetime | None = None
    id: str = field(default_factory=lambda: f"_{secrets.token_hex(16)}")

    def assertion(self) -> Any:
        """The assertion, not signed yet; a placeholder is where the signature goes."""
        start, end = self.at - timedelta(minutes=5), self.at + timedelta(minutes=60)
        claims = {f"{_CLAIMS}displayname": "Tara Admin", _NAME: self.name_id}
        if self.object_id:
            claims |= {
                f"{_CLAIMS}tenantid": DIRECTORY,
                f"{_CLAIMS}objectidentifier": self.object_id,
            }
        attributes = "".join(
            f'<a:Attribute Name="{name}"><a:AttributeValue>{value}</a:AttributeValue></a:Attribute>'
            for name, value in claims.items()
        )
        return etree.fromstring(
            f'<a:Assertion {_SPACES} ID="{self.id}" IssueInstant="{_text(self.at)}" Version="2.0">'
            f'<a:Issuer>{self.issuer}</a:Issuer><ds:Signature Id="placeholder"/>'
            f'<a:Subject><a:NameID Format="{self.name_id_format}">{self.name_id}</a:NameID>'
            f'<a:SubjectConfirmation Method="{_SAML}:cm:bearer"><a:SubjectConfirmationData'
            f' InResponseTo="{self.in_response_to}" NotOnOrAfter="{_text(end)}"'
            f' Recipient="{self.recipient}"/></a:SubjectConfirmation></a:Subject>'
            f'<a:Conditions NotBefore="{_text(start)}" NotOnOrAfter="{_text(end)}">'
            f"<a:AudienceRestriction><a:Audience>{self.audience}</a:Audience>"
            "</a:AudienceRestriction></a:Conditions>"
            f"<a:AttributeStatement>{attributes}</a:AttributeStatement>"
            f'<a:AuthnStatement AuthnInstant="{_text(self.authenticated_at or self.at)}">'
            f"<a:AuthnContext><a:AuthnContextClassRef>{_SAML}:ac:classes:Password"
            "</a:AuthnContextClassRef></a:AuthnContext></a:AuthnStatement></a:Assertion>"
        )

    def wrapped(self, *assertions: Any) -> Any:
        """The response with those assertions in it."""
        response = etree.fromstring(
            f'<p:Response {_SPACES} ID="_{secrets.token_hex(16)}" Version="2.0"'
            f' IssueInstant="{_text(self.at)}" Destination="{self.recipient}"'
            f' InResponseTo="{self.in_response_to}"><a:Issuer>{self.issuer}</a:Issuer>'
            f'<p:Status><p:StatusCode Value="{self.status}"/></p:Status></p:Response>'
        )
        for assertion in assertions:
            response.append(assertion)
        return response

    def signed(self, name: str = "signing") -> Any:
        """The response as Entra sends it: the assertion is signed."""
        return self.wrapped(sign(self.assertion(), name))


def sign(element: Any, name: str = "signing", signer: XMLSigner | None = None) -> Any:
    """The element with an enveloped signature of the key, by Entra's algorithms."""
    signing = signer or XMLSigner()
    signing.c14n_alg = CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
    return signing.sign(
        element,
        key=key(name),
        cert=[certificate(name)],
        reference_uri=f"#{element.get('ID')}",
        id_attribute="ID",
    )


def encoded(response: Any) -> str:
    """The response as the field SAMLResponse of a form has it."""
    return base64.b64encode(etree.tostring(response)).decode()


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


@dataclass(slots=True)
class Provider:
    """A running identity provider that speaks both protocols, as a browser and a server see it.

    Its page of a sign-in has one button, which signs Tara in. `answers` changes the next ID token's
    claims; `asked` has the queries with which browsers came.
    """

    base: str
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    authenticated_at: datetime | None = None  # in the next SAML response, in place of now
    keys: tuple[str, ...] = ("signing",)

    @property
    def issuer(self) -> str:
        return f"{self.base}/{DIRECTORY}/v2.0"

    @property
    def document_url(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    @property
    def metadata(self) -> str:
        return metadata(f"{self.base}/{DIRECTORY}/saml2")

    def code_for(self, query: dict[str, str]) -> str:
        """A code, good once, for a browser that came with the query."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return code

    def document(self) -> dict[str, str]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "jwks_uri": f"{self.base}/keys",
        }

    def exchange(self, form: dict[str, str]) -> tuple[int, dict[str, str]]:
        """The answer to a code, whose verifier has to fit its challenge (RFC 7636 §4.6)."""
        query = self.codes.pop(form.get("code", ""), None)
        digest = sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if query is None or query["code_challenge"] != challenge:
            return 400, {"error": "invalid_grant"}
        if form.get("client_secret") != CLIENT_SECRET:
            return 401, {"error": "invalid_client"}
        if form.get("redirect_uri") != query["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        changed, self.answers = self.answers, {}
        return 200, {"id_token": id_token(self.issuer, query["nonce"], **changed)}

    def saml_form(self, query: dict[str, str]) -> str:
        """The page whose form brings a SAML response back."""
        packed = base64.b64decode(query["SAMLRequest"])
        request = etree.fromstring(zlib.decompress(packed, -15))
        response = Response(
            request.findtext(f"{{{_SAML}:assertion}}Issuer", ""),
            request.get("AssertionConsumerServiceURL", ""),
            request.get("ID", ""),
            authenticated_at=self.authenticated_at,
        )
        return _PAGE.format(
            method="post",
            action=response.recipient,
            fields=f'<input type="hidden" name="SAMLResponse" value="{encoded(response.signed())}">',
        )

    def code_form(self, query: dict[str, str]) -> str:
        """The page whose form brings a code back."""
        values = {"code": self.code_for(query), "state": query["state"]}
        fields = "".join(f'<input type="hidden" name="{n}" value="{v}">' for n, v in values.items())
        return _PAGE.format(method="get", action=query["redirect_uri"], fields=fields)


_PAGE: Final = (
    '<!doctype html><title>Contoso</title><form method="{method}" action="{action}">{fields}'
    "<button>Sign in as Tara</button></form>"
)


@contextmanager
def running() -> Iterator[Provider]:
    """A provider on 127.0.0.1 that is gone at the end."""
    state = Provider("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = dict(parse_qsl(parts.query))
            if parts.path.endswith("/.well-known/openid-configuration"):
                self._send(200, json.dumps(state.document()))
            elif parts.path == "/keys":
                self._send(200, json.dumps(key_set(*state.keys)))
            elif parts.path == "/authorize":
                state.asked.append(query)
                self._send(200, state.code_form(query), "text/html")
            elif "SAMLRequest" in query:
                state.asked.append(query)
                self._send(200, state.saml_form(query), "text/html")
            else:
                self._send(204 if parts.path == "/favicon.ico" else 404, "")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, answer = state.exchange(dict(parse_qsl(body)))
            self._send(status, json.dumps(answer))

        def _send(self, status: int, text: str, kind: str = "application/json") -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.base = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
