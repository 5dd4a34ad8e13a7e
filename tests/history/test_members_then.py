"""The members of a group by its history: those that it had, at each moment of it."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim.history import timeline
from scim.models import User
from scim.protocol.definitions import GROUP, USER
from scim.provider import resources
from scim.provider.requester import Origin, Requester
from scim.provider.resources import Existing
from scim.repository import belonging
from scim.repository.base import Loading
from tenants.current import in_tenant
from tests.support.payloads import JSMITH, patch

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FIRST = UUID(int=0)
# Steps, a minute apart: an edit of the members (who, how), or a user's deletion.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["Add", "Remove", "Replace", "delete"]),
        st.sets(st.integers(0, 4), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=8,
)


def _requester(tenant):
    return Requester(tenant.tenant_url, "6f1c40a4", Origin("PATCH", "/scim/Groups"))


@pytest.fixture
def group_of(acme):
    """Make a group and five users, and return their ids."""

    def make():
        group = resources.create(GROUP, {"displayName": "Guides"}, _requester(acme))
        people = [
            resources.create(USER, JSMITH | {"userName": f"user{number}"}, _requester(acme)).id
            for number in range(5)
        ]
        return group.id, people

    return make


def _step(tenant, group, people, step):
    what, numbers = step
    loading = Loading(tenant.tenant_url)
    present = {m.id for m in belonging.members_of(group, FIRST, 100)}
    if what == "delete":
        for each in present & {people[number] for number in numbers}:
            resources.delete(Existing(USER, str(each), loading), _requester(tenant))
        return
    alive = [people[number] for number in numbers if _is_there(tenant, people[number])]
    operation = {"op": what, "path": "members", "value": [{"value": str(each)} for each in alive]}
    if alive:
        existing = Existing(GROUP, str(group), loading)
        resources.modify(existing, patch(operation), _requester(tenant))


def _is_there(tenant, identifier):
    return User.objects.filter(pk=identifier, deleted_at=None).exists()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_the_members_of_each_moment_are_those_that_history_tells(acme, group_of, steps):
    with (
        time_machine.travel(NOON, tick=False) as clock,
        transaction.atomic(),
        in_tenant(acme),
    ):
        group, people = group_of()
        were = []
        for number, step in enumerate(steps):
            clock.move_to(NOON + timedelta(minutes=number))
            _step(acme, group, people, step)
            were.append(sorted(m.id for m in belonging.members_of(group, FIRST, 100)))

        for number, members in enumerate(were):
            total, told = timeline.members_at(
                group, NOON + timedelta(minutes=number, seconds=30), 100
            )
            assert (total, [member.id for member in told]) == (len(members), members)
        transaction.set_rollback(True)
