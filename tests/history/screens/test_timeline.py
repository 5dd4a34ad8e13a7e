"""The history on the page of a user."""

import re

import pytest

from scim.models import AttributeChange
from tenants.current import in_tenant
from tenants.rewriting import rewriting
from tests.support.at_screens import JSMITH
from tests.support.pages import moments_of

LIST = "/admin/scim/user/"
DISABLE = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "path": "active", "value": "False"}],
}


def test_a_users_page_shows_each_change_with_before_and_after_newest_first(
    own_host, bjensen, change, minted
):
    change(bjensen, DISABLE)

    page = own_host.get(f"{LIST}{bjensen.id}/change/")

    newest, oldest = moments_of(page)
    assert newest[1:] == [
        f"Changed by {minted.token} · Request 6f1c40a4-0001 · As it was then",
        "active true false",
    ]
    assert oldest[1].startswith(f"Created by {minted.token}")
    assert "department: Tour Operations" in oldest


@pytest.mark.owner  # history is changed
def test_a_creation_that_has_a_row_for_each_attribute_is_shown_the_same(own_host, acme, bjensen):
    """So creations were stored until version 0.1.0 (decision 0051)."""
    path = f"{LIST}{bjensen.id}/change/"
    shown = moments_of(own_host.get(path))
    with in_tenant(acme), rewriting("scim_attributechange", "scim_provisioningevent"):
        created = AttributeChange.objects.get(resource_id=bjensen.id)
        rows = created.each
        for row in rows:
            row.pk, row._state.adding = None, True
        created.delete()
        for row in rows:
            row.save(force_insert=True)

    assert len(rows) > 5
    assert moments_of(own_host.get(path)) == shown


def test_older_changes_are_a_page_further(own_host, bjensen, change):
    for number in range(102):
        change(bjensen, _retitle(f"Guide {number}"))

    first = own_host.get(f"{LIST}{bjensen.id}/change/").text
    older = re.findall(r"\?before=\d+", first)[0]
    second = own_host.get(f"{LIST}{bjensen.id}/change/{older}").text

    assert ("Guide 101" in told(first), "Guide 0" in told(first)) == (True, False)
    assert ("Guide 101" in told(second), "Guide 0" in told(second)) == (False, True)


@pytest.mark.parametrize(
    "before", ["x", "-1", "9" * 40, "٣", ""]
)  # the last but one is an Arabic digit
def test_a_mistyped_page_of_changes_is_no_error(before, own_host, bjensen):
    page = own_host.get(f"{LIST}{bjensen.id}/change/", {"before": before})

    assert page.status_code == 200


def test_values_from_entra_are_shown_and_never_run(own_host, acme, provision):
    script = "<script>alert(1)</script>"
    stored = provision(acme, JSMITH | {"displayName": script})

    page = own_host.get(f"{LIST}{stored.id}/change/").text

    history = page[page.index("<h2>History") :]
    assert script not in page
    assert "&lt;script&gt;alert(1)" in history[: history.index("</section>")]


def told(page):
    """The values that titles became."""
    return [re.sub(r"<[^>]+>", "", value) for value in re.findall(r"<ins>(.*?)</ins>", page)]


def _retitle(title):
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "title", "value": title}],
    }
