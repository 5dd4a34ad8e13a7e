"""Bulk requests, their operations and what is read of the answers."""

from typing import Any

from scim.protocol import urns

UNKNOWN = "00000000-0000-7000-8000-000000000000"


def user(name: str, /, **attributes: Any) -> dict[str, Any]:
    return {
        "schemas": [urns.USER],
        "userName": name,
        "externalId": name,
        "emails": [{"type": "work", "value": f"{name}@acme.example"}],
        **attributes,
    }


def managed_by(reference: str) -> dict[str, Any]:
    return {urns.ENTERPRISE_USER: {"manager": {"value": reference}}}


def group(name: str, *members: str) -> dict[str, Any]:
    values = [{"value": each} for each in members]
    return {"schemas": [urns.GROUP], "displayName": name, "members": values}


def post(bulk_id: str, path: str, data: Any) -> dict[str, Any]:
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data}


def bulk(*operations: dict[str, Any], **attributes: Any) -> dict[str, Any]:
    return {"schemas": [urns.BULK_REQUEST], "Operations": list(operations), **attributes}


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"schemas": [urns.PATCH_OP], "Operations": list(operations)}


def refusal(status: int, detail: str, scim_type: str | None = None) -> dict[str, Any]:
    typed = {"scimType": scim_type} if scim_type else {}
    error = {"schemas": [urns.ERROR], **typed, "detail": detail, "status": str(status)}
    return {"status": str(status), "response": error}


def send(client, *operations: dict[str, Any], **attributes: Any) -> Any:
    """The Operations of the answer, which is a success as a whole."""
    answer = client.post("/Bulk", bulk(*operations, **attributes))
    assert answer.status == 200, answer.text
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.json.keys() == {"schemas", "Operations"}
    assert answer.json["schemas"] == [urns.BULK_RESPONSE]
    return answer.json["Operations"]


def id_of(result: dict[str, Any]) -> Any:
    return result["location"].rpartition("/")[2]


def statuses(results: list[dict[str, Any]]) -> list[str]:
    return [result["status"] for result in results]


def manager_of(client, identifier: str) -> Any:
    return client.get(f"/Users/{identifier}").json[urns.ENTERPRISE_USER]["manager"]["value"]


def members_of(client, identifier: str) -> list[str]:
    return [each["value"] for each in client.get(f"/Groups/{identifier}").json.get("members", [])]
