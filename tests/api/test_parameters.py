"""The query string: names in any letter case, a parameter more than once, pluses (RFC 7644 §3.4.2)."""

import pytest

from scim.api.queries import read_parameters
from tests.support.payloads import BJENSEN, CORE, error, listed, user

LOOK_UP = 'userName eq "bjensen@acme.example"'


@pytest.fixture
def two(at_acme, bjensen, jsmith):
    return [bjensen, jsmith]


@pytest.mark.quirk("E34")
@pytest.mark.parametrize("path", ["/Users", ""])
@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"Filter": LOOK_UP}, [0]),
        ({"FILTER": LOOK_UP}, [0]),
        ({"startindex": "2"}, [1]),
        ({"STARTINDEX": "2", "Count": "1"}, [1]),
        ({"sortby": "userName", "SortOrder": "descending"}, [1, 0]),
    ],
)
def test_a_parameter_is_known_in_any_letter_case(path, query, shown, at_acme, at_globex, two):
    start = 2 if any(name.lower() == "startindex" for name in query) else 1
    total = 1 if any(name.lower() == "filter" for name in query) else 2

    found = at_acme.get(path, **query)

    assert found.json == listed(*(two[i] for i in shown), total=total, start=start)
    assert at_globex.get(path, **query).json == listed(start=start)


@pytest.mark.quirk("E34")
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
def test_excluded_attributes_are_known_in_any_letter_case(method, at_acme, bjensen):
    body = {"GET": None, "PUT": BJENSEN, "PATCH": {"Operations": [{"op": "add", "value": {}}]}}
    path = f"/Users/{bjensen['id']}?EXCLUDEDATTRIBUTES=name,emails"

    answer = at_acme.send(method, path, body[method])

    assert answer.json == {k: v for k, v in bjensen.items() if k not in ("name", "emails")}


@pytest.mark.quirk("E34")
def test_a_cursor_is_known_in_any_letter_case(at_acme, two):
    first = at_acme.get("/Users", Cursor="", COUNT=1).json
    second = at_acme.get("/Users", CURSOR=first["nextCursor"], Count=1).json

    assert first["Resources"] + second["Resources"] == two


@pytest.mark.quirk("E34")
@pytest.mark.parametrize("path", ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"])
def test_discovery_refuses_a_filter_in_any_letter_case(path, at_acme):
    assert at_acme.get(path, FILTER='id eq "x"').status == 403


@pytest.mark.parametrize(
    ("query", "detail", "kind"),
    [
        ('filter=userName+eq+"x"&Filter=userName+eq+"y"', "filter", "invalidFilter"),
        ('filter=userName+eq+"x"&filter=userName+eq+"y"', "filter", "invalidFilter"),
        ("count=1&COUNT=2", "count", "invalidValue"),
        ("count=1&count=2", "count", "invalidValue"),
        ("startIndex=1&startindex=2", "startIndex", "invalidValue"),
        ("sortBy=userName&sortby=title", "sortBy", "invalidValue"),
        ("sortOrder=ascending&sortOrder=descending", "sortOrder", "invalidValue"),
        ("cursor=a&Cursor=b", "cursor", "invalidValue"),
    ],
)
def test_a_parameter_that_says_two_things_is_refused(query, detail, kind, at_acme):
    answer = at_acme.get(f"/Users?{query}")

    detail = f"{detail} is given more than once, with different values; send one."
    assert answer.json == error(400, detail, kind)


@pytest.mark.parametrize(
    "query", ["count=1&Count=1", "count=1&count=", "COUNT=&count=1", "x=1&x=2&count=1"]
)
def test_a_parameter_that_says_one_thing_twice_is_read(query, at_acme, two):
    assert at_acme.get(f"/Users?{query}").json == listed(two[0], total=2)


@pytest.mark.parametrize(
    "query",
    [
        "attributes=userName&attributes=emails.value",
        "attributes=userName&Attributes=emails.value",
        "attributes=userName,&attributes=&attributes=+emails.value",
    ],
)
def test_attributes_that_are_named_in_several_parameters_all_count(query, at_acme, bjensen):
    shown = {
        "schemas": [CORE],
        "id": bjensen["id"],
        "userName": bjensen["userName"],
        "emails": [{"value": bjensen["emails"][0]["value"]}],
    }

    assert at_acme.get(f"/Users?{query}").json == listed(shown)
    assert at_acme.get(f"/Users/{bjensen['id']}?{query}").json == shown


# --- pluses -----------------------------------------------------------------------------------


@pytest.fixture
def plus(at_acme, bjensen):
    """A user whose userName and e-mail have a plus."""
    return at_acme.post("/Users", user("ann+scim")).json


@pytest.mark.quirk("E35")
@pytest.mark.parametrize(
    "query",
    [
        'filter=userName%20eq%20"ann+scim@acme.example"',
        "Filter=userName%20eq%20%22ann+scim%40acme.example%22&count=5",
        'filter=emails[type%20eq%20"work"].value%20eq%20"ann+scim@acme.example"',
        'filter=userName%20eq%20"ann%2Bscim@acme.example"',
        'filter=userName+eq+"ann%2Bscim@acme.example"',
    ],
)
def test_a_plus_is_a_plus_where_blanks_are_written_as_percent_20(query, at_acme, plus):
    assert at_acme.get(f"/Users?{query}").json == listed(plus)


@pytest.mark.quirk("E24")
@pytest.mark.quirk("E35")
@pytest.mark.parametrize(
    "query",
    [
        'filter=displayName+eq+"Ann+Lee"',
        'filter=displayName+eq+"Ann%20Lee"',
        'filter=displayName%20eq+"Ann%20Lee"',
        'filter=displayName%20eq%20"Ann%20Lee"',
    ],
)
def test_a_plus_is_a_blank_where_the_filter_is_none_without(query, at_acme, bjensen):
    lee = at_acme.post("/Users", user("lee", displayName="Ann Lee")).json

    assert at_acme.get(f"/Users?{query}").json == listed(lee)


def test_a_filter_that_is_none_in_either_reading_is_refused(at_acme):
    answer = at_acme.get('/Users?filter=userName%20eq+"x%20')

    assert (answer.status, answer.json["scimType"]) == (400, "invalidFilter")


def test_the_log_has_the_names_of_the_rfc(at_acme, acme, events, bjensen):
    at_acme.get("/Users", FILTER=LOOK_UP, STARTindex="1")

    assert events(acme)[-1].sent == {"filter": LOOK_UP, "startIndex": "1"}


@pytest.mark.parametrize(
    "raw", ["a=1&b=&c", "a=%C3%A9+x%2By&b=%FF", "&&a==b&", "é=ü&a=1", "a=1&" * 60 + "a=1", "a;b=1"]
)
def test_names_and_values_are_those_that_django_reads(raw, rf):
    request = rf.get("/scim/Users", QUERY_STRING=raw)

    found = read_parameters(request)

    assert found == {name: request.GET[name] for name in request.GET}
