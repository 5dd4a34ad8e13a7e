"""GET /Users: users are looked up and listed (RFC 7644 §3.4.2)."""

import pytest

from scim.protocol.urns import PATCH_OP, SEARCH_REQUEST
from tests.support.payloads import CORE, ENTERPRISE, error, listed, user

GUID = "4b7ac1e1-8d0c-4ee4-a5c6-b6bb3a0a5c55"


@pytest.fixture
def five(at_acme, clock):
    """Five users in the order of their creation, which is not that of their names."""
    created = []
    for name, title in [
        ("ella", "Guide"),
        ("dora", "guide"),
        ("carl", "Manager"),
        ("bert", None),
        ("anna", "Analyst"),
    ]:
        created.append(at_acme.post("/Users", user(name, title=title)).json)
        clock.shift(1)
    return created


def names(answer):
    return [each["userName"].partition("@")[0] for each in answer.json["Resources"]]


# --- look-ups, as Entra sends them ------------------------------------------------------------


@pytest.mark.quirk("E11")
@pytest.mark.parametrize("attribute", ["userName", "externalId", 'emails[type eq "work"].value'])
def test_test_connection_looks_for_somebody_who_does_not_exist(attribute, at_acme, bjensen):
    answer = at_acme.get("/Users", filter=f'{attribute} eq "{GUID}"')

    assert (answer.status, answer.json) == (200, listed())


@pytest.mark.quirk("E23")
@pytest.mark.parametrize(
    "look_up",
    [
        'userName eq "bjensen@acme.example"',
        'userName eq "BJensen@ACME.example"',
        'USERNAME EQ "bjensen@acme.example"',
        'externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef"',
        'emails[type eq "work"].value eq "barbara.jensen@acme.example"',
        'emails[type eq "work" and value eq "Barbara.Jensen@acme.example"]',
        'emails eq "barbara.jensen@acme.example"',
        f'{CORE}:userName eq "bjensen@acme.example"',
        'name.familyName co "ENS" and (active eq true or title pr)',
        'not (userName sw "jsmith") and meta.created ge "2026-11-25T10:00:00Z"',
        'name[familyName eq "Jensen" and givenName pr]',
        'meta[lastModified lt "2026-11-25T10:00:01Z" and resourceType eq "User"]',
        'meta pr and not (name[familyName ne "Jensen"])',
    ],
)
def test_a_look_up_finds_the_one(look_up, at_acme, bjensen, jsmith):
    assert at_acme.get("/Users", filter=look_up).json == listed(bjensen)


@pytest.mark.quirk("E37")
@pytest.mark.parametrize(
    "look_up",
    [
        "userName eq bjensen@acme.example",
        "userName Eq BJENSEN@acme.example",
        "userName eq 'bjensen@acme.example'",
        "externalId eq 0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "emails[type eq work].value eq barbara.jensen@acme.example",
        "emails[type eq work and value sw barbara]",
        "emails.value co barbara",
        "(userName eq bjensen@acme.example) and active eq true",
        "active eq TRUE and not (userName eq jsmith@acme.example)",
        "meta.created eq 2026-11-25T10:00:00Z",
        "meta[resourceType eq User and created le 2026-11-25T10:00:00Z]",
        "name.familyName eq jensen or title eq 5",
        "employeeNumber eq 701984 or userName sw bjensen",
        "id eq {id}",
    ],
)
def test_a_value_without_quotes_finds_the_one(look_up, at_acme, at_globex, bjensen, jsmith):
    """authentik asks so after a 409 and links the user by the answer (authentik issue 16677)."""
    look_up = look_up.replace("{id}", bjensen["id"])

    assert at_acme.get("/Users", filter=look_up).json == listed(bjensen)
    assert at_acme.post("/Users/.search", {"filter": look_up}).json == listed(bjensen)
    assert at_globex.get("/Users", filter=look_up).json == listed()


@pytest.mark.quirk("E37")
def test_members_are_found_and_removed_without_quotes(at_acme, bjensen, jsmith):
    members = [{"value": each["id"]} for each in (bjensen, jsmith)]
    group = at_acme.post("/Groups", {"displayName": "12", "members": members}).json
    path = f"/Groups/{group['id']}"
    removal = {"op": "remove", "path": f"members[value eq {bjensen['id']}]"}

    for look_up in (
        f"members[value eq {bjensen['id']}]",
        f"members.value eq {jsmith['id']}",
        "displayName eq 12",
    ):
        assert at_acme.get("/Groups", filter=look_up).json["totalResults"] == 1
    at_acme.patch(path, {"Operations": [removal]})
    left = at_acme.get("/Groups", filter=f"members eq {bjensen['id']}").json

    assert left["totalResults"] == 0
    assert [each["value"] for each in at_acme.get(path).json["members"]] == [jsmith["id"]]


@pytest.mark.quirk("E37")
def test_a_path_may_have_its_values_without_quotes(at_acme, bjensen):
    path = f"/Users/{bjensen['id']}"
    changes = [
        {"op": "replace", "path": "emails[type eq work].value", "value": "babs@acme.example"},
        {"op": "add", "path": "addresses[type eq work and primary eq true].country", "value": "ML"},
    ]

    changed = at_acme.patch(path, {"Operations": changes}).json

    assert changed["emails"] == [{"value": "babs@acme.example", "type": "work", "primary": True}]
    assert changed["addresses"] == [{"country": "ML", "type": "work", "primary": True}]


@pytest.mark.quirk("E22")
@pytest.mark.quirk("E12")
def test_the_manager_is_checked_by_id_and_bare_name(at_acme, bjensen, jsmith):
    at_acme.patch(
        f"/Users/{jsmith['id']}",
        {"Operations": [{"op": "Add", "path": f"{ENTERPRISE}:manager", "value": bjensen["id"]}]},
    )

    answer = at_acme.get(
        "/Users",
        filter=f'id eq "{jsmith["id"]}" and manager eq "{bjensen["id"]}"',
        attributes="id",
    )

    assert answer.json == listed({"schemas": [CORE, ENTERPRISE], "id": jsmith["id"]})


@pytest.mark.quirk("E24")
@pytest.mark.parametrize(
    "raw",
    [
        "filter=userName+eq+%22bjensen@acme.example%22",
        "filter=userName%20eq%20%22bjensen%40acme.example%22",
        "filter=userName%20eq%20%22BJENSEN%40acme.example%22&",
        "FOO=bar&filter=userName+eq+%22bjensen@acme.example%22&x=%00",
    ],
)
def test_the_query_string_is_decoded_like_a_form(raw, at_acme, bjensen, jsmith):
    assert at_acme.send("GET", f"/Users?{raw}").json == listed(bjensen)


@pytest.mark.parametrize(
    "name", ["o'malley", "50%", "a_b", 'quo"te', "back\\slash", "zo\u00eb", "\U0001f600"]
)
def test_special_characters_are_compared_and_never_interpreted(name, at_acme, bjensen):
    created = at_acme.post("/Users", user(name)).json
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')

    for operator in ("eq", "co", "sw", "ew"):
        text = f"{quoted}@acme.example" if operator != "co" else quoted
        found = at_acme.get("/Users", filter=f'userName {operator} "{text}"')
        assert found.json == listed(created)


def test_a_filter_never_finds_anybody_of_another_tenant(at_acme, at_globex, bjensen):
    for look_up in ("userName pr", f'id eq "{bjensen["id"]}"', 'not (userName eq "x")'):
        assert at_globex.get("/Users", filter=look_up).json == listed()


@pytest.mark.parametrize("blank", ["", "   "])
def test_an_empty_filter_is_no_filter(blank, at_acme, bjensen, jsmith):
    assert at_acme.get("/Users", filter=blank).json == listed(bjensen, jsmith)


@pytest.mark.parametrize(
    "wrong",
    [
        "userName",
        "userName eq",
        "userName eq Barbara Jensen",
        'userName eq "bjensen',
        'userName like "b%"',
        '(userName eq "x"',
        'shoeSize eq "7"',
        'password eq "t1meMa$heen"',
        "active gt true",
        'meta.created gt "yesterday"',
        "'; DROP TABLE scim_resource; --",
    ],
)
def test_a_filter_that_cannot_be_understood_is_refused(wrong, at_acme, bjensen):
    answer = at_acme.get("/Users", filter=wrong)

    assert answer.status == 400
    assert answer.json == error(400, answer.json["detail"], "invalidFilter")


# --- pages (§3.4.2.4) -------------------------------------------------------------------------


def test_a_list_is_in_the_order_of_creation(at_acme, five):
    assert at_acme.get("/Users").json == listed(*five)


def test_an_empty_tenant_has_an_empty_list(at_acme):
    assert at_acme.get("/Users").json == listed()


@pytest.mark.parametrize(
    ("start", "count", "shown"),
    [
        (1, 2, slice(0, 2)),
        (3, 2, slice(2, 4)),
        (5, 2, slice(4, 5)),
        (6, 2, slice(0, 0)),
        (2, 0, slice(0, 0)),
        (2**40, 2, slice(0, 0)),
        (1, 10**30, slice(0, 5)),
        (1, -3, slice(0, 0)),
    ],
)
def test_a_page_tells_where_it_starts_and_how_many_there_are(start, count, shown, at_acme, five):
    answer = at_acme.get("/Users", startIndex=start, count=count)

    start = min(start, 2**31 - 1)
    assert answer.json == listed(*five[shown], total=5, start=start)


@pytest.mark.parametrize("start", [0, -1, -(10**30)])
def test_a_start_before_the_first_is_the_first(start, at_acme, five):
    """RFC 7644 §3.4.2.4: a value less than 1 SHALL be interpreted as 1."""
    answer = at_acme.get("/Users", startIndex=start, count=1)

    assert answer.json == listed(five[0], total=5, start=1)


def test_pages_have_no_gaps_and_no_repetitions(at_acme, five):
    pages = [
        at_acme.get("/Users", filter='userName co "a"', startIndex=start, count=1)
        for start in (1, 2, 3, 4, 5)
    ]

    assert [name for page in pages for name in names(page)] == [
        "ella",
        "dora",
        "carl",
        "bert",
        "anna",
    ]


def test_a_page_has_at_most_200_and_by_default_100(at_acme):
    for number in range(201):
        assert at_acme.post("/Users", user(f"u{number}")).status == 201

    sizes = {
        count: at_acme.get("/Users", attributes="id", **count_of(count)).json["itemsPerPage"]
        for count in (None, 150, 1000)
    }

    assert sizes == {None: 100, 150: 150, 1000: 200}


def count_of(count):
    return {} if count is None else {"count": count}


@pytest.mark.parametrize("name", ["startIndex", "count"])
@pytest.mark.parametrize("text", ["one", "1.5", "1e3", "0x1", "+-1", "\u0661", "1\x00"])
def test_a_parameter_that_is_no_integer_is_refused(name, text, at_acme):
    answer = at_acme.get("/Users", **{name: text})

    assert answer.json == error(400, f"{name} must be an integer.", "invalidValue")


def test_empty_parameters_count_as_absent(at_acme, five):
    empty = dict.fromkeys(
        ("filter", "sortBy", "sortOrder", "startIndex", "count", "attributes"), ""
    )

    assert at_acme.get("/Users", **empty).json == listed(*five)


# --- order (§3.4.2.3) -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sort_by", "order", "expected"),
    [
        ("userName", "", "anna bert carl dora ella"),
        ("USERNAME", "ascending", "anna bert carl dora ella"),
        ("userName", "DESCENDING", "ella dora carl bert anna"),
        (f"{CORE}:userName", "descending", "ella dora carl bert anna"),
        ("emails", "", "anna bert carl dora ella"),
        ("emails.value", "descending", "ella dora carl bert anna"),
        ("meta.created", "descending", "anna bert carl dora ella"),
        ("title", "ascending", "anna ella dora carl bert"),
        ("title", "descending", "bert carl ella dora anna"),
        (f"{ENTERPRISE}:department", "", "ella dora carl bert anna"),
        ("", "descending", "ella dora carl bert anna"),
    ],
)
def test_users_are_sorted(sort_by, order, expected, at_acme, five):
    """Letter case does not count; who has no value comes last, descending first; ties by id."""
    answer = at_acme.get("/Users", sortBy=sort_by, sortOrder=order)

    assert " ".join(names(answer)) == expected


@pytest.mark.parametrize(
    ("parameters", "detail", "kind"),
    [
        (
            {"sortBy": "userName", "sortOrder": "upwards"},
            "sortOrder is either ascending or descending.",
            "invalidValue",
        ),
        (
            {"sortBy": "shoeSize"},
            "sortBy names no attribute of User: shoeSize.",
            "invalidValue",
        ),
        (
            {"sortBy": "x" * 3_000},
            f"sortBy names no attribute of User: {'x' * 120}….",
            "invalidValue",
        ),
        (
            {"sortBy": "password"},
            "sortBy names no attribute of User: password.",
            "invalidValue",
        ),
        (
            {"sortBy": "name"},
            "sortBy needs a sub-attribute of name, such as name.formatted.",
            "invalidValue",
        ),
        (
            {"sortBy": "meta"},
            "sortBy needs a sub-attribute of meta, such as meta.resourceType.",
            "invalidValue",
        ),
    ],
)
def test_an_order_that_does_not_exist_is_refused(parameters, detail, kind, at_acme):
    answer = at_acme.get("/Users", **parameters)

    assert answer.json == error(400, detail, kind)


# --- projection (§3.9) ------------------------------------------------------------------------


def test_each_resource_shows_the_attributes_that_are_asked_for(at_acme, bjensen, jsmith):
    answer = at_acme.get("/Users", attributes="displayName", count=2)

    assert answer.json == listed(
        {"schemas": [CORE], "id": bjensen["id"]},
        {"schemas": [CORE, ENTERPRISE], "id": jsmith["id"], "displayName": "John Smith"},
    )


def test_excluded_attributes_can_still_be_filtered_and_sorted_by(at_acme, five):
    answer = at_acme.get(
        "/Users",
        filter='title eq "guide"',
        sortBy="userName",
        excludedAttributes="title,emails,meta,active,externalId",
    )

    assert answer.json == listed(
        {"schemas": [CORE], "id": five[1]["id"], "userName": "dora@acme.example"},
        {"schemas": [CORE], "id": five[0]["id"], "userName": "ella@acme.example"},
    )


# --- POST /.search (§3.4.3) -------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/Users/.search", "/.search", "/v2/Users/.search", "/.SEARCH/"])
def test_a_search_keeps_what_is_looked_for_out_of_the_url(path, at_acme, five):
    message = {
        "schemas": [SEARCH_REQUEST],
        "attributes": ["userName"],
        "filter": 'userName co "a"',
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": 2,
        "count": 2,
    }

    answer = at_acme.post(path, message)

    assert (answer.status, answer.json) == (
        200,
        listed(
            {"schemas": [CORE], "id": five[1]["id"], "userName": "dora@acme.example"},
            {"schemas": [CORE], "id": five[2]["id"], "userName": "carl@acme.example"},
            total=5,
            start=2,
        ),
    )


def test_a_search_for_nothing_in_particular_lists_all(at_acme, at_globex, five):
    assert at_acme.post("/.search", {}).json == at_acme.get("/Users").json
    assert at_globex.post("/.search", {}).json == listed()


@pytest.mark.parametrize(
    ("body", "detail", "kind"),
    [
        ([], "The body must be a JSON object, a SearchRequest message.", "invalidSyntax"),
        ({"schemas": [PATCH_OP]}, f"schemas must name {SEARCH_REQUEST}.", "invalidSyntax"),
        ({"filter": 7}, "filter must be a string.", "invalidSyntax"),
        ({"sortBy": ["userName"]}, "sortBy must be a string.", "invalidSyntax"),
        ({"count": True}, "count must be a number.", "invalidSyntax"),
        ({"startIndex": 1.5}, "startIndex must be an integer.", "invalidValue"),
        ({"attributes": 7}, "attributes must be a list of attribute names.", "invalidSyntax"),
    ],
)
def test_a_search_that_cannot_be_understood_is_refused(body, detail, kind, at_acme):
    for path in ("/.search", "/Users/.search"):
        assert at_acme.post(path, body).json == error(400, detail, kind)
