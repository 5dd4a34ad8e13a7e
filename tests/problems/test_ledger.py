"""Open problems: opened by a refusal, counted on, and settled by a request that succeeds."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import InterfaceError
from django.test import override_settings

from scim.problems import ledger
from scim.problems.feature import FEATURE
from scim.provider.features import Person
from tenants.current import in_public, in_tenant
from tenants.models import Problem
from tests.support.clients import ScimClient
from tests.support.over_http import NOW
from tests.support.payloads import BJENSEN, CORE, patch, user

NO_MAIL = patch({"op": "remove", "path": "emails"})
TITLE = patch({"op": "replace", "path": "title", "value": "Guide"})


@pytest.fixture
def problems():
    """`problems(tenant)`: write what was counted, and read the rows."""

    def read(tenant):
        ledger.flush()
        with in_public():
            return list(Problem.objects.filter(tenant=tenant).order_by("first_at", "reason"))

    return read


def path_of(resource):
    return f"/Users/{resource['id']}"


def test_a_refused_change_opens_a_problem_about_its_user(at_acme, acme, bjensen, clock, problems):
    clock.shift(60)

    answer = at_acme.patch(path_of(bjensen), NO_MAIL)

    (found,) = problems(acme)
    assert answer.status == 400
    assert (found.reason, str(found.resource_id)) == ("user.email-missing", bjensen["id"])
    assert (found.operation, found.status, found.times) == ("modify", 400, 1)
    assert found.first_at == found.last_at == NOW + timedelta(minutes=1)
    assert found.settled_at is None


def test_equal_refusals_are_one_problem_with_its_first_and_last_time(
    at_acme, acme, bjensen, clock, problems
):
    for _ in range(3):
        clock.shift(2400)
        at_acme.patch(path_of(bjensen), NO_MAIL)
        ledger.flush()

    (found,) = problems(acme)
    assert found.times == 3
    assert (found.last_at - found.first_at).total_seconds() == 4800


def test_a_change_of_the_same_user_that_succeeds_settles_it(
    at_acme, acme, bjensen, clock, problems
):
    at_acme.patch(path_of(bjensen), NO_MAIL)
    assert [each.settled_at for each in problems(acme)] == [None]
    clock.shift(2400)

    at_acme.patch(path_of(bjensen), TITLE)

    (found,) = problems(acme)
    assert found.settled_at > found.last_at


def test_refusal_and_success_between_two_writes_are_settled(
    at_acme, acme, bjensen, clock, problems
):
    at_acme.patch(path_of(bjensen), NO_MAIL)
    clock.shift(1)
    at_acme.patch(path_of(bjensen), TITLE)

    assert problems(acme)[0].settled_at is not None


def bulk(*operations):
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": list(operations),
    }


def test_operations_of_a_bulk_request_open_and_settle_problems_as_requests_do(
    at_acme, acme, globex, bjensen, clock, problems
):
    path, taken = path_of(bjensen), {**BJENSEN, "externalId": "another"}
    refused = {"method": "PATCH", "path": path, "data": NO_MAIL}
    creation = {"method": "POST", "path": "/Users", "bulkId": "one", "data": taken}
    clock.shift(60)
    answer = at_acme.post("/Bulk", bulk(refused, creation))

    assert [each["status"] for each in answer.json["Operations"]] == ["400", "409"]
    found = problems(acme)
    assert sorted((each.reason, each.operation, each.times) for each in found) == [
        ("user.email-missing", "modify", 1),
        ("user.name-taken", "create", 1),
    ]
    assert (
        str(next(each.resource_id for each in found if each.operation == "modify")) == bjensen["id"]
    )
    assert problems(globex) == []

    clock.shift(2400)
    at_acme.post("/Bulk", bulk({"method": "PATCH", "path": path, "data": TITLE}))
    settled = {each.operation: each.settled_at is not None for each in problems(acme)}
    assert settled == {"modify": True, "create": False}


def test_a_look_at_the_user_and_another_users_success_settle_nothing(
    at_acme, acme, bjensen, jsmith, clock, problems
):
    at_acme.patch(path_of(bjensen), NO_MAIL)
    clock.shift(60)

    at_acme.get(path_of(bjensen))
    at_acme.patch(path_of(jsmith), TITLE)

    assert problems(acme)[0].settled_at is None


def test_a_problem_that_comes_back_begins_again(at_acme, acme, bjensen, clock, problems):
    for message in (NO_MAIL, TITLE, NO_MAIL):
        clock.shift(60)
        at_acme.patch(path_of(bjensen), message)
        ledger.flush()

    (found,) = problems(acme)
    assert (found.times, found.settled_at) == (1, None)
    assert found.first_at == found.last_at


def test_a_create_that_was_refused_is_settled_by_the_create_that_succeeds(
    at_acme, acme, clock, problems
):
    whole = user("grace")
    at_acme.post("/Users", {name: value for name, value in whole.items() if name != "emails"})
    (refused,) = problems(acme)
    clock.shift(60)

    at_acme.post("/Users", {**whole, "userName": whole["userName"].upper()})

    (found,) = problems(acme)
    assert (refused.reason, refused.settled_at) == ("user.email-missing", None)
    assert found.settled_at is not None


def test_a_refused_create_keeps_no_name(at_acme, acme, problems):
    at_acme.post("/Users", {"schemas": [CORE], "userName": "grace.hopper@acme.example"})

    (found,) = problems(acme)
    assert "grace" not in str(vars(found))


def test_the_same_name_is_another_subject_in_another_tenant(
    at_acme, at_globex, acme, globex, problems
):
    for client in (at_acme, at_globex):
        client.post("/Users", {"schemas": [CORE], "userName": "grace"})

    (at_one,), (at_other,) = problems(acme), problems(globex)
    assert at_one.subject != at_other.subject


def test_a_refused_look_up_is_settled_by_one_that_succeeds(at_acme, acme, clock, problems):
    at_acme.get("/Users?filter=nickNames eq 1")
    (refused,) = problems(acme)
    clock.shift(60)

    at_acme.get('/Users?filter=userName eq "x"')

    (found,) = problems(acme)
    assert (refused.resource_id, refused.settled_at) == (None, None)
    assert found.settled_at is not None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/Users/018f3c2e-0000-7000-8000-000000000000"),
        ("delete", "/Users/018f3c2e-0000-7000-8000-000000000000"),
    ],
)
def test_a_look_up_or_deletion_of_a_missing_user_is_no_problem(
    method, path, at_acme, acme, problems
):
    assert getattr(at_acme, method)(path).status == 404

    assert problems(acme) == []


def test_a_request_without_a_good_credential_opens_none(at_acme, acme, problems):
    ScimClient(acme, "mypscim_unknown").post("/Users", BJENSEN)

    assert problems(acme) == []


def test_a_database_that_does_not_answer_costs_no_request(at_acme, acme, monkeypatch, bjensen):
    at_acme.patch(path_of(bjensen), NO_MAIL)

    def fail(*_args):
        raise InterfaceError("gone")

    monkeypatch.setattr(ledger, "in_public", fail)
    ledger.flush()


def test_a_flush_without_news_makes_no_statement(django_assert_num_queries, acme):
    with django_assert_num_queries(0):
        ledger.flush()


def test_problems_that_nobody_sends_any_more_are_forgotten(
    at_acme, acme, bjensen, jsmith, clock, problems
):
    at_acme.patch(path_of(bjensen), NO_MAIL)
    problems(acme)
    clock.shift(91 * 86_400)

    at_acme.patch(path_of(jsmith), NO_MAIL)

    assert [str(each.resource_id) for each in problems(acme)] == [jsmith["id"]]


def test_an_erasure_takes_the_problems_about_the_person_and_no_others(
    at_acme, at_globex, acme, globex, bjensen, problems
):
    without = {name: value for name, value in BJENSEN.items() if name != "emails"}
    at_acme.patch(path_of(bjensen), NO_MAIL)
    at_acme.post("/Users", user("jsmith") | {"emails": []})
    at_globex.post("/Users", without)
    person = Person(frozenset({UUID(bjensen["id"])}), frozenset({BJENSEN["userName"], "Babs"}))
    assert len(problems(acme)) == 2

    with in_tenant(acme):
        assert FEATURE.erase(person) == {"problems": 1}

    (left,) = problems(acme)
    assert left.resource_id is None
    assert len(problems(globex)) == 1


def test_nobody_makes_the_digest_of_a_name_without_the_key(at_acme, acme, problems):
    sent = user("jsmith")
    person = Person(frozenset(), frozenset({sent["userName"]}))
    at_acme.post("/Users", sent | {"emails": []})
    assert len(problems(acme)) == 1

    with in_tenant(acme):
        with override_settings(SECRET_KEY="another key of fifty letters that signs, made up here"):
            assert FEATURE.erase(person) == {"problems": 0}
        assert FEATURE.erase(person) == {"problems": 1}


def test_a_create_settles_what_was_refused_under_the_former_key(
    at_acme, at_globex, acme, globex, problems, settings
):
    sent = user("jsmith")
    at_acme.post("/Users", sent | {"emails": []})
    at_globex.post("/Users", sent | {"emails": []})
    assert [len(problems(tenant)) for tenant in (acme, globex)] == [1, 1]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of fifty letters that signs, made up here"

    at_acme.post("/Users", sent)

    assert [
        [each.settled_at is None for each in problems(tenant)] for tenant in (acme, globex)
    ] == [
        [False],
        [True],
    ]
