"""The pages about the API: the ten requests do what they say, and the reference is the API's own."""

import html
import re
import shlex

from scim.reference.requests import EXAMPLES
from tests.support import documents
from tests.support.openapi import pages

PAGE = "/admin/api/"
REFERENCE = "/admin/api/reference/"


def filled(value, ids):
    """The value with the ids of earlier answers in it."""
    if isinstance(value, dict):
        return {name: filled(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, ids) for each in value]
    for name, key in ids.items():
        value = value.replace(f"{{{name}}}", key) if isinstance(value, str) else value
    return value


def test_the_ten_requests_are_answered_as_the_page_says(acme, scim):
    client, ids, told = scim(acme), {}, []
    for each in EXAMPLES:
        path, body = filled(each.path, ids), filled(each.body, ids)
        answer = client.send(each.method, path, body)
        told.append((each.title, answer.status))
        if each.creates:
            ids[each.creates] = answer.json["id"]
        if each.method == "GET" and "filter" in path:
            assert answer.json["totalResults"] == 0

    assert told == [(each.title, each.status) for each in EXAMPLES]
    assert len(EXAMPLES) == 10


def test_the_page_has_them_as_commands_for_the_tenants_own_url(own_host, acme):
    page = own_host.get(PAGE).text

    blocks = [html.unescape(each) for each in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)]
    commands = [block.partition("\n")[2] for block in blocks]
    assert len(commands) == 10
    for each, command in zip(EXAMPLES, commands, strict=True):
        words = shlex.split(command.replace("\\\n", " "))
        assert words[:5] == ["curl", "-sS", "-X", each.method, acme.tenant_url + each.path]
        assert "Authorization: Bearer $TOKEN" in words
    assert "mypscim_" not in page


def test_staff_see_the_pages_with_the_url_of_the_tenant_that_they_visit(alice, acme, globex):
    page = alice.get(f"/t/acme{PAGE}").text

    assert acme.tenant_url in page
    assert globex.tenant_url not in page
    assert f'href="/t/acme{REFERENCE}"' in page


def test_nobody_sees_them_without_signing_in(client_for, acme):
    for path in (PAGE, REFERENCE):
        assert client_for(acme).get(path).status_code == 302


def test_the_reference_has_every_operation_of_the_document(own_host):
    page = html.unescape(own_host.get(REFERENCE).text)
    described = documents.described()["paths"]

    titles = re.findall(r"<h2>([A-Z]+ /[^<]+)</h2>", page)
    assert titles == [
        f"{method.upper()} {path}"
        for path, item in described.items()
        for method in pages.METHODS
        if method in item
    ]
    assert '<td data-label="Attribute">userName</td>' in page
    assert '<td data-label="Attribute">name.familyName</td>' in page


def test_the_page_is_that_of_the_document_and_the_portal_shows_it_whole(own_host):
    text = documents.API.read_text()
    content = re.search(r"<main>\n(.*)</main>", text, re.DOTALL)[1]

    assert text == pages.page(documents.described())
    assert content in own_host.get(REFERENCE).text


def test_answers_of_every_operation_with_a_scope_are_told_once_and_all_others_where_they_belong():
    text = html.unescape(documents.API.read_text())
    told = {
        (title, status)
        for title, rows in re.findall(
            r'<table aria-label="Answers of ([^"]+)">(.*?)</table>', text, re.DOTALL
        )
        for status in re.findall(r'<td data-label="Status">(\d+)</td>', rows)
    }
    everywhere = {status for title, status in told if title.startswith("every operation")}
    described = documents.described()["paths"]

    assert everywhere == {"401", "403", "429", "500", "503"}
    for path, item in described.items():
        for method in set(item) & set(pages.METHODS):
            name = f"{method.upper()} {path}"
            own = {status for title, status in told if title == name}
            has_scope = (
                "Scope: scim" in text.partition(f"<h2>{name}</h2>")[2].partition("<table")[0]
            )
            assert own | (everywhere if has_scope else set()) == set(item[method]["responses"])


def test_the_page_needs_no_script_and_nothing_from_elsewhere():
    text = documents.API.read_text()

    assert "<script" not in text
    assert " style=" not in text
    assert re.findall(r'(?:src|href)="([^"]+)"', text) == [
        "../../templates/static/screens/theme.css",
        "../../templates/static/screens/screens.css",
    ]
