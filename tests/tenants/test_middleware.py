"""From host to schema: which requests reach the pages, of which tenant, and what stays of them."""

import json
import logging
import uuid
from contextlib import contextmanager

import psycopg
import pytest
from django.db import OperationalError, connection, transaction
from django.http import HttpResponse
from django.test import RequestFactory

from accounts.models import Account
from scim.guard.guard import known_settings
from tenants import lifecycle, resolution
from tenants.backend.base import execute_last
from tenants.current import (
    TenantChangedError,
    after_transaction,
    afterwards,
    begin_again,
    current_tenant,
    in_public,
    in_tenant,
    served,
)
from tenants.middleware import TenantMiddleware
from tenants.models import Guard, Tenant
from tests.support import database

REQUEST_ID = "abcdefghijklmnopqrstuv"


def ask(host, page, path="/", **headers):
    """The middleware's answer to a GET, with `page` in the place of all that is further in."""
    request = RequestFactory().get(path, HTTP_HOST=host, **headers)
    return TenantMiddleware(page)(served(request, REQUEST_ID))


def name_the_tenant(request):
    """A page that answers with its tenant, as request and connection see it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_schema()")
        [schema] = cursor.fetchone()
    return HttpResponse(f"{request.tenant} {current_tenant()} {schema}")


def never_reached(request):
    raise AssertionError(request)


def emails(tenant):
    with in_tenant(tenant):
        return list(Account.objects.values_list("email", flat=True))


def failure(sqlstate):
    """The error that Django raises for one of PostgreSQL."""
    error = OperationalError()
    error.__cause__ = psycopg.errors.lookup(sqlstate)()
    return error


def add(email):
    Account.objects.create(email=email, role="admin")


def add_alone(tenant, email):
    with in_tenant(tenant):
        add(email)


@pytest.mark.parametrize(
    "host",
    [
        "acme.mypolicies.localhost",
        "acme.mypolicies.localhost:8000",
        "ACME.MyPolicies.LOCALHOST",
        "acme.mypolicies.localhost.",
        "Acme.mypolicies.localhost.:443",
    ],
)
def test_every_spelling_of_a_tenants_host_reaches_the_tenant(host, acme):
    assert ask(host, name_the_tenant).text == "Acme Ltd Acme Ltd t_acme"


def test_each_tenant_has_its_own_host(acme, globex, operator):
    assert ask(acme.host, name_the_tenant).text == "Acme Ltd Acme Ltd t_acme"
    assert ask(globex.host, name_the_tenant).text == "Globex Inc Globex Inc t_globex"
    assert ask(operator.host, name_the_tenant).text == ("myPolicies staff myPolicies staff support")


def test_a_further_host_name_reaches_its_tenant(acme):
    lifecycle.add_host(acme, "scim.acme.example")

    assert ask("scim.acme.example", name_the_tenant).text == "Acme Ltd Acme Ltd t_acme"


def test_the_staff_host_has_its_own_urls(acme, operator, settings):
    def urlconf(request):
        return HttpResponse(getattr(request, "urlconf", "the default"))

    assert ask(operator.host, urlconf).text == settings.STAFF_URLCONF
    assert ask(acme.host, urlconf).text == "the default"


def test_a_forwarded_host_is_ignored(acme, globex):
    answer = ask(acme.host, name_the_tenant, HTTP_X_FORWARDED_HOST=globex.host)

    assert answer.text == "Acme Ltd Acme Ltd t_acme"


def test_an_unknown_host_is_answered_with_plain_text(db):
    answer = ask("nobody.example", never_reached, "/admin/")

    assert (answer.status_code, answer["Content-Type"]) == (404, "text/plain; charset=utf-8")
    assert answer.text == (
        'The host "nobody.example" is not served here: check the Tenant URL for typing errors.\n'
    )


@pytest.mark.parametrize("path", ["/scim", "/scim/", "/scim/Users", "/SCIM/v2/Users", "/Scim"])
def test_an_unknown_host_below_scim_is_answered_with_a_scim_error_that_names_it(path, db):
    """RFC 7644 §3.12."""
    answer = ask("acmee.mypolicies.localhost:8000", never_reached, path)

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/scim+json")
    assert json.loads(answer.text) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "detail": 'The host "acmee.mypolicies.localhost:8000" is not served here: '
        "check the Tenant URL for typing errors.",
        "status": "404",
    }


def test_a_path_that_only_begins_like_scim_is_not_scim(db):
    assert ask("nobody.example", never_reached, "/scimitar")["Content-Type"] == (
        "text/plain; charset=utf-8"
    )


@pytest.mark.parametrize("host", ['"},"status":"200', "<script>alert(1)</script>", "a\r\nb: c"])
def test_a_host_that_is_no_name_cannot_change_the_answer(host, db):
    answer = ask(host, never_reached, "/scim/Users")

    body = json.loads(answer.text)
    assert list(body) == ["schemas", "detail", "status"]
    assert body["status"] == "404"
    assert "\r" not in body["detail"]
    assert "\n" not in body["detail"]


def test_a_long_host_is_named_in_part(db):
    detail = json.loads(ask("a" * 5000, never_reached, "/scim").text)["detail"]

    assert detail.startswith(f'The host "{"a" * 100}" is not served here')


def test_a_request_without_a_host_is_not_served(db):
    assert ask("", never_reached).text == (
        "A request without a host name is not served here: "
        "check the Tenant URL for typing errors.\n"
    )


def test_a_suspended_tenant_is_answered_403_until_it_is_resumed(acme, globex):
    lifecycle.suspend(acme)

    page = ask(acme.host, never_reached, "/admin/")
    error = ask(acme.host, never_reached, "/scim/Users")

    sentence = "The tenant acme is suspended: contact myPolicies support."
    assert (page.status_code, page.text) == (403, sentence + "\n")
    assert (error.status_code, error["Content-Type"]) == (403, "application/scim+json")
    assert json.loads(error.text) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "detail": sentence,
        "status": "403",
    }
    assert ask(globex.host, name_the_tenant).status_code == 200
    lifecycle.resume(acme)
    assert ask(acme.host, name_the_tenant).status_code == 200


@pytest.fixture
def elsewhere(monkeypatch):
    """`with elsewhere():` what is done inside, another process does."""

    @contextmanager
    def another_process():
        with monkeypatch.context() as patch:
            patch.setattr(resolution, "forget", lambda: None)
            yield

    return another_process


def test_a_suspension_in_another_process_acts_on_the_next_request(acme, elsewhere):
    assert ask(acme.host, name_the_tenant).status_code == 200

    with elsewhere():
        lifecycle.suspend(acme)

    assert ask(acme.host, never_reached).status_code == 403


def test_whatever_changes_in_another_process_the_next_request_has(acme, elsewhere):
    def seen(request):
        tenant = request.tenant
        return HttpResponse(f"{tenant.name}, {tenant.schemas_revision}, {known_settings(tenant)}")

    assert ask(acme.host, seen).text == "Acme Ltd, None, 30 %, at least 20"
    revision = uuid.uuid4()

    with elsewhere(), in_public():
        Guard.objects.create(tenant=acme, share_percent=5, least=2)
        Tenant.objects.filter(pk=acme.pk).update(name="Acme", schemas_revision=revision)
    assert ask(acme.host, seen).text == f"Acme, {revision}, 5 %, at least 2"

    with elsewhere(), in_public():
        Guard.objects.update_or_create(tenant=acme, defaults={"least": 3})
    assert ask(acme.host, seen).text == f"Acme, {revision}, 5 %, at least 3"


def test_a_host_that_another_process_takes_away_or_gives_on_is_so_with_the_next_request(
    acme, globex, elsewhere
):
    lifecycle.add_host(acme, "scim.acme.example")
    assert ask("scim.acme.example", name_the_tenant).text == "Acme Ltd Acme Ltd t_acme"

    with elsewhere():
        lifecycle.remove_host(acme, "scim.acme.example")
    assert ask("scim.acme.example", never_reached).status_code == 404

    lifecycle.add_host(acme, "scim.acme.example")
    assert ask("scim.acme.example", name_the_tenant).status_code == 200
    with elsewhere():
        lifecycle.remove_host(acme, "scim.acme.example")
        lifecycle.add_host(globex, "scim.acme.example")
    assert ask("scim.acme.example", name_the_tenant).text == "Globex Inc Globex Inc t_globex"


def test_a_tenant_that_never_stays_as_it_is_found_is_an_error_and_no_endless_loop(
    acme, monkeypatch
):
    def changed(host):
        acme.revision = "1"
        return acme

    monkeypatch.setattr(resolution, "find_tenant", changed)

    with pytest.raises(TenantChangedError):
        ask(acme.host, never_reached)


def test_a_known_host_costs_its_question_in_the_message_that_begins_the_transaction(real_tenants):
    initech, _ = real_tenants
    ask(initech.host, name_the_tenant)

    path = 'SET LOCAL search_path = "t_initech", "public"'
    begun, *rest = database.sent(lambda: ask(initech.host, name_the_tenant))

    assert begun.startswith("BEGIN; ")
    assert begun.endswith(f" FROM public.tenants_tenant WHERE id = $1; {path}")
    assert rest == ["SELECT current_schema()", "COMMIT"]


def test_rows_of_a_request_are_kept_in_its_tenant_only(acme, globex):
    def write(request):
        add("tara@acme.example")
        return HttpResponse(status=400)

    ask(acme.host, write)

    assert (emails(acme), emails(globex)) == (["tara@acme.example"], [])


@pytest.mark.parametrize("status", [500, 503])
def test_rows_of_a_failed_request_are_rolled_back(status, acme):
    def write(request):
        add("tara@acme.example")
        return HttpResponse(status=status)

    assert ask(acme.host, write).status_code == status
    assert emails(acme) == []


def test_a_page_can_have_its_own_writes_rolled_back(acme):
    def write(request):
        add("tara@acme.example")
        transaction.set_rollback(True)
        return HttpResponse(status=409)

    assert ask(acme.host, write).status_code == 409
    assert emails(acme) == []


def test_an_error_is_raised_and_what_was_written_is_rolled_back(acme):
    def fail(request):
        add("tara@acme.example")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask(acme.host, fail)

    assert emails(acme) == []


@pytest.mark.parametrize("status", [200, 500])
def test_the_connection_is_directed_to_the_registry_afterwards(status, acme):
    ask(acme.host, lambda _: HttpResponse(status=status))

    assert connection.schema_name == "public"


def test_the_connection_is_directed_to_the_registry_after_an_error(acme):
    with pytest.raises(ZeroDivisionError):
        ask(acme.host, lambda _: HttpResponse(1 // 0))

    assert connection.schema_name == "public"


def test_registered_calls_run_after_the_rollback_in_the_same_tenant(acme, globex):
    """So the provisioning event of a refused request is written although nothing else is."""

    def refuse(request):
        add("rolled-back@acme.example")
        after_transaction(request, lambda: add("first@acme.example"))
        after_transaction(request, lambda: add("second@acme.example"))
        transaction.set_rollback(True)
        return HttpResponse(status=409)

    ask(acme.host, refuse)

    assert emails(acme) == ["first@acme.example", "second@acme.example"]
    assert emails(globex) == []


def test_registered_calls_run_together_or_not_at_all_and_never_change_the_answer(acme, caplog):
    def answer(request):
        add("tara@acme.example")
        after_transaction(request, lambda: add("lost@acme.example"))
        after_transaction(request, lambda: 1 // 0)
        return HttpResponse("done", status=201)

    with caplog.at_level(logging.ERROR, "tenants.middleware"):
        response = ask(acme.host, answer)

    assert (response.status_code, response.text) == (201, "done")
    assert emails(acme) == ["tara@acme.example"]
    assert [record.getMessage() for record in caplog.records] == ["What follows a response failed."]


def test_a_call_that_opens_its_own_transactions_runs_behind_and_harms_no_other(
    acme, globex, caplog
):
    def answer(request):
        afterwards(request, lambda: 1 // 0)
        afterwards(request, lambda: add_alone(acme, "alone@acme.example"))
        after_transaction(request, lambda: add("shared@acme.example"))
        return HttpResponse("done", status=201)

    with caplog.at_level(logging.ERROR, "tenants.middleware"):
        response = ask(acme.host, answer)

    assert (response.status_code, response.text) == (201, "done")
    assert emails(acme) == ["alone@acme.example", "shared@acme.example"]
    assert emails(globex) == []
    assert [record.getMessage() for record in caplog.records] == ["What follows a response failed."]


def test_custom_domains_that_change_owners_are_noticed_by_the_next_request(acme, globex):
    """By a statement that no signal tells of, as another process is not told."""
    before = ask(acme.host, name_the_tenant).text.split()[-1]
    for tenant, domain in [(acme, "former"), (globex, "acme"), (acme, "globex")]:
        Tenant.objects.filter(pk=tenant.pk).update(custom_domain=domain)

    after = [ask(host, name_the_tenant).text.split()[-1] for host in (acme.host, globex.host)]

    assert (before, after) == (acme.schema_name, [globex.schema_name, acme.schema_name])


def test_a_request_costs_one_statement_beside_its_own_and_none_when_the_host_is_known(
    acme, statements
):
    with statements() as first:
        ask(acme.host, name_the_tenant)
    with statements() as second:
        ask(acme.host, name_the_tenant)

    assert (len(first), len(second)) == (2, 1)


def test_a_request_is_one_transaction_and_what_follows_another(real_tenants):
    initech, _ = real_tenants
    transactions = []

    def note():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()::text")
            transactions.append(cursor.fetchone()[0])

    def page(request):
        note()
        after_transaction(request, note)
        after_transaction(request, note)
        note()
        return HttpResponse()

    ask(initech.host, page)

    first, second, third, fourth = transactions
    assert first == second != third == fourth


@pytest.mark.parametrize("sqlstate", ["40P01", "40001", "0A000", "26000"])
def test_a_request_that_may_succeed_at_once_begins_again_three_times_at_most(sqlstate, acme):
    """A deadlock, a serialization failure, an outdated plan, a lost one; what a lost attempt wrote is gone."""
    attempts = []

    def page(request):
        add(f"{len(attempts)}@acme.example")
        attempts.append(emails(acme))
        again = begin_again(request, failure(sqlstate))
        return HttpResponse(status=503) if again or len(attempts) < 4 else HttpResponse("Given up.")

    assert ask(acme.host, page).text == "Given up."
    assert attempts == [[f"{number}@acme.example"] for number in range(4)]
    assert emails(acme) == ["3@acme.example"]


@pytest.mark.parametrize("error", [failure("57014"), failure("23505"), ValueError("40P01")])
def test_a_request_that_fails_otherwise_does_not_begin_again(error, acme):
    attempts = []

    def page(request):
        attempts.append(begin_again(request, error))
        return HttpResponse(status=503)

    assert ask(acme.host, page).status_code == 503
    assert attempts == [False]


class EndsWithLast(TenantMiddleware):
    ends_with_last = True


def test_a_request_that_has_committed_its_change_does_not_begin_again(real_tenants):
    """Whatever fails afterwards, the change must not be made twice."""
    initech, hooli = real_tenants
    attempts = []

    def page(request):
        add(f"{len(attempts)}@initech.example")
        execute_last("SELECT 1")
        attempts.append(begin_again(request, failure("40P01")))
        return HttpResponse(status=503)

    request = RequestFactory().post("/", HTTP_HOST=initech.host)
    assert EndsWithLast(page)(served(request, REQUEST_ID)).status_code == 503

    assert attempts == [False]
    assert (emails(initech), emails(hooli)) == (["0@initech.example"], [])
    with in_tenant(initech), connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_account")


def test_a_connection_lost_during_a_request_costs_that_request_only(real_tenants):
    initech, _ = real_tenants

    def lose_the_connection(request):
        name_the_tenant(request)
        connection.connection.close()
        return HttpResponse()

    with pytest.raises(OperationalError):
        ask(initech.host, lose_the_connection)

    assert ask(initech.host, name_the_tenant).text == "Initech Initech t_initech"
