"""A simulator of the Entra provisioning service, and of what it believes to have provisioned.

It reads a directory of people, finds each at the tenant's endpoint or creates it, sends what
changed, and remembers. Both flavors of PATCH are spoken in turn: the older one ("customappsso")
sends one operation for each attribute, the newer one (`aadOptscim062020`) gathers most of them in
one value without a path. Nulls do not flow outwards, as in Entra.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, Final

from tests.support.clients import Answer, ScimClient
from tests.support.payloads import CORE, ENTERPRISE, patch

WORK_EMAIL: Final = 'emails[type eq "work"].value'
COUNTRY: Final = 'addresses[type eq "work"].country'
NOBODY: Final = "4b7ac1e1-8d0c-4ee4-a5c6-b6bb3a0a5c55"

Flat = dict[str, Any]  # the attributes of the tutorial's table, by their paths there
Flavor = Callable[[Flat, Flat], dict[str, Any]]  # what changed, what is there -> a PatchOp


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the directory. Out of scope are those without an assignment."""

    object_id: str
    upn: str
    mail: str
    given_name: str | None = None
    surname: str | None = None
    display_name: str | None = None
    country: str | None = None
    manager: str | None = None  # an object id
    is_enabled: bool = True
    is_assigned: bool = True

    def mapped(self) -> Flat:
        """The person's attributes by the tutorial's attribute mapping, manager aside."""
        values = {
            "userName": self.upn,
            "active": self.is_enabled and self.is_assigned,
            WORK_EMAIL: self.mail,
            "name.givenName": self.given_name,
            "name.familyName": self.surname,
            "name.formatted": self.display_name,
            "externalId": self.object_id,
            COUNTRY: self.country,
        }
        return {path: value for path, value in values.items() if value is not None}


def older(changed: Flat, present: Flat) -> dict[str, Any]:
    """One operation with a path for each attribute; booleans as strings."""
    return patch(
        *(
            {
                "op": "Replace" if path in present else "Add",
                "path": path,
                "value": str(value) if isinstance(value, bool) else value,
            }
            for path, value in changed.items()
        )
    )


def newer(changed: Flat, present: Flat) -> dict[str, Any]:
    """One operation without a path for most attributes; those with a filter and active apart."""
    apart = {path: value for path, value in changed.items() if "[" in path or path == "active"}
    gathered = {path: value for path, value in changed.items() if path not in apart}
    return patch(
        *(
            {"op": "replace" if path in present else "add", "path": path, "value": value}
            for path, value in apart.items()
        ),
        *([{"op": "replace", "value": gathered}] if gathered else []),
    )


def as_posted(flat: Flat) -> dict[str, Any]:
    """The body of POST /Users; both schemas, meta and an empty array of roles are always there."""
    body: dict[str, Any] = {
        "schemas": [CORE, ENTERPRISE],
        "externalId": flat["externalId"],
        "userName": flat["userName"],
        "active": True,
        "emails": [{"primary": True, "type": "work", "value": flat[WORK_EMAIL]}],
        "meta": {"resourceType": "User"},
        "roles": [],
    }
    if COUNTRY in flat:
        body["addresses"] = [{"type": "work", "country": flat[COUNTRY]}]
    name = {path[5:]: value for path, value in flat.items() if path.startswith("name.")}
    return {**body, "name": name} if name else body


def as_read(identifier: str, flat: Flat, manager: str | None) -> dict[str, Any]:
    """The whole resource that must be there, less `meta`."""
    posted = as_posted(flat)
    del posted["meta"], posted["roles"]
    held = {ENTERPRISE: {"manager": {"value": manager}}} if manager else {}
    schemas = [CORE, *held]
    return {**posted, "schemas": schemas, "id": identifier, "active": flat["active"], **held}


@dataclass
class ProvisioningService:
    """One provisioning job. `anchors` are the ids it remembers, by object id."""

    client: ScimClient
    anchors: dict[str, str] = field(default_factory=dict)
    exported: dict[str, Flat] = field(default_factory=dict)
    managers: dict[str, str] = field(default_factory=dict)  # object id -> id of the manager
    failures: list[tuple[str, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.speak(older)

    def speak(self, first: Flavor) -> None:
        """Begin anew to alternate between the flavors."""
        self._flavors = cycle([older, newer] if first is older else [newer, older])

    def run_cycle(self, people: Iterable[Person]) -> None:
        """One cycle: everybody first, then the managers, whose ids are known by then."""
        self.failures = []
        self.test_connection()
        everybody = list(people)
        for person in everybody:
            self._provision(person)
        for person in everybody:
            self._reference(person)

    def test_connection(self) -> None:
        """Looks for somebody who does not exist, as each activity begins."""
        answer = self._find("userName", NOBODY)
        assert (answer.status, answer.json["totalResults"]) == (200, 0)
        assert answer.json["Resources"] == []

    def delete(self, person: Person) -> None:
        """The person was purged from the directory."""
        assert self.client.delete(self._path(person)).status == 204
        self.forget(person)

    def forget(self, person: Person) -> None:
        """Forget the person, as a restart of the job does."""
        for memory in (self.anchors, self.exported, self.managers):
            memory.pop(person.object_id, None)

    def check(self) -> None:
        """Everything at the endpoint is as the service believes, and nothing else is there."""
        answer = self.client.get("/Users", count=200, excludedAttributes="meta")
        there = {each["id"]: each for each in answer.json["Resources"]}
        believed = {
            identifier: as_read(identifier, self.exported[object_id], self.managers.get(object_id))
            for object_id, identifier in self.anchors.items()
        }
        assert there == believed
        assert answer.json["totalResults"] == len(believed)

    def _provision(self, person: Person) -> None:
        identifier = self.anchors.get(person.object_id)
        found = self.client.get(self._path(person)).json if identifier else self._match(person)
        wanted = person.mapped()
        if found is not None:
            self._update(person, found, wanted)
        elif wanted["active"]:  # nobody is created disabled
            self._create(person, wanted)

    def _match(self, person: Person) -> dict[str, Any] | None:
        """The user that is there already, by the matching attributes in turn."""
        for attribute, value in (("userName", person.upn), ("externalId", person.object_id)):
            found = self._find(attribute, value).json["Resources"]
            if len(found) == 1:
                [user] = found
                return dict(user)
        return None

    def _create(self, person: Person, wanted: Flat) -> None:
        answer = self.client.post("/Users", as_posted(wanted))
        if self._succeeded(person, answer, 201):
            self.anchors[person.object_id] = answer.json["id"]
            self.exported[person.object_id] = wanted

    def _update(self, person: Person, found: Mapping[str, Any], wanted: Flat) -> None:
        present = flatten(found)
        changed = {path: value for path, value in wanted.items() if present.get(path) != value}
        if changed:
            message = next(self._flavors)(changed, present)
            answer = self.client.patch(f"/Users/{found['id']}", message)
            if not self._succeeded(person, answer, 200):
                return
        self._take_over(person, found)
        self.exported[person.object_id] = {**present, **wanted}

    def _take_over(self, person: Person, found: Mapping[str, Any]) -> None:
        """Remember the user; a rehired person takes the place of the former one."""
        for former in [o for o, i in self.anchors.items() if i == found["id"]]:
            if former != person.object_id:
                self.managers[person.object_id] = self.managers.get(former, "")
                del self.anchors[former]
        self.anchors[person.object_id] = found["id"]

    def _reference(self, person: Person) -> None:
        """Adds, changes or removes the manager, after a look whether it is so already."""
        identifier = self.anchors.get(person.object_id)
        wanted = self.anchors.get(person.manager or "")
        present = self.managers.get(person.object_id)
        if identifier is None or wanted == present or (wanted is None and not present):
            return
        if wanted and self._has_manager(identifier, wanted):
            return
        message = refer(next(self._flavors), present, wanted)
        answer = self.client.patch(f"/Users/{identifier}", message)
        if self._succeeded(person, answer, 200):
            self.managers[person.object_id] = wanted or ""

    def _has_manager(self, identifier: str, manager: str) -> bool:
        answer = self.client.get(
            "/Users", filter=f'id eq "{identifier}" and manager eq "{manager}"', attributes="id"
        )
        assert answer.status == 200
        return bool(answer.json["totalResults"])

    def _find(self, attribute: str, value: str) -> Answer:
        return self.client.get("/Users", filter=f'{attribute} eq "{value}"')

    def _path(self, person: Person) -> str:
        return f"/Users/{self.anchors[person.object_id]}"

    def _succeeded(self, person: Person, answer: Answer, status: int) -> bool:
        """True if the request succeeded; a failed one is retried in the next cycle."""
        if answer.status == status:
            return True
        self.failures.append((person.object_id, answer.status, answer.json.get("scimType", "")))
        return False


def refer(flavor: Flavor, present: str | None, wanted: str | None) -> dict[str, Any]:
    """The PATCH that adds, changes or removes a manager, in the flavor's spelling."""
    if flavor is older:
        # The dot in place of the colon is what "customappsso" sends; "" removes.
        op = "Replace" if present else "Add"
        return patch({"op": op, "path": f"{ENTERPRISE}.manager", "value": wanted or ""})
    if wanted is None:
        return patch({"op": "remove", "path": f"{ENTERPRISE}:manager"})
    op = "replace" if present else "add"
    return patch({"op": op, "path": f"{ENTERPRISE}:manager", "value": {"value": wanted}})


def flatten(resource: Mapping[str, Any]) -> Flat:
    """The attributes of the tutorial's table, as a read resource has them."""
    flat: Flat = {name: resource[name] for name in ("userName", "active", "externalId")}
    flat.update({f"name.{part}": value for part, value in resource.get("name", {}).items()})
    for path, name, part in ((WORK_EMAIL, "emails", "value"), (COUNTRY, "addresses", "country")):
        for value in resource.get(name, ()):
            if value.get("type") == "work" and part in value:
                flat[path] = value[part]
    return flat
