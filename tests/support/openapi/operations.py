"""The endpoints with their operations (RFC 7644 §3, §4, RFC 9865 §2)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from scim.protocol.schema import Relation, ResourceType
from tests.support.openapi import examples, parts, schemas
from tests.support.openapi.schemas import JsonSchema, reference

SECRET_TOKEN: Final = "secretToken"  # a name
CLIENT_CREDENTIALS: Final = "clientCredentials"

# The refusals that a body may meet, and those that any request may.
_BODY: Final = ("400", "413", "415")
_ALWAYS: Final = ("401", "403", "429", "500", "503")

Operation = dict[str, Any]


class Describer:
    """Makes path items; `scopes` are those to read and to write."""

    def __init__(self, scopes: tuple[str, str]) -> None:
        self._read, self._write = (
            [{SECRET_TOKEN: []}, {CLIENT_CREDENTIALS: [scope]}] for scope in scopes
        )

    def of_type(self, kind: ResourceType) -> dict[str, Any]:
        """The path items of a resource type."""
        path, page = f"/scim{kind.endpoint}", f"{kind.name}List"
        listing = self.listing(f"list{kind.name}s", page, examples.FILTERS.get(kind.name, {}))
        identifier = parts.in_path({"type": "string"})
        return {
            path: {"get": listing, "post": self._create(kind)},
            f"{path}/.search": {"post": self.search(f"search{kind.name}s", page)},
            f"{path}/{{id}}": {"parameters": [identifier], **self._one(kind, kind.name)},
        }

    def me(self, user: ResourceType) -> dict[str, Any]:
        """The same operations on the token's own user (RFC 7644 §3.11); POST creates nobody."""
        item = self._one(user, "Me", "501")
        summary = "Not supported: POST to /Users"
        return {**item, "post": self._operation("createMe", summary, self._write, ("501",))}

    def listing(self, name: str, page: str, filters: Mapping[str, Any]) -> Operation:
        by = parts.parameter("filter")
        if filters:
            by = parts.query("filter", {"type": "string"}, "An expression (RFC 7644 §3.4.2.2).")
            by["examples"] = dict(filters)
        return {
            **self._listing(name, page, ("400",)),
            "parameters": [by, *map(parts.parameter, (*parts.PAGE, *parts.PROJECTION))],
        }

    def search(self, name: str, page: str) -> Operation:
        body = parts.body("SearchRequest", examples.SEARCH)
        return {**self._listing(name, page, _BODY), "requestBody": body}

    def bulk(self) -> Operation:
        operation = self._operation("bulk", "Do many operations", self._write, _BODY)
        answer = parts.answer("What became of each operation.", reference("BulkResponse"))
        return {
            **_answering(operation, {"200": answer}),
            "requestBody": parts.body("BulkRequest", examples.BULK),
        }

    def discovery(self) -> dict[str, Any]:
        """Read-only descriptions (RFC 7644 §4)."""
        found: dict[str, Any] = {}
        for name in ("Schemas", "ResourceTypes"):
            one = reference(name.removesuffix("s"))
            found[f"/scim/{name}"] = {"get": self._discover(f"list{name}", schemas.list_of(one))}
            found[f"/scim/{name}/{{id}}"] = {
                "parameters": [parts.in_path({"type": "string"})],
                "get": self._discover(f"get{name.removesuffix('s')}", one, "404"),
            }
        config = reference("ServiceProviderConfig")
        found["/scim/ServiceProviderConfig"] = {"get": self._discover("getConfig", config)}
        return found

    def _discover(self, name: str, schema: JsonSchema, *refusals: str) -> Operation:
        operation = self._operation(name, "Read what is supported", self._read, refusals)
        return _answering(operation, {"200": parts.answer("The description.", schema)})

    def _listing(self, name: str, page: str, refusals: Iterable[str]) -> Operation:
        operation = self._operation(name, "Find resources", self._read, refusals)
        return _answering(operation, {"200": parts.answer("A page.", reference(page))})

    def _create(self, kind: ResourceType) -> Operation:
        name = f"create{kind.name}"
        operation = self._operation(name, f"Create a {kind.name}", self._write, (*_BODY, "409"))
        return {
            **_answering(operation, {"201": _resource(kind)}),
            "parameters": list(map(parts.parameter, parts.PROJECTION)),
            "requestBody": _body(kind),
        }

    def _one(self, kind: ResourceType, name: str, *also: str) -> dict[str, Operation]:
        """The operations on one resource; operation ids call it by the name."""
        changes = (*_BODY, "404", "409", "412", *also)
        read = self._operation(f"get{name}", "Read it", self._read, ("400", "404", *also))
        replace = self._operation(f"replace{name}", "Replace it", self._write, changes)
        modify = self._operation(f"modify{name}", "Change it", self._write, changes)
        delete = self._operation(f"delete{name}", "Delete it", self._write, ("404", "412", *also))
        unchanged = parts.empty("The client has this version.", "ETag")
        projected = [*map(parts.parameter, parts.PROJECTION)]
        conditional = [*map(parts.parameter, parts.CONDITIONS)]
        return {
            "get": {
                **_answering(read, {"200": _resource(kind), "304": unchanged}),
                "parameters": [parts.parameter("If-None-Match"), *projected],
            },
            "put": {
                **_answering(replace, {"200": _resource(kind)}),
                "parameters": [*conditional, *projected],
                "requestBody": _body(kind),
            },
            "patch": {
                **_answering(modify, _changed(kind)),
                "parameters": [*conditional, *projected],
                "requestBody": parts.body("PatchOp", examples.PATCH.get(kind.name, {})),
            },
            "delete": {
                **_answering(delete, {"204": parts.empty("Deleted.")}),
                "parameters": conditional,
            },
        }

    def _operation(
        self, name: str, summary: str, security: Sequence[Any], refusals: Iterable[str]
    ) -> Operation:
        return {
            "operationId": name,
            "summary": summary,
            "security": list(security),
            "responses": {each: parts.refusal(each) for each in sorted({*refusals, *_ALWAYS})},
        }


def _answering(operation: Operation, answers: Mapping[str, Any]) -> Operation:
    return {**operation, "responses": {**answers, **operation["responses"]}}


def _resource(kind: ResourceType) -> dict[str, Any]:
    return parts.answer("The resource.", reference(kind.name), "ETag", "Location")


def _changed(kind: ResourceType) -> dict[str, Any]:
    """The answers to PATCH; a type with members has one without them (RFC 7644 §3.5.2)."""
    if any(each.relation is Relation.MEMBERS for each in kind.relations):
        return {"200": _resource(kind), "204": parts.empty("Changed, not shown.", "ETag")}
    return {"200": _resource(kind)}


def _body(kind: ResourceType) -> dict[str, Any]:
    return parts.body(schemas.written(kind), examples.CREATE.get(kind.name, {}))
