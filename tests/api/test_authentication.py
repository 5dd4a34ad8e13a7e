"""The secret token of a request: who may speak to a tenant's endpoints (RFC 6750, RFC 7644 §2)."""

import io
import json

import pytest
from django.db import connection

from accounts import actions, tokens
from accounts.models import SecretToken
from accounts.permissions import Role
from tenants.current import in_tenant
from tests.support import database, people
from tests.support.clients import MEDIA_TYPE, ScimClient, mint
from tests.support.over_http import NOW
from tests.support.payloads import BJENSEN, error, listed, replace

ANYBODY = "019ab8c4-0000-7000-8000-000000000001"
MISSING = "The request has no secret token. Send it as 'Authorization: Bearer <Secret Token>'."
MALFORMED = (
    "The secret token is not a myPolicies secret token: it is incomplete or mistyped. Check that"
    " you copied all of it; if it is lost, ask support@mypolicies.com for a new one."
)
UNKNOWN = (
    "The secret token is not known to this tenant: check that you copied all of it and that"
    " it belongs to this Tenant URL. If it is lost, ask support@mypolicies.com for a new one."
)
NEW_ONE = (
    "Ask support@mypolicies.com for a new one and enter it as Secret Token in the provisioning"
    " settings."
)
REQUESTS = [
    ("GET", "/Users", None),
    ("POST", "/Users", BJENSEN),
    ("POST", "/Users/.search", {}),
    ("POST", "/.search", {}),
    ("GET", f"/Users/{ANYBODY}", None),
    ("PUT", f"/Users/{ANYBODY}", BJENSEN),
    ("PATCH", f"/Users/{ANYBODY}", replace("title", "x")),
    ("DELETE", f"/Users/{ANYBODY}", None),
    ("GET", "/Schemas", None),
    ("GET", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", None),
    ("GET", "/ResourceTypes", None),
    ("GET", "/ResourceTypes/User", None),
    ("GET", "/ServiceProviderConfig", None),
    ("GET", "/Me", None),
    ("GET", "", None),
    ("GET", "/NoSuchEndpoint", None),
    ("DELETE", "/Users", None),  # not allowed: only those may know who may do something
    ("POST", "/Schemas", {}),
    ("OPTIONS", "/Users", None),
    ("TRACE", "/Users", None),
]


def public_id(token, tenant):
    return tokens.public_id(tokens.digest(tenant.id, token))


def with_header(client, header, path="/Users"):
    return client.get(path, headers={"Authorization": header})


def refusal(answer):
    return answer.status, answer.headers["WWW-Authenticate"], answer.json


def unauthorized(detail):
    challenge = 'Bearer realm="myPolicies SCIM", error="invalid_token"'
    return 401, challenge, error(401, detail)


def test_a_secret_token_of_the_tenant_is_accepted(at_acme):
    assert at_acme.get("/Users").json == listed()


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer ", " bEaReR"])
def test_the_schemes_letter_case_and_spaces_do_not_matter(scheme, at_acme, acme):
    anybody = ScimClient(acme, None)

    assert with_header(anybody, f"{scheme} {at_acme.token} ").status == 200


def test_a_tenant_may_have_several_tokens_at_once(at_acme, acme):
    """So that one can take over from another without an outage."""
    second = ScimClient(acme, mint(acme))

    assert [at_acme.get("/Users").status, second.get("/Users").status] == [200, 200]


# --- in the message that begins the transaction --------------------------------------------------


@pytest.fixture
def known(at_acme):
    """acme's service, whose connection has prepared the look-up of the token."""
    assert at_acme.get("/Schemas").status == 200
    return at_acme


def test_the_token_is_looked_up_in_the_message_that_begins_the_transaction(known):
    messages = database.sent(lambda: known.get("/Schemas"))
    prepared = database.prepared(lambda: known.get("/Schemas"))

    [begun] = [each for each in messages if "accounts_secrettoken" in each]
    assert begun.startswith("SELECT xmin")  # BEGIN is the test's own
    assert ["accounts_secrettoken" in each for each in prepared].count(True) == 1


def test_a_token_that_was_revoked_after_many_requests_is_refused_on_the_next(known, acme):
    with in_tenant(acme):
        SecretToken.objects.update(revoked_at=NOW)

    answer = known.get("/Schemas")

    assert answer.status == 401
    assert "was revoked on 2026-11-25" in answer.json["detail"]


def test_a_look_up_that_somebody_removed_from_the_connection_is_prepared_anew(known):
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")

    assert [known.get("/Schemas").status for _ in range(2)] == [200] * 2


def test_a_malformed_token_is_not_looked_up_there_either(known, acme):
    anybody = ScimClient(acme, f"{known.token[:-1]}_")

    messages = database.sent(lambda: anybody.get("/Schemas"))

    assert not [each for each in messages if "accounts_secrettoken" in each]


# --- 401 --------------------------------------------------------------------------------------


def test_a_request_without_a_token_is_told_how_to_send_one(acme):
    """RFC 6750 §3.1: no error code when no credential was sent."""
    answer = ScimClient(acme, None).get("/Users")

    assert refusal(answer) == (401, 'Bearer realm="myPolicies SCIM"', error(401, MISSING))


@pytest.mark.parametrize("header", ["Basic YWxhZGRpbjpvcGVuc2VzYW1l", "Token {}", "{}", "Bearer{}"])
def test_another_scheme_is_no_token(header, at_acme, acme):
    """RFC 6750 §3.1: no error code for an authentication method that is not supported."""
    answer = with_header(ScimClient(acme, None), header.format(at_acme.token))

    assert refusal(answer) == (401, 'Bearer realm="myPolicies SCIM"', error(401, MISSING))


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "bearer"])
def test_the_scheme_without_a_token_is_an_invalid_one(header, acme):
    answer = with_header(ScimClient(acme, None), header)

    assert refusal(answer) == unauthorized(MISSING)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-1],
        lambda token: token + "x",
        lambda token: token.swapcase(),
        lambda token: f"{token} {token}",
        lambda token: f'"{token}"',
        lambda _: "mypscim_",
        lambda _: "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
        lambda _: "' OR 1=1 --",
        lambda _: "z\xff\x80",
        lambda _: "x" * 8000,
    ],
)
def test_a_token_that_was_not_copied_whole_is_told_apart(spoil, at_acme, acme, statements):
    anybody = ScimClient(acme, None)
    anybody.get("/Users")

    with statements() as executed:
        answer = with_header(anybody, f"Bearer {spoil(at_acme.token)}")

    assert refusal(answer) == unauthorized(MALFORMED)
    assert not any("accounts_secrettoken" in each for each in executed)


def test_an_unknown_token_is_refused(acme):
    assert refusal(ScimClient(acme, tokens.generate()).get("/Users")) == unauthorized(UNKNOWN)


def test_a_token_of_another_tenant_is_unknown(at_globex, acme, globex):
    assert refusal(ScimClient(acme, at_globex.token).get("/Users")) == unauthorized(UNKNOWN)
    assert at_globex.get("/Users").json == listed()


def test_a_token_of_another_tenant_is_unknown_even_if_its_row_is_in_this_one(
    at_acme, at_globex, acme, globex
):
    """The digest is bound to the tenant: tables that were mixed up open no door."""
    with in_tenant(globex):
        digest = bytes(SecretToken.objects.get().digest)
    with in_tenant(acme):
        SecretToken.objects.update(digest=digest)

    assert refusal(ScimClient(acme, at_globex.token).get("/Users")) == unauthorized(UNKNOWN)


def test_a_revoked_token_is_refused_from_the_next_request_on(at_acme, acme):
    name = public_id(at_acme.token, acme)
    assert at_acme.get("/Users").status == 200

    actions.revoke_token(people.COMMAND, acme, name)

    detail = f"The secret token {name} was revoked on 2026-11-25 (UTC). {NEW_ONE}"
    assert refusal(at_acme.get("/Users")) == unauthorized(detail)


def test_an_expired_token_is_refused(at_acme, acme, clock):
    name = public_id(at_acme.token, acme)
    clock.shift(365 * 86400 - 1)
    assert at_acme.get("/Users").status == 200

    clock.shift(1)

    detail = f"The secret token {name} expired on 2027-11-25 (UTC). {NEW_ONE}"
    assert refusal(at_acme.get("/Users")) == unauthorized(detail)


@pytest.mark.parametrize("parameter", ["access_token", "token", "Authorization", "bearer_token"])
def test_a_token_in_the_query_string_is_not_looked_at(parameter, at_acme, acme):
    """URLs end up in logs (RFC 6750 §5.3)."""
    answer = ScimClient(acme, None).get("/Users", **{parameter: f"Bearer {at_acme.token}"})

    assert (answer.status, answer.json) == (401, error(401, MISSING))


def test_a_token_in_a_body_or_cookie_is_not_looked_at(at_acme, acme):
    anybody = ScimClient(acme, None)
    anybody.http.cookies["access_token"] = at_acme.token

    answer = anybody.post("/Users", {**BJENSEN, "access_token": at_acme.token})

    assert (answer.status, answer.json) == (401, error(401, MISSING))


def test_a_browser_session_is_no_credential_for_scim(admin_client, acme):
    response = admin_client(acme).get("/scim/Users")

    assert (response.status_code, json.loads(response.content)) == (401, error(401, MISSING))


# --- 403 --------------------------------------------------------------------------------------


@pytest.fixture
def tara(at_acme, acme):
    """The account that at_acme's token was issued for, with another admin beside it."""
    actions.create_account(people.COMMAND, acme, "tina@acme.example", "Tina", Role.ADMIN)
    return "tara@acme.example"


def no_admin(token, tenant):
    return error(
        403,
        f"The myPolicies account that the secret token {public_id(token, tenant)} was issued for is"
        " no longer an active admin: ensure that the myPolicies account has Admin permissions, or"
        " ask support@mypolicies.com to move the token to another admin account.",
    )


def test_the_account_must_still_have_admin_permissions(at_acme, acme, tara):
    """The tutorial: "ensure your myPolicies account has Admin permissions"."""
    actions.change_role(people.COMMAND, acme, tara, Role.MEMBER)

    answer = at_acme.get("/Users")

    assert (answer.status, answer.json) == (403, no_admin(at_acme.token, acme))
    assert "WWW-Authenticate" not in answer.headers


def test_the_account_must_still_be_active(at_acme, acme, tara):
    actions.deactivate_account(people.COMMAND, acme, tara)
    assert at_acme.get("/Users").json == no_admin(at_acme.token, acme)

    actions.reactivate_account(people.COMMAND, acme, tara)
    assert at_acme.get("/Users").status == 200


def test_a_token_can_be_moved_to_another_admin(at_acme, acme, tara):
    actions.deactivate_account(people.COMMAND, acme, tara)

    actions.move_token(people.COMMAND, acme, public_id(at_acme.token, acme), "tina@acme.example")

    assert at_acme.get("/Users").status == 200


# --- every endpoint ---------------------------------------------------------------------------


class _Unread(io.BytesIO):
    def read(self, *_):
        raise AssertionError("The body was read.")


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_no_endpoint_looks_at_anything_before_the_token(method, path, body, acme, at_globex):
    """Not at the method, the id or the body, of which 50 MB may be announced (docs/security.md)."""
    for token in (None, "nonsense", tokens.generate(), at_globex.token):
        client = ScimClient(acme, token)

        response = client.http.generic(
            method,
            f"/scim{path}",
            content_type="text/plain",
            CONTENT_LENGTH="52428800",
            **{"wsgi.input": _Unread()},
        )

        assert response.status_code == 401
        assert response["Content-Type"] == MEDIA_TYPE
        assert response["WWW-Authenticate"].startswith('Bearer realm="myPolicies SCIM"')
        assert "Allow" not in response


@pytest.mark.parametrize(("method", "path", "body"), REQUESTS)
def test_nothing_is_changed_or_shown_without_a_token(method, path, body, acme, bjensen, stored):
    before = stored(acme)

    answer = ScimClient(acme, None).send(method, path.replace(ANYBODY, bjensen["id"]), body)

    assert (answer.status, answer.json) == (401, error(401, MISSING))
    assert stored(acme) == before
