"""A form's mark is used up once, also by those who send it at the same moment."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connection
from django.http import HttpRequest

from accounts.console.form import issue_nonce, use_up
from accounts.sessions import SessionStore
from tenants.current import in_tenant


def request_of(tenant, session_key=None):
    request = HttpRequest()
    request.tenant = tenant
    request.session = SessionStore(session_key)
    return request


def test_of_many_who_send_a_form_at_once_one_acts(real_tenants):
    tenant, _ = real_tenants
    with in_tenant(tenant):
        asked = request_of(tenant)
        nonce = issue_nonce(asked)
        asked.session.save()

    def send(_):
        try:
            with in_tenant(tenant):
                sent = request_of(tenant, asked.session.session_key)
                acts = use_up(sent, nonce)
                sent.session.save()
            return acts
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        acted = list(pool.map(send, range(8)))

    assert sorted(acted) == 7 * [False] + [True]


def test_the_marks_of_other_open_forms_stay(acme):
    with in_tenant(acme):
        request = request_of(acme)
        first, second = issue_nonce(request), issue_nonce(request)
        request.session.save()

        used = [use_up(request, first), use_up(request, second)]

    assert used == [True, True]


def test_the_oldest_of_many_open_forms_has_to_be_opened_again(acme):
    with in_tenant(acme):
        request = request_of(acme)
        issued = [issue_nonce(request) for _ in range(21)]
        request.session.save()

        used = [use_up(request, nonce) for nonce in issued[:2]]

    assert used == [False, True]
