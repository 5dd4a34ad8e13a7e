"""An Entra provisioning job of one tenant, replayed: real SCIM requests at the times of the past."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from tenants import clock
from tenants.models import Tenant
from tests.support.clients import Answer, ScimClient
from tests.support.payloads import ENTERPRISE, patch, replace
from tests.support.seed.directory import Directory, Person
from tests.support.seed.traveling import Progress, Travel

_NOBODY: Final = "4b7ac1e1-8d0c-4ee4-a5c6-b6bb3a0a5c55"
_MEMBERS_A_REQUEST: Final = 100
CYCLE: Final = timedelta(minutes=40)
_GROUP: Final = "urn:ietf:params:scim:schemas:core:2.0:Group"


class Job:
    """Sends what a directory's changes make Entra send, and remembers the ids."""

    def __init__(self, tenant: Tenant, token: str | None, directory: Directory, travel: Travel):
        self.directory = directory
        self.people: dict[str, Person] = {}  # by the id here
        self.groups: dict[str, str] = {}  # name -> the id here
        self._travel = travel
        self._tenant = tenant
        self.use(token)

    def use(self, token: str | None) -> None:
        """Send this secret token from now on."""
        self._client = ScimClient(self._tenant, token)
        self._client.http.defaults["REMOTE_ADDR"] = "203.0.113.24"
        self._client.http.defaults["HTTP_USER_AGENT"] = "Microsoft-Entra-Provisioning/1.0"

    def at(self, moment: datetime) -> None:
        """Move to the moment: all that follows happens then."""
        self._travel.move_to(moment)

    def test_connection(self) -> Answer:
        """Looks for somebody who does not exist, as each cycle begins."""
        return self._client.get("/Users", filter=f'userName eq "{_NOBODY}"')

    def start(self, people: int, progress: Progress) -> None:
        """The initial cycle: everybody, two in a second, then the groups with their members."""
        moment = clock.now()
        self.test_connection()
        for number in range(people):
            progress.tell(f"{self._tenant.name}: {number:,} of {people:,} users")
            moment += timedelta(milliseconds=500)
            self.at(moment)
            self.add(self.directory.hire())
        for name in self.directory.groups():
            moment += timedelta(seconds=2)
            self.at(moment)
            self._add_group(name)

    def add(self, person: Person, **changes: Any) -> Answer:
        """POST of a user; `changes` are what goes wrong with the body."""
        body = {k: v for k, v in (person.posted() | changes).items() if v is not None}
        answer = self._client.post("/Users", body)
        if answer.status == 201:
            self.people[answer.json["id"]] = person
        return answer

    def change(self, identifier: str) -> Answer:
        """PATCH of a user who moved to another department or office."""
        person = self.directory.moved(self.people[identifier])
        self.people[identifier] = person
        message = patch(
            {"op": "Replace", "path": "title", "value": person.title},
            {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": person.department},
            {
                "op": "Replace",
                "path": 'addresses[type eq "work"].locality',
                "value": person.office[1],
            },
        )
        return self._client.patch(f"/Users/{identifier}", message)

    def enable(self, identifier: str, *, active: bool) -> Answer:
        """PATCH of `active`, with the string that the older connector sends."""
        return self._client.patch(f"/Users/{identifier}", replace("active", str(active)))

    def send_patch(self, identifier: str, message: dict[str, Any]) -> Answer:
        """PATCH of a user as it is written."""
        return self._client.patch(f"/Users/{identifier}", message)

    def delete(self, identifier: str) -> Answer:
        """DELETE of a user who was purged from the directory."""
        self.people.pop(identifier, None)
        return self._client.delete(f"/Users/{identifier}")

    def join(self, name: str, members: Iterable[str]) -> None:
        """PATCHes that add members to a group."""
        values = [{"value": member} for member in members]
        for start in range(0, len(values), _MEMBERS_A_REQUEST):
            chunk = values[start : start + _MEMBERS_A_REQUEST]
            message = patch({"op": "Add", "path": "members", "value": chunk})
            self._client.patch(f"/Groups/{self.groups[name]}", message)

    def leave(self, name: str, member: str) -> Answer:
        """PATCH that removes a member from a group."""
        path = f'members[value eq "{member}"]'
        return self._client.patch(
            f"/Groups/{self.groups[name]}", patch({"op": "Remove", "path": path})
        )

    def anybody(self) -> str:
        """The id of one of those that are there."""
        return self.directory.chance.choice(list(self.people))

    def _add_group(self, name: str) -> None:
        body = {
            "schemas": [_GROUP],
            "displayName": name,
            "externalId": self.directory.new_id(),
            "meta": {"resourceType": "Group"},
        }
        self.groups[name] = self._client.post("/Groups", body).json["id"]
        members = [i for i, person in self.people.items() if self.directory.belongs(person, name)]
        self.join(name, members)
