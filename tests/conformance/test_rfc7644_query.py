"""RFC 7644 §3.4: retrieving and querying.

Each test is one statement of the RFC; docs/conformance.md lists them all.
"""

import pytest

from scim.protocol import urns
from tests.support.payloads import BJENSEN, user


@pytest.fixture
def three(at_acme):
    """Three users; their names are anna, Bert and carl."""
    titles = {"carl": "Guide", "anna": "guide", "Bert": None}
    return [at_acme.post("/Users", user(name, title=title)).json for name, title in titles.items()]


def names(answer):
    assert answer.status == 200, answer.text
    return [each["userName"].partition("@")[0] for each in answer.json["Resources"]]


def found(at_acme, look_up):
    return names(at_acme.get("/Users", filter=look_up))


# --- §3.4.2 -----------------------------------------------------------------------------------


def test_parameters_that_are_not_known_are_ignored(at_acme, three):
    assert at_acme.get("/Users", foo="bar", page=7).json == at_acme.get("/Users").json


def test_a_list_is_a_list_response_with_what_it_must_have(at_acme, three):
    page = at_acme.get("/Users", count=2, startIndex=2).json

    assert page["schemas"] == [urns.LIST_RESPONSE]
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (3, 2, 2)
    assert [each["id"] for each in page["Resources"]] == [each["id"] for each in three[1:]]


def test_a_query_that_matches_nothing_is_a_success(at_acme, three):
    answer = at_acme.get("/Users", filter='userName eq "nobody"')

    assert (answer.status, answer.json["totalResults"]) == (200, 0)


# --- §3.4.2.1 ---------------------------------------------------------------------------------


def test_the_root_has_the_resources_of_all_types(at_acme, three):
    at_acme.post("/Groups", {"displayName": "Tour Guides"})

    kinds = [each["meta"]["resourceType"] for each in at_acme.get("").json["Resources"]]

    assert kinds == ["User", "User", "User", "Group"]


def test_an_attribute_that_a_type_does_not_have_has_no_value_there(at_acme, three):
    group = at_acme.post("/Groups", {"displayName": "Tour Guides"}).json

    without = at_acme.get("", filter="not (userName pr)").json
    either = at_acme.get("", filter='displayName eq "tour guides" or userName sw "anna"').json

    assert [each["id"] for each in without["Resources"]] == [group["id"]]
    assert [each["id"] for each in either["Resources"]] == [three[1]["id"], group["id"]]


# --- §3.4.2.2 ---------------------------------------------------------------------------------


@pytest.mark.parametrize("attribute", ["active", "x509Certificates.value"])
@pytest.mark.parametrize("operator", ["gt", "ge", "lt", "le"])
def test_booleans_and_binaries_have_no_order(operator, attribute, at_acme, three):
    value = "true" if attribute == "active" else '"Zmlyc3Q="'

    answer = at_acme.get("/Users", filter=f"{attribute} {operator} {value}")

    assert (answer.status, answer.json["scimType"]) == (400, "invalidFilter")


def test_square_brackets_hold_for_one_value(at_acme):
    emails = [{"type": "work", "value": "a@x.example"}, {"type": "home", "value": "b@y.example"}]
    at_acme.post("/Users", user("anna", emails=emails))

    assert found(at_acme, 'emails[type eq "work" and value co "x.example"]') == ["anna"]
    assert found(at_acme, 'emails[type eq "work" and value co "y.example"]') == []
    assert found(at_acme, 'emails.type eq "work" and emails.value co "y.example"') == ["anna"]


def test_square_brackets_hold_a_filter_of_sub_attributes(at_acme, three):
    for wrong in ('emails[userName eq "x"]', "emails[]", "emails[type]"):
        answer = at_acme.get("/Users", filter=wrong)

        assert (answer.status, answer.json["scimType"]) == (400, "invalidFilter")


def test_grouping_comes_first_then_not_then_and_then_or(at_acme, three):
    anna, bert, carl = (f'userName sw "{name}"' for name in ("anna", "bert", "carl"))

    assert found(at_acme, f"{carl} or {anna} and {bert}") == ["carl"]
    assert found(at_acme, f"({carl} or {anna}) and not ({carl})") == ["anna"]
    assert found(at_acme, f"not ({carl}) and {anna} or {bert}") == ["anna", "Bert"]


@pytest.mark.parametrize(
    ("operator", "who"),
    [
        ('title eq "GUIDE"', ["carl", "anna"]),
        ('title ne "guide"', ["Bert"]),
        ('title co "UID"', ["carl", "anna"]),
        ('title sw "gu"', ["carl", "anna"]),
        ('title ew "DE"', ["carl", "anna"]),
        ("title pr", ["carl", "anna"]),
        ('userName gt "bert@acme.example"', ["carl"]),
        ('userName ge "bert@acme.example"', ["carl", "Bert"]),
        ('userName lt "BERT@acme.example"', ["anna"]),
        ('userName le "BERT@acme.example"', ["anna", "Bert"]),
    ],
)
def test_only_what_matches_is_returned(operator, who, at_acme, three):
    assert found(at_acme, operator) == who


def test_a_sub_attribute_is_written_behind_a_dot(at_acme, bjensen, jsmith):
    assert found(at_acme, 'name.familyName eq "Jensen"') == ["bjensen"]
    assert found(at_acme, f'{urns.USER}:name.familyName eq "Jensen"') == ["bjensen"]
    assert at_acme.get("/Users", filter='familyName eq "Jensen"').status == 400


def test_a_defaulted_attribute_is_compared_by_what_the_client_was_told(at_acme):
    """`active` is true where a client does not say."""
    assert at_acme.post("/Users", user("anna")).json["active"] is True

    assert found(at_acme, "active eq true") == ["anna"]
    assert found(at_acme, "active pr") == ["anna"]


@pytest.mark.parametrize("wrong", ["userName like x", "userName", 'userName eq "x" xor title pr'])
def test_an_operation_that_is_not_known_is_an_invalid_filter(wrong, at_acme, three):
    answer = at_acme.get("/Users", filter=wrong)

    assert (answer.status, answer.json["scimType"]) == (400, "invalidFilter")
    assert answer.json["detail"]


def test_letter_case_counts_where_the_schema_says_so(at_acme, bjensen):
    assert found(at_acme, f'externalId eq "{BJENSEN["externalId"]}"') == ["bjensen"]
    assert found(at_acme, f'externalId eq "{BJENSEN["externalId"].upper()}"') == []
    assert found(at_acme, f'userName eq "{BJENSEN["userName"].upper()}"') == ["bjensen"]


# --- §3.4.2.3, §3.4.2.4 -----------------------------------------------------------------------


def test_results_are_sorted_ascending_unless_asked_otherwise(at_acme, three):
    assert names(at_acme.get("/Users", sortBy="userName")) == ["anna", "Bert", "carl"]
    descending = at_acme.get("/Users", sortBy="userName", sortOrder="descending")
    assert names(descending) == ["carl", "Bert", "anna"]


def test_the_letter_case_counts_when_sorting_where_the_schema_says_so(at_acme):
    for name in ("b", "A", "a", "B"):
        at_acme.post("/Users", user(f"x{name}{name.islower()}", externalId=name))

    page = at_acme.get("/Users", sortBy="externalId").json

    assert [each["externalId"] for each in page["Resources"]] == ["A", "B", "a", "b"]


@pytest.mark.parametrize("start", ["0", "-5"])
def test_a_start_below_1_counts_as_1(start, at_acme, three):
    assert at_acme.get("/Users", startIndex=start).json == at_acme.get("/Users").json


def test_no_more_than_count_are_returned_and_a_negative_one_is_0(at_acme, three):
    assert len(at_acme.get("/Users", count=2).json["Resources"]) == 2
    for none in ("0", "-3"):
        page = at_acme.get("/Users", count=none).json
        assert (page["totalResults"], page["Resources"]) == (3, [])


# --- §3.4.2.5, §3.4.3 -------------------------------------------------------------------------


def test_lists_take_attributes_and_excluded_attributes(at_acme, three):
    page = at_acme.get("/Users", attributes="userName").json
    rest = at_acme.get("/Users", excludedAttributes="id,userName,emails,meta").json

    assert [set(each) for each in page["Resources"]] == [{"schemas", "id", "userName"}] * 3
    assert all(each.keys() & {"id", "schemas"} for each in rest["Resources"])
    assert not any(each.keys() & {"userName", "emails", "meta"} for each in rest["Resources"])


@pytest.mark.parametrize("path", ["/Users", ""])
def test_a_search_by_post_is_the_query_by_get(path, at_acme, three):
    search = {
        "schemas": [urns.SEARCH_REQUEST],
        "filter": "title pr",
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": 1,
        "count": 1,
        "attributes": ["userName"],
    }

    answer = at_acme.post(f"{path}/.search", search)

    query = {**search, "attributes": "userName"}
    del query["schemas"]
    assert names(answer) == ["carl"]
    assert answer.json == at_acme.get(path, **query).json


def test_a_search_excludes_attributes_but_never_the_minimum(at_acme, three):
    search = {"schemas": [urns.SEARCH_REQUEST], "excludedAttributes": ["id", "name", "emails"]}

    page = at_acme.post("/Users/.search", search).json

    assert all("id" in each and "emails" not in each for each in page["Resources"])


@pytest.mark.parametrize(
    "wrong", [{"schemas": [urns.PATCH_OP]}, {"schemas": "x"}, {"filter": "userName"}, []]
)
def test_a_search_that_is_none_is_refused(wrong, at_acme, three):
    assert at_acme.post("/Users/.search", wrong).status == 400
