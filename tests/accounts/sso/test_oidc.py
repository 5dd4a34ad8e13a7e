"""ID tokens of OpenID Connect: those that name a person, and those that are refused."""

import base64
import hmac
import json
from datetime import timedelta
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import pytest

from accounts.sso import oidc
from accounts.sso.identity import Identity, Kind, Request, SignOnRefused
from tenants import clock
from tests.support import identity
from tests.support.identity import CLIENT_ID, DIRECTORY, OBJECT_ID, id_token, key_set, unsigned

ISSUER = f"https://login.microsoftonline.com/{DIRECTORY}/v2.0"
REQUEST = Request("_state", "the nonce", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")


@pytest.fixture
def client():
    return oidc.Client(
        ISSUER,
        CLIENT_ID,
        "https://acme.mypolicies.example/admin/sso/oidc/",
        f"https://login.microsoftonline.com/{DIRECTORY}/oauth2/v2.0/authorize",
        key_set(),
    )


def token(**claims):
    return id_token(ISSUER, REQUEST.nonce, **claims)


def refused(client, value, now=None):
    with pytest.raises(SignOnRefused) as caught:
        oidc.check(client, REQUEST, value, now or clock.now())
    return caught.value


def test_the_browser_is_sent_with_state_nonce_and_a_challenge(client):
    query = parse_qs(urlsplit(oidc.authorization_url(client, REQUEST)).query)

    assert {name: query[name] for name in ("state", "nonce", "scope", "response_type")} == {
        "state": ["_state"],
        "nonce": ["the nonce"],
        "scope": ["openid profile"],
        "response_type": ["code"],
    }
    assert (query["code_challenge_method"], "prompt" in query) == (["S256"], False)
    # The pair of RFC 7636, appendix B.
    assert query["code_challenge"] == ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"]


def test_a_person_can_be_asked_to_prove_themselves_anew(client):
    query = parse_qs(urlsplit(oidc.authorization_url(client, REQUEST, again=True)).query)

    assert (query["prompt"], query["max_age"]) == (["login"], ["0"])


def test_a_person_is_known_by_the_ids_of_directory_and_object(client):
    found = oidc.check(client, REQUEST, token(), clock.now())

    assert found == Identity(
        Kind.OIDC, ISSUER, f"{DIRECTORY}/{OBJECT_ID}", "Tara Admin", "tara@contoso.example"
    )


def test_without_entra_s_ids_the_subject_counts(client):
    value = token(oid=None, tid=None, sub="248289761001")

    assert oidc.check(client, REQUEST, value, clock.now()).subject == "248289761001"


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://login.microsoftonline.com/other/v2.0"}, "sso.issuer"),
        ({"iss": None}, "sso.issuer"),
        ({"tid": "11111111-2222-4333-8444-555555555555"}, "sso.issuer"),
        ({"aud": "another application"}, "sso.audience"),
        ({"aud": [CLIENT_ID, "another"], "azp": "another"}, "sso.audience"),
        ({"nonce": "of another request"}, "sso.nonce"),
        ({"nonce": None}, "sso.nonce"),
        ({"exp": None}, "sso.time"),
        ({"exp": 1_000_000_000}, "sso.time"),
        ({"exp": "soon"}, "sso.time"),
        ({"nbf": 9_000_000_000}, "sso.time"),
        ({"iat": 9_000_000_000}, "sso.time"),
        ({"sub": None}, "sso.response"),
        ({"sub": ["x"], "oid": None}, "sso.response"),
        ({"sub": "", "tid": None}, "sso.response"),
        ({"sub": "x" * 301, "tid": None}, "sso.subject"),
    ],
    ids=str,
)
def test_a_token_for_others_or_another_time_is_refused(client, claims, reason):
    assert refused(client, token(**claims)).reason == reason


def test_a_token_ends_a_minute_after_its_time_whatever_the_two_clocks_say(client):
    value, end = token(), clock.now() + timedelta(hours=1)

    assert oidc.check(client, REQUEST, value, end + timedelta(seconds=30))
    assert refused(client, value, end + timedelta(seconds=90)).reason == "sso.time"


def test_a_token_without_a_signature_is_refused(client):
    assert refused(client, unsigned(token())).reason == "sso.signature"


def test_a_token_that_another_key_signed_is_refused(client):
    assert refused(client, token(signed_by="another")).reason == "sso.signature"
    header = {"alg": "RS256", "kid": "signing"}
    assert refused(client, token(signed_by="another", header=header)).reason == "sso.signature"


def test_a_public_key_is_no_shared_secret(client):
    """An HMAC made with the public key, which everybody knows (RFC 8725 §2.1)."""
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"signing"}').rstrip(b"=").decode()
    content = f"{head}.{token().split('.')[1]}"
    made = hmac.new(identity.jwk().as_pem(private=False), content.encode(), sha256).digest()

    forged = f"{content}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"

    assert refused(client, forged).reason == "sso.signature"


def test_a_changed_token_is_refused(client):
    head, _, signature = token().split(".")
    other = id_token(ISSUER, REQUEST.nonce, oid="99999999-8d2a-4f8e-bf98-7363c4aed4ef").split(".")[
        1
    ]

    assert refused(client, f"{head}.{other}.{signature}").reason == "sso.signature"


@pytest.mark.parametrize("value", ["", "x", "a.b.c", "x" * 20_000, "\N{SNOWMAN}"], ids=len)
def test_text_that_is_no_token_is_refused(client, value):
    assert refused(client, value).reason in {"sso.response", "sso.signature"}


def test_no_value_of_a_token_is_in_what_is_logged(client):
    found = oidc.check(client, REQUEST, token(), clock.now())

    assert OBJECT_ID not in repr(found)
    assert "the nonce" not in repr(REQUEST)


def test_an_answer_without_an_id_token_says_what_the_provider_said():
    with pytest.raises(SignOnRefused) as caught:
        oidc.read_token_answer(400, '{"error": "invalid_client"}')
    assert (caught.value.reason, caught.value.found) == ("sso.exchange", "invalid_client")
    with pytest.raises(SignOnRefused, match="did not exchange"):
        oidc.read_token_answer(502, "<html>")


DOCUMENT = """{"issuer": "%s", "authorization_endpoint": "https://a.example/authorize",
 "token_endpoint": "https://a.example/token", "jwks_uri": "https://a.example/keys"}"""


def test_the_issuer_is_the_beginning_of_its_documents_url():
    assert oidc.issuer_of(f"{ISSUER}/.well-known/openid-configuration ") == ISSUER
    for wrong in ("", ISSUER, "/.well-known/openid-configuration"):
        with pytest.raises(SignOnRefused, match="ends in"):
            oidc.issuer_of(wrong)


def test_a_document_of_another_issuer_is_refused():
    """Entra's document of `common` is about {tenantid}, everybody's."""
    assert (
        oidc.read_document(DOCUMENT % ISSUER, ISSUER)["token_endpoint"] == "https://a.example/token"
    )
    common = "https://login.microsoftonline.com/{tenantid}/v2.0"
    for text in (DOCUMENT % common, "[]", "{", "null"):
        with pytest.raises(SignOnRefused) as caught:
            oidc.read_document(text, ISSUER)
        assert caught.value.reason == "sso.metadata"


def test_keys_that_are_too_weak_or_for_something_else_are_left_out():
    good = key_set()["keys"][0]
    other = {**good, "kid": "encryption", "use": "enc"}
    oct_key = {"kty": "oct", "k": "AAAA", "kid": "shared"}

    kept = oidc.read_keys(json.dumps({"keys": [other, oct_key, good, {"kty": "RSA", "n": "x"}]}))

    assert [key["kid"] for key in kept["keys"]] == ["signing"]
    for text in ('{"keys": []}', "{}", "[", '{"keys": [1]}'):
        with pytest.raises(SignOnRefused):
            oidc.read_keys(text)
