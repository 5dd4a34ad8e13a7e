"""Pages read as a person reads them, and the forms on them."""

import csv
import html
import io
import json
import re


def table_of(page, caption):
    """The text of the cells of each row of the table under a heading."""
    section = page.text[page.text.index(f"<h2>{caption}") :]
    section = section[: section.index("</section>")]
    rows = re.findall(r"<tr>(.*?)</tr>", section, re.DOTALL)
    facts = re.findall(r'<div class="fact">(.*?)</div>', section, re.DOTALL)
    return [
        [
            html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", cell))).strip()
            for _, cell in re.findall(r"<(t[dh]|d[td])\b[^>]*>(.*?)</\1>", row, re.DOTALL)
        ]
        for row in (*facts, *(each for each in rows if "<td" in each))
        if '<th scope="col"' not in row
    ]


def json_in(text, name):
    """The JSON that a page shows under that name, as a copy of it is."""
    shown = re.findall(rf'<div class="json" id="{name}"[^>]*>(.*?)</div>', text, re.DOTALL)[0]
    return json.loads(html.unescape(re.sub(r"<[^>]+>", "", shown)))


def moments_of(page):
    """Time, what happened and what it did, of each moment of the history."""
    section = page.text[page.text.index("<h2>History") :]
    section = re.sub(
        r"<thead>.*?</thead>", "", section[: section.index("</section>")], flags=re.DOTALL
    )
    return [
        [
            html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", _between(kind), text))).strip()
            for kind, text in re.findall(r"<(time|p|tr|li)\b[^>]*>(.*?)</\1>", item, re.DOTALL)
        ]
        for item in section.split("<li data-state=")[1:]
    ]


def _between(kind):
    """A space between the cells of a row, nothing within a line."""
    return " " if kind == "tr" else ""


def rows_of(page):
    """The text of the cells of each row of a list."""
    if 'id="result_list"' not in page.text:
        return []
    body = page.text[page.text.index('id="result_list"') :]
    return [
        [
            html.unescape(re.sub(r"<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", body[body.index("<tbody>") :], re.DOTALL)
    ]


def facts_of(page, caption):
    """Label and value of the facts under a heading."""
    return {row[0]: row[1].removesuffix("Copy").strip() for row in table_of(page, caption)}


def nonce_in(page):
    """The one-time mark of the form on a page."""
    return re.findall(r'name="nonce" value="([^"]+)"', page.text)[0]


def view_as_admin(browser, tenant, reason="Ticket 4711"):
    """Let staff at their browser view a tenant as its admins do."""
    path = f"/admin/tenants/tenant/{tenant.pk}/view-as-admin/"
    return browser.post(path, {"nonce": nonce_in(browser.get(path)), "reason": reason})


def exported(browser, path):
    """The answer to the export of a list, and its lines as dictionaries."""
    path, _, query = path.partition("?")
    asked = f"{path}export/?{query}"
    answer = browser.post(asked, {"nonce": nonce_in(browser.get(asked))})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return answer, list(csv.DictReader(io.StringIO(text)))
