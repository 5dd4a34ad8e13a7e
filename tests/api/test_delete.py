"""DELETE /Users/{id}: gone for SCIM, kept inside (RFC 7644 §3.6; docs/product.md, "No hard deletes")."""

import pytest

from tests.support.payloads import BJENSEN, error, listed, replace


def not_found(identifier):
    return error(404, f"There is no User with the id '{identifier}'.")


def test_the_answer_is_empty(at_acme, bjensen):
    answer = at_acme.delete(f"/Users/{bjensen['id']}")

    assert (answer.status, answer.text) == (204, "")


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("GET", None),
        ("PUT", BJENSEN),
        ("PATCH", replace("active", "True")),
        ("DELETE", None),
    ],
)
def test_a_deleted_user_is_not_found_any_more(method, body, at_acme, bjensen):
    at_acme.delete(f"/Users/{bjensen['id']}")

    answer = at_acme.send(method, f"/Users/{bjensen['id']}", body)

    assert (answer.status, answer.json) == (404, not_found(bjensen["id"]))


def test_a_deleted_user_is_in_no_list(at_acme, bjensen, jsmith):
    at_acme.delete(f"/Users/{bjensen['id']}")

    assert at_acme.get("/Users").json == listed(jsmith)
    for look_up in (
        'userName eq "bjensen@acme.example"',
        f'externalId eq "{BJENSEN["externalId"]}"',
        f'id eq "{bjensen["id"]}"',
        'not (userName eq "jsmith@acme.example")',
    ):
        assert at_acme.get("/Users", filter=look_up).json == listed()


def test_an_unknown_user_cannot_be_deleted(at_acme):
    identifier = "019ab8c4-0000-7000-8000-000000000001"

    answer = at_acme.delete(f"/Users/{identifier}")

    assert (answer.status, answer.json) == (404, not_found(identifier))


def test_a_user_of_another_tenant_cannot_be_deleted(at_acme, at_globex, bjensen):
    answer = at_globex.delete(f"/Users/{bjensen['id']}")

    assert (answer.status, answer.json) == (404, not_found(bjensen["id"]))
    assert at_acme.get(f"/Users/{bjensen['id']}").json == bjensen


@pytest.mark.parametrize(("tag", "status"), [('W/"1"', 204), ('W/"2"', 412), ("*", 204)])
def test_if_match_asks_for_the_version(tag, status, at_acme, bjensen):
    answer = at_acme.delete(f"/Users/{bjensen['id']}", headers={"If-Match": tag})

    assert answer.status == status
    assert at_acme.get(f"/Users/{bjensen['id']}").status == (404 if status == 204 else 200)


# --- re-creation ------------------------------------------------------------------------------


@pytest.mark.quirk("E28")
def test_the_user_name_is_free_again(at_acme, bjensen):
    at_acme.delete(f"/Users/{bjensen['id']}")

    again = at_acme.post("/Users", BJENSEN)

    assert again.status == 201
    assert again.json["id"] != bjensen["id"]
    assert at_acme.get("/Users").json == listed(again.json)


def test_a_user_who_comes_back_continues_the_last_one_with_that_external_id(
    at_acme, acme, clock, bjensen, stored
):
    at_acme.delete(f"/Users/{bjensen['id']}")
    clock.shift(60)
    second = at_acme.post("/Users", BJENSEN).json
    at_acme.delete(f"/Users/{second['id']}")
    clock.shift(60)
    third = at_acme.post("/Users", {**BJENSEN, "userName": "barbara@acme.example"}).json

    rows = {str(row["id"]): row["continues"] and str(row["continues"]) for row in stored(acme)}

    assert rows == {bjensen["id"]: None, second["id"]: bjensen["id"], third["id"]: second["id"]}


def test_someone_else_with_the_user_name_continues_nobody(at_acme, acme, bjensen, stored):
    at_acme.delete(f"/Users/{bjensen['id']}")

    at_acme.post("/Users", {**BJENSEN, "externalId": "another-person"})

    assert [row["continues"] for row in stored(acme)] == [None, None]


# --- what stays -------------------------------------------------------------------------------


def test_the_record_and_its_history_stay(at_acme, acme, bjensen, stored, history):
    [before], changes = stored(acme), len(history(acme))

    at_acme.delete(f"/Users/{bjensen['id']}")

    [after] = stored(acme)
    assert after["document"] == before["document"]
    assert (after["version"], after["deleted_at"]) == (2, after["last_modified"])
    assert len(history(acme)) == changes > 0
