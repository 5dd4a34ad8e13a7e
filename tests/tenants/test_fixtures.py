"""The fixtures that other tests stand on: who is signed in where, and what is counted."""

from collections import Counter


def test_the_browsers_are_signed_in_on_their_own_hosts_only(
    acme, globex, admin_client, staff_client, client_for
):
    assert admin_client(acme).get("/admin/").status_code == 200
    assert staff_client.get("/admin/").status_code == 200
    assert client_for(acme).get("/admin/").status_code == 302
    assert admin_client(acme).get("/admin/", headers={"Host": globex.host}).status_code == 302


def test_a_scim_client_has_a_token_of_its_tenant(acme, globex, scim):
    client = scim(acme)

    answer = client.get("/Users", filter='userName eq "nobody@acme.example"')
    stranger = client.get("/Users", headers={"Host": globex.host})

    assert (answer.status, answer.json["totalResults"]) == (200, 0)
    assert stranger.status == 401


def test_each_test_that_runs_has_an_id_of_its_own(request):
    """Of two with one id pytest-xdist runs one."""
    ids = Counter(item.nodeid for item in request.session.items)

    assert [each for each in ids.most_common(3) if each[1] > 1] == []
