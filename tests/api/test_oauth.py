"""The token endpoint (RFC 6749 §4.4) and its metadata (RFC 8414), over HTTP on a tenant's host."""

import base64
import json
from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts import tokens
from accounts.models import SpentAssertion
from tenants import clock, rates
from tenants.current import in_tenant
from tests.support.clients import ScimClient
from tests.support.oauth import (
    JWT_BEARER,
    KEY,
    TOKEN_PATH,
    ask,
    assertion,
    create,
    grant,
    scim_client,
)

BJENSEN = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "bjensen@acme.example",
    "emails": [{"type": "work", "value": "bjensen@acme.example"}],
}


@pytest.fixture
def created(acme):
    """A client of acme with one secret."""
    return create(acme)


@pytest.fixture
def signer(acme):
    """A client of acme that signs with KEY."""
    return create(acme, public_keys=json.dumps({"keys": [KEY.as_dict(private=False)]})).client


def basic(client_id, secret):
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()


def test_a_client_gets_an_access_token_and_provisions_a_user(acme, created):
    answer = ask(acme, grant(created))
    entra = ScimClient(acme, answer.json()["access_token"])

    provisioned = entra.post("/Users", BJENSEN)

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert answer.json() == {
        "access_token": entra.token,
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "scim.read scim.write",
    }
    assert provisioned.status == 201
    assert entra.get("/Users").json["totalResults"] == 1


def test_client_secret_basic_is_the_same(acme, created):
    header = basic(created.client.id, created.value)

    answer = ask(acme, {"grant_type": "client_credentials"}, Authorization=header)

    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"


def test_private_key_jwt_is_the_same_and_good_once(acme, signer):
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion(signer, now=clock.now()),
    }

    answer, again = ask(acme, form), ask(acme, form)

    assert answer.status_code == 200
    assert ScimClient(acme, answer.json()["access_token"]).get("/Users").status == 200
    assert again.status_code == 401
    assert again.json() == {
        "error": "invalid_client",
        "error_description": "The client assertion has been used before.",
    }


@pytest.mark.parametrize(
    "path", ["/scim/v2/oauth/token", "/SCIM/OAuth/Token", "/scim/oauth/token/"]
)
def test_the_token_endpoint_is_found_in_every_spelling(acme, created, path):
    assert ask(acme, grant(created), path).status_code == 200


def test_a_scope_that_is_asked_for_is_the_only_one(acme, created):
    reader = ask(acme, grant(created, scope="scim.read")).json()

    assert reader["scope"] == "scim.read"


@pytest.mark.quirk("E33")
@pytest.mark.parametrize("scope", ["scim", "scim scim.read"])
def test_the_scope_of_ipsie_is_both_at_once(acme, globex, created, scope):
    """Answered by the name that was asked for: some libraries refuse a token of another scope."""
    issued = ask(acme, grant(created, scope=scope)).json()
    client = ScimClient(acme, issued["access_token"])

    assert issued["scope"] == scope
    assert client.post("/Users", BJENSEN).status == 201
    assert client.get("/Users").json["totalResults"] == 1
    assert ScimClient(globex, issued["access_token"]).get("/Users").status == 401


REFUSALS = {
    "no grant type": ({"grant_type": ""}, 400, "invalid_request"),
    "another grant": ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    "another scope": ({"scope": "scim.read admin"}, 400, "invalid_scope"),
    "a known scope in other letters": ({"scope": "SCIM"}, 400, "invalid_scope"),
    "no secret": ({"client_secret": ""}, 401, "invalid_client"),
    "no client id": ({"client_id": ""}, 401, "invalid_client"),
    "a client id that is none": ({"client_id": "x"}, 401, "invalid_client"),
    "a wrong secret": (
        {"client_secret": tokens.generate("mypscim_secret_")},
        401,
        "invalid_client",
    ),
    "a secret token in its place": ({"client_secret": tokens.generate()}, 401, "invalid_client"),
    "two ways to authenticate": ({"client_assertion": "a.b.c"}, 400, "invalid_request"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_request_is_refused_in_the_words_of_rfc_6749(acme, created, case):
    """RFC 6749 §5.2."""
    changes, status, error = REFUSALS[case]

    answer = ask(acme, grant(created, **changes))

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert set(answer.json()) == {"error", "error_description"}
    assert answer.headers["Content-Type"] == "application/json"
    assert (answer.headers["Cache-Control"], answer.headers["Pragma"]) == ("no-store", "no-cache")
    assert answer.headers.get("WWW-Authenticate") == (
        'Basic realm="myPolicies SCIM", charset="UTF-8"' if status == 401 else None
    )
    assert not set('"\\') & set(answer.json()["error_description"])


@pytest.mark.parametrize(
    "body",
    [
        "",
        b"grant_type=\xff",
        "grant_type=%ff",
        "grant_type=client_credentials&grant_type=client_credentials",
        "&".join(f"a{number}=1" for number in range(21)),
        "a=" + "x" * 32_768,
    ],
    ids=["empty", "bytes", "encoded bytes", "twice", "too many", "too long"],
)
def test_a_body_that_is_no_form_is_an_invalid_request(acme, body):
    answer = ask(acme, body)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_json_is_an_invalid_request(acme, created):
    answer = ask(acme, json.dumps(grant(created)), content_type="application/json")

    assert answer.json() == {
        "error": "invalid_request",
        "error_description": "Send the parameters as application/x-www-form-urlencoded.",
    }


@pytest.mark.parametrize("header", ["Basic", "Basic !", "Basic eA==", "Bearer x", "Basic w6k6eA=="])
def test_a_header_that_is_not_basic_is_an_invalid_client(acme, header):
    answer = ask(acme, {"grant_type": "client_credentials"}, Authorization=header)

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_header_and_a_body_that_name_two_clients_are_an_invalid_request(acme, created):
    form = {"grant_type": "client_credentials", "client_id": "another"}

    answer = ask(acme, form, Authorization=basic(created.client.id, created.value))

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_another_type_of_assertion_is_an_invalid_client(acme, signer):
    form = {"grant_type": "client_credentials", "client_assertion": assertion(signer)}

    answer = ask(acme, form | {"client_assertion_type": "urn:example:saml"})

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_an_assertion_is_not_spent_by_a_request_that_is_refused(acme, signer):
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion(signer, now=clock.now()),
    }

    refused = ask(acme, form | {"scope": "everything"})

    assert refused.status_code == 400
    with in_tenant(acme):
        assert not SpentAssertion.objects.exists()
    assert ask(acme, form).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(acme, method):
    answer = Client(headers={"Host": acme.host}).generic(method, TOKEN_PATH)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.json() == {"error": "invalid_request", "error_description": "Use POST."}


def test_credentials_in_the_url_are_not_read(acme, created):
    answer = ask(acme, "", f"{TOKEN_PATH}?{urlencode(grant(created))}")

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_client_and_access_token_of_acme_are_unknown_at_globex(acme, globex, created, signer):
    value = ask(acme, grant(created)).json()["access_token"]
    signed = {
        "grant_type": "client_credentials",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion(signer, now=clock.now()),
    }

    assert ask(globex, grant(created)).json()["error"] == "invalid_client"
    assert ask(globex, signed).json()["error"] == "invalid_client"
    refused = ScimClient(globex, value).get("/Users")
    assert refused.status == 401
    assert refused.headers["WWW-Authenticate"].endswith('error="invalid_token"')
    assert refused.json["detail"] == (
        "The access token is not known to this tenant. Request another one from the token endpoint."
    )


def test_an_assertion_for_the_audience_of_acme_is_refused_at_globex(globex):
    keys = json.dumps({"keys": [KEY.as_dict(private=False)]})
    client = create(globex, public_keys=keys).client
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": assertion(client, now=clock.now()),
    }

    assert ask(globex, form).json() == {
        "error": "invalid_client",
        "error_description": "The client assertion is refused: invalid_claim.",
    }


@pytest.mark.parametrize("below", ["", "/scim"])
def test_the_metadata_say_where_and_how_to_get_a_token(acme, below):
    """RFC 8414 §3: the issuer is what the well-known path was put into."""
    answer = Client(headers={"Host": acme.host}).get(
        f"/.well-known/oauth-authorization-server{below}"
    )

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {
        "issuer": f"http://acme.mypolicies.localhost:8000{below}",
        "token_endpoint": "http://acme.mypolicies.localhost:8000/scim/oauth/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
        ],
        "token_endpoint_auth_signing_alg_values_supported": [
            *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
        ],
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "scopes_supported": ["scim", "scim.read", "scim.write"],
        "service_documentation": (
            "https://learn.microsoft.com/entra/identity/saas-apps/mypolicies-provisioning-tutorial"
        ),
    }


def test_the_staff_host_has_no_token_endpoint_and_no_metadata(operator):
    staff = Client(headers={"Host": operator.host})

    assert staff.get("/.well-known/oauth-authorization-server").status_code == 404
    assert staff.post(TOKEN_PATH).status_code == 404


def test_the_service_provider_config_lists_both_ways(acme, created):
    config = scim_client(acme, created).get("/ServiceProviderConfig").json

    assert [(each["type"], each["primary"]) for each in config["authenticationSchemes"]] == [
        ("oauthbearertoken", True),
        ("oauth2", False),
    ]


@pytest.fixture
def few_failures(monkeypatch):
    """A limit on failures of an address, which no time of a test's own renews."""
    monkeypatch.setattr(rates, "FAILURES", rates.Rate(0.01, burst=3))


def test_clients_of_an_address_that_fail_too_often_are_answered_429(acme, created, few_failures):
    wrong = {**grant(created), "client_secret": "mypscim_secret_wrong"}
    statuses = [ask(acme, wrong).status_code for _ in range(4)]
    answer = ask(acme, wrong)

    assert statuses == [401, 401, 401, 429]
    assert int(answer.headers["Retry-After"]) > 0
    assert "WWW-Authenticate" not in answer.headers
    assert answer.json() == {
        "error": "temporarily_unavailable",
        "error_description": "Too many requests from this address have come without valid client"
        " credentials. Valid ones are accepted at any time.",
    }


def test_valid_credentials_are_accepted_where_others_fail(acme, created, few_failures):
    for _ in range(5):
        ask(acme, {**grant(created), "client_secret": "mypscim_secret_wrong"})

    assert ask(acme, grant(created)).status_code == 200


def test_failures_at_one_tenant_are_nothing_to_another(acme, globex, created, few_failures):
    theirs = create(globex)
    for _ in range(5):
        ask(acme, {**grant(created), "client_secret": "mypscim_secret_wrong"})

    assert ask(globex, {**grant(theirs), "client_secret": "wrong"}).status_code == 401


def test_failures_at_both_doors_are_counted_together(acme, created, few_failures):
    for _ in range(3):
        ScimClient(acme, "mypscim_wrong").get("/Users")

    assert ask(acme, {**grant(created), "client_secret": "wrong"}).status_code == 429


def test_a_request_that_is_no_grant_is_no_failure_to_authenticate(acme, few_failures):
    answers = [ask(acme, {"grant_type": ""}) for _ in range(5)]

    assert {answer.status_code for answer in answers} == {400}


def test_access_tokens_count_among_the_requests_of_a_tenant(acme, created, settings):
    settings.TENANT_RATE = 0.01
    for _ in range(rates.BURST - 1):
        rates.note_request(acme.id)
    before = rates.seconds_to_wait(acme.id)
    ask(acme, grant(created))

    assert before == 0
    assert rates.seconds_to_wait(acme.id) > 0
