"""Client assertions (RFC 7523): who signed them, for whom, until when, and only once."""

import base64
import json
from datetime import timedelta

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from accounts import actions, assertions, oauth
from accounts.actions import ClientRequest
from accounts.models import SpentAssertion
from accounts.oauth import ErrorCode
from tenants.current import in_tenant
from tests.support.oauth import AUDIENCE, KEY, NOW, assertion, refusal_of

AUDIENCES = frozenset({AUDIENCE})


@pytest.fixture
def signer(acme, tara, command):
    """A client of acme that signs with KEY."""
    keys = json.dumps({"keys": [KEY.as_dict(private=False)]})
    request = ClientRequest("Signing gateway", tara.email, public_keys=keys)
    return actions.create_oauth_client(command, acme, request).client


def proven_by(tenant, client, signed, now=NOW):
    with in_tenant(tenant):
        return oauth.by_assertion(str(client.id), signed, AUDIENCES, now)


def test_a_client_proves_itself_with_a_signed_assertion(acme, signer):
    proven = proven_by(acme, signer, assertion(signer))

    assert (proven.client, proven.secret) == (signer, None)


def test_an_assertion_needs_no_client_id_beside_it(acme, signer):
    with in_tenant(acme):
        proven = oauth.by_assertion(None, assertion(signer), AUDIENCES, NOW)

    assert proven.client == signer


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_rsa_keys_sign_too(acme, tara, command, algorithm):
    key = RSAKey.generate_key(2048)
    keys = json.dumps({"keys": [key.as_dict(private=False)]})
    request = ClientRequest("RSA gateway", tara.email, public_keys=keys)
    client = actions.create_oauth_client(command, acme, request).client

    proven = proven_by(acme, client, assertion(client, key, algorithm))

    assert proven.client == client


def test_one_of_several_keys_is_found_by_its_id(acme, tara, command):
    other = ECKey.generate_key("P-384", {"kid": "entra-2"})
    keys = {"keys": [key.as_dict(private=False) for key in (KEY, other)]}
    request = ClientRequest("Two keys", tara.email, public_keys=json.dumps(keys))
    client = actions.create_oauth_client(command, acme, request).client
    header = {"alg": "ES384", "kid": "entra-2"}

    proven = proven_by(acme, client, assertion(client, other, "ES384", header=header))

    assert proven.client == client


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "https://globex.example/scim/oauth/token"}, "invalid_claim"),
        ({"aud": None}, "missing_claim"),
        ({"exp": None}, "missing_claim"),
        ({"jti": None}, "missing_claim"),
        ({"jti": 7}, "invalid_claim"),
        ({"iss": "somebody else"}, "invalid_claim"),
        ({"exp": int(NOW.timestamp()) - 61}, "expired_token"),
        ({"exp": "tomorrow"}, "invalid_claim"),
        ({"nbf": int(NOW.timestamp()) + 61}, "invalid_claim"),
        ({"iat": int(NOW.timestamp()) + 61}, "invalid_claim"),
    ],
)
def test_an_assertion_with_a_wrong_claim_is_refused(acme, signer, changes, reason):
    refused = refusal_of(lambda: proven_by(acme, signer, assertion(signer, **changes)))

    assert refused.code is ErrorCode.INVALID_CLIENT
    assert refused.detail == f"The client assertion is refused: {reason}."


@pytest.mark.parametrize("exp", [int(NOW.timestamp()) + 86_401, 10**400])
def test_an_assertion_is_valid_for_a_day_at_most(acme, signer, exp):
    refused = refusal_of(lambda: proven_by(acme, signer, assertion(signer, exp=exp)))

    assert refused.detail == "The client assertion is valid for more than a day."


def test_clocks_may_differ_by_a_minute(acme, signer):
    seconds = int(NOW.timestamp())

    proven = proven_by(
        acme, signer, assertion(signer, exp=seconds - 59, iat=seconds + 60, nbf=seconds + 60)
    )

    assert proven.client == signer


def test_an_assertion_that_another_key_signed_is_refused(acme, signer):
    stranger = ECKey.generate_key("P-256")

    refused = refusal_of(lambda: proven_by(acme, signer, assertion(signer, stranger)))

    assert refused.detail == "The client assertion is refused: bad_signature."


def test_the_public_key_as_a_shared_secret_signs_nothing(acme, signer):
    """RFC 8725 §2.1: algorithm confusion."""
    shared = OctKey.import_key(json.dumps(KEY.as_dict(private=False)))

    refused = refusal_of(lambda: proven_by(acme, signer, assertion(signer, shared, "HS256")))

    assert refused.detail == "The client assertion is refused: unsupported_algorithm."


def test_an_assertion_without_a_signature_is_refused(acme, signer):
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    payload = assertion(signer).split(".")[1]

    refused = refusal_of(lambda: proven_by(acme, signer, f"{header}.{payload}."))

    assert refused.detail == "The client assertion is refused: unsupported_algorithm."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b.c",
        "é.é.é",
        "x" * 9000,
        ".".join([base64.urlsafe_b64encode(b'{"alg":"ES256"}').decode()] * 2 + ["AA"]),
        ".".join(
            base64.urlsafe_b64encode(part).rstrip(b"=").decode()
            for part in (b'{"alg":"ES256"}', b"[" * 4000, b"A")
        ),
    ],
    ids=["empty", "letters", "accents", "long", "no subject", "nested"],
)
def test_an_assertion_that_is_no_json_web_token_is_refused(acme, signer, text):
    refused = refusal_of(lambda: proven_by(acme, signer, text))

    assert refused.code is ErrorCode.INVALID_CLIENT
    assert refused.detail == (
        "The client assertion is not a JSON Web Token whose subject is a client id."
    )


def test_an_assertion_is_good_once(acme, signer):
    """RFC 7523 §3: a jti is remembered until the assertion expires."""
    signed = assertion(signer)
    proven_by(acme, signer, signed)

    refused = refusal_of(lambda: proven_by(acme, signer, signed, NOW + timedelta(seconds=659)))

    assert refused.code is ErrorCode.INVALID_CLIENT
    assert refused.detail == "The client assertion has been used before."


def test_used_assertions_are_forgotten_when_they_have_expired(acme, signer):
    proven_by(acme, signer, assertion(signer))
    later = NOW + timedelta(seconds=660)

    proven_by(acme, signer, assertion(signer, now=later, jti="0f6a7f1e-2"), later)

    with in_tenant(acme):
        assert SpentAssertion.objects.count() == 1


def test_the_same_jti_of_two_clients_is_two(acme, signer, tara, command):
    keys = json.dumps({"keys": [KEY.as_dict(private=False)]})
    request = ClientRequest("Second gateway", tara.email, public_keys=keys)
    second = actions.create_oauth_client(command, acme, request).client
    proven_by(acme, signer, assertion(signer))

    assert proven_by(acme, second, assertion(second)).client == second


def test_an_assertion_for_a_client_of_acme_is_unknown_in_globex(globex, gus, signer):
    refused = refusal_of(lambda: proven_by(globex, signer, assertion(signer)))

    assert refused.code is ErrorCode.INVALID_CLIENT
    assert refused.detail == "The OAuth client is not known to this tenant."


def test_a_client_id_that_is_not_the_assertions_is_refused(acme, signer, created):
    refused = refusal_of(lambda: proven_by(acme, created.client, assertion(signer)))

    assert refused.detail == "The OAuth client is not known to this tenant."


def test_a_client_without_keys_cannot_sign(acme, created):
    refused = refusal_of(lambda: proven_by(acme, created.client, assertion(created.client)))

    assert refused.detail == "The client assertion cannot be read."


def test_a_revoked_client_cannot_sign(acme, signer, command):
    actions.revoke_oauth_client(command, acme, signer.id)

    refused = refusal_of(lambda: proven_by(acme, signer, assertion(signer)))

    assert refused.code is ErrorCode.INVALID_CLIENT
    assert refused.detail.startswith(f"The OAuth client {signer.public_id} is revoked since")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "must be a JWK set"),
        ("not JSON", "must be a JWK set"),
        ('{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', "must be a JWK set"),
        ('{"keys": [null]}', "must be a JWK set"),
        ('{"keys": []}', "1 to 10 public keys"),
        (json.dumps({"keys": [KEY.as_dict(private=True)]}), "This is a private key"),
        (
            json.dumps({"keys": [ECKey.generate_key("secp256k1").as_dict(private=False)]}),
            "P-256, P-384 and P-521",
        ),
    ],
)
def test_public_keys_that_are_none_or_too_weak_are_refused(text, reason):
    with pytest.raises(assertions.AssertionRefused, match=reason):
        assertions.read_key_set(text)


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
def test_rsa_keys_below_2048_bits_are_refused():
    weak = RSAKey.generate_key(1024)

    with pytest.raises(assertions.AssertionRefused, match="at least 2048 bits"):
        assertions.read_key_set(json.dumps({"keys": [weak.as_dict(private=False)]}))


def test_a_key_set_without_key_ids_gets_them():
    bare = {k: v for k, v in KEY.as_dict(private=False).items() if k != "kid"}

    kept = assertions.read_key_set(json.dumps({"keys": [bare]}))

    assert [set(key) for key in kept["keys"]] == [{"kty", "crv", "x", "y", "kid"}]
