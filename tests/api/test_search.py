"""Lists over one resource type and over all, by GET and by /.search (RFC 7644 §3.4.2, §3.4.3)."""

from typing import Any

import pytest

from scim.models import ProvisioningEvent
from scim.protocol import urns
from tenants.current import in_tenant
from tests.support import clients


def search(**parameters: Any) -> dict[str, Any]:
    return {"schemas": [urns.SEARCH_REQUEST], **parameters}


def make_user(client, name: str) -> str:
    body = {
        "schemas": [urns.USER],
        "userName": name,
        "externalId": name,
        "displayName": name.upper(),
        "emails": [{"type": "work", "value": f"{name}@acme.example"}],
    }
    answer = client.post("/Users", body)
    assert answer.status == 201, answer.text
    identifier: str = answer.json["id"]
    return identifier


def make_group(client, name: str, *members: str) -> str:
    body = {
        "schemas": [urns.GROUP],
        "displayName": name,
        "members": [{"value": member} for member in members],
    }
    answer = client.post("/Groups", body)
    assert answer.status == 201, answer.text
    identifier: str = answer.json["id"]
    return identifier


@pytest.fixture
def acme_scim(acme, scim):
    return scim(acme)


@pytest.fixture
def directory(acme_scim):
    """The ids of bjensen, jsmith and the group Guides; lists are in the order of ids."""
    bjensen, jsmith = (make_user(acme_scim, name) for name in ("bjensen", "jsmith"))
    return [bjensen, jsmith, make_group(acme_scim, "Guides", bjensen)]


def ids(answer) -> list[str]:
    assert answer.status == 200, answer.text
    return [each["id"] for each in answer.json["Resources"]]


def test_a_search_answers_what_the_same_get_answers(acme_scim, directory):
    parameters = {"filter": 'userName sw "J"', "attributes": "userName", "startIndex": 1}

    answer = acme_scim.post("/Users/.search", search(**parameters))

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.json == acme_scim.get("/Users", **parameters).json
    assert answer.json == {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": 1,
        "startIndex": 1,
        "itemsPerPage": 1,
        "Resources": [{"schemas": [urns.USER], "id": directory[1], "userName": "jsmith"}],
    }


def test_groups_are_searched_by_their_members(acme_scim, directory):
    body = search(filter=f'members.value eq "{directory[0]}"', excludedAttributes=["members"])

    answer = acme_scim.post("/Groups/.search", body)

    assert ids(answer) == [directory[2]]
    assert "members" not in answer.json["Resources"][0]


@pytest.mark.parametrize("path", ["", "/", "/v2", "/v2/"])
def test_the_root_lists_resources_of_every_type(acme_scim, directory, path):
    answer = acme_scim.get(path)

    bjensen, jsmith, guides = directory
    paths = {bjensen: "/Users", jsmith: "/Users", guides: "/Groups"}
    assert answer.json == {
        "schemas": [urns.LIST_RESPONSE],
        "totalResults": 3,
        "startIndex": 1,
        "itemsPerPage": 3,
        "Resources": [acme_scim.get(f"{paths[each]}/{each}").json for each in sorted(directory)],
    }


def test_a_page_at_the_root_goes_through_all_types_in_one_order(acme_scim, directory):
    bjensen, jsmith, guides = directory
    parameters = {"sortBy": "displayName", "count": 2, "attributes": ["displayName"]}

    first = acme_scim.post("/.search", search(**parameters))
    second = acme_scim.post("/.search", search(**parameters, startIndex=3))
    falling = acme_scim.post("/.search", search(**parameters, sortOrder="descending"))

    assert (ids(first), ids(second)) == ([bjensen, guides], [jsmith])
    assert ids(falling) == [jsmith, guides]
    assert first.json["totalResults"] == second.json["totalResults"] == 3
    assert second.json["startIndex"] == 3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('meta.resourceType eq "User"', [0, 1]),
        ('meta.resourceType eq "Group"', [2]),
        ('userName eq "bjensen"', [0]),
        ('displayName eq "guides" or userName sw "J"', [1, 2]),
        ("members pr", [2]),
    ],
)
def test_a_filter_at_the_root_finds_by_attributes_that_only_some_types_have(
    acme_scim, directory, text, found
):
    expected = sorted(directory[each] for each in found)

    assert ids(acme_scim.get("/", filter=text)) == expected
    assert ids(acme_scim.post("/.search", search(filter=text))) == expected


def test_the_root_is_two_statements_beside_the_token_of_which_one_finds_groups(
    acme_scim, directory, statements
):
    acme_scim.get("/")  # reads of a kind are noted once a minute

    with statements() as executed:
        acme_scim.get("/")

    assert len(executed) == 3


def test_the_root_shows_nothing_of_another_tenant(acme_scim, directory, globex, scim):
    globex_scim = scim(globex)
    tom = make_user(globex_scim, "tom")

    assert ids(globex_scim.get("/")) == [tom]
    assert ids(globex_scim.post("/.search", search(filter='userName eq "bjensen"'))) == []


def test_names_in_a_search_have_no_letter_case_and_numbers_may_be_text(acme_scim, directory):
    body = search(FILTER="userName pr", StartIndex="2", COUNT="1", SortBy="userName", x=1)

    assert ids(acme_scim.post("/Users/.search", body)) == [directory[1]]


def test_parameters_that_are_null_count_as_not_given(acme_scim, directory):
    names = ("filter", "sortBy", "sortOrder", "startIndex", "count", "attributes", "cursor")

    assert ids(acme_scim.post("/.search", search(**dict.fromkeys(names)))) == sorted(directory)


@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        ({"schemas": [urns.PATCH_OP]}, "invalidSyntax"),
        ({"schemas": ["urn:example:unheard"]}, "invalidSyntax"),
        ([], "invalidSyntax"),
        (search(filter=["userName pr"]), "invalidSyntax"),
        (search(filter=0), "invalidSyntax"),
        (search(filter="shoeSize pr"), "invalidFilter"),
        (search(filter="active gt true"), "invalidFilter"),
        (search(sortBy=1), "invalidSyntax"),
        (search(sortBy="shoeSize"), "invalidValue"),
        (search(sortOrder=False), "invalidSyntax"),
        (search(sortOrder="up"), "invalidValue"),
        (search(count=True), "invalidSyntax"),
        (search(count="many"), "invalidValue"),
        (search(count=1.5), "invalidValue"),
        (search(startIndex=[1]), "invalidSyntax"),
        (search(attributes=["userName"], excludedAttributes=["emails"]), "invalidValue"),
        (search(attributes=[1]), "invalidSyntax"),
    ],
)
@pytest.mark.parametrize("path", ["/Users/.search", "/.search"])
def test_a_search_that_asks_for_the_impossible_is_refused(acme_scim, path, body, scim_type):
    answer = acme_scim.post(path, body)

    assert (answer.status, answer.json["scimType"]) == (400, scim_type)
    assert answer.json["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/", "GET"),
        ("GET", "/.search", "POST"),
        ("GET", "/Users/.search", "POST"),
        ("DELETE", "/Groups/.search", "POST"),
    ],
)
def test_other_methods_are_not_allowed(acme_scim, method, path, allow):
    answer = acme_scim.send(method, path, {} if method == "POST" else None)

    assert answer.status == 405
    assert allow in answer.headers["Allow"].split(", ")


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("POST", "/.search")])
def test_the_root_needs_a_token(acme, method, path):
    assert clients.ScimClient(acme, None).send(method, path, {}).status == 401


def test_the_provisioning_log_says_what_was_searched(acme, acme_scim):
    body = search(filter='userName eq "nobody"')

    acme_scim.post("/Groups/.search", body | {"filter": 'displayName eq "nobody"'})

    with in_tenant(acme):
        event = ProvisioningEvent.objects.filter(operation="query").latest("id")
    assert (event.resource_type, event.status, event.method) == ("Group", 200, "POST")
    assert event.sent == body | {"filter": 'displayName eq "nobody"'}
