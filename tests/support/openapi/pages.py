"""The API's description as an HTML page without a script, whose content the portal shows too."""

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any, Final

METHODS: Final = ("get", "post", "put", "patch", "delete")
_DEEPEST: Final = 2
_ANSWERS: Final = ("Status", "Answer")
_CODE: Final = re.compile(r"`([^`]+)`")
_FILE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>myPolicies SCIM API</title>
<link rel="stylesheet" href="../../templates/static/screens/theme.css">
<link rel="stylesheet" href="../../templates/static/screens/screens.css">
</head>
<body>
<h1>myPolicies SCIM API</h1>
<main>
{content}</main>
</body>
</html>
"""


def page(document: Mapping[str, Any]) -> str:
    """All operations, then the attributes of resources."""
    described = _Description(document)
    content = "\n".join(line for part in described.parts() for line in part) + "\n"
    return _FILE.format(content=content)


class _Description:
    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        operations = [each for *_, each in self._operations() if self._named_scopes(each)]
        self._shared = set.intersection(*(set(self._answers(each)) for each in operations))

    def parts(self) -> Iterator[Iterable[str]]:
        info = self._document["info"]
        yield (f"<p>{_marked(' '.join(info['description'].split()))}</p>",)
        title = "Answers of every operation with a scope"
        yield _section(title, [_table(title, _ANSWERS, sorted(self._shared))])
        for path, method, operation in self._operations():
            shared = self._document["paths"][path].get("parameters", [])
            yield self._operation(path, method, operation, shared)
        for name, schema in self._document["components"]["schemas"].items():
            if name in ("UserRequest", "GroupRequest"):
                caption = f"Attributes: {name.removesuffix('Request')}"
                heads = ("Attribute", "Type", "Description")
                yield _section(caption, [_table(caption, heads, self._attributes("", schema, 1))])

    def _operations(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Path, method and description of each."""
        for path, item in self._document["paths"].items():
            yield from ((path, method, item[method]) for method in METHODS if method in item)

    def _answers(self, operation: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [
            (status, self._found(each).get("description", ""))
            for status, each in operation["responses"].items()
        ]

    def _operation(
        self, path: str, method: str, operation: Mapping[str, Any], shared: list[Any]
    ) -> Iterator[str]:
        title = f"{method.upper()} {path}"
        parts = [f'<p class="block">{escape(operation["summary"])}. {self._scopes(operation)}</p>']
        parameters = [self._found(each) for each in (*shared, *operation.get("parameters", []))]
        rows = [
            (each["name"], each["in"], self._type(each.get("schema", {})), _line(each))
            for each in parameters
        ]
        if rows:
            heads = ("Parameter", "In", "Type", "Description")
            parts.append(_table(f"Parameters of {title}", heads, rows))
        own = self._answers(operation)
        if self._named_scopes(operation):
            own = [each for each in own if each not in self._shared]
        parts.append(_table(f"Answers of {title}", _ANSWERS, own))
        return iter(_section(title, parts))

    def _named_scopes(self, operation: Mapping[str, Any]) -> list[str]:
        needed = operation.get("security", self._document.get("security", []))
        return sorted({scope for each in needed for found in each.values() for scope in found})

    def _scopes(self, operation: Mapping[str, Any]) -> str:
        needed = operation.get("security", self._document.get("security", []))
        scopes = self._named_scopes(operation)
        if not needed or {} in needed:
            return "Without credentials."
        return f"Scope: {', '.join(scopes)}." if scopes else "With a secret token."

    def _attributes(
        self, prefix: str, schema: Mapping[str, Any], depth: int
    ) -> Iterator[tuple[str, ...]]:
        """The rows of the attributes, with those within them."""
        for name, given in self._properties(schema).items():
            each = self._found(given)
            path = f"{prefix}{name}"
            yield path, self._type(each), _line(each)
            inner = self._found(each.get("items", each))
            if depth < _DEEPEST and self._properties(inner):
                separator = ":" if name.startswith("urn:") else "."
                yield from self._attributes(f"{path}{separator}", inner, depth + 1)

    def _properties(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        whole = self._found(schema)
        found: dict[str, Any] = {}
        for part in whole.get("allOf", ()):
            found |= self._properties(part)
        return {**found, **whole.get("properties", {})}

    def _type(self, schema: Mapping[str, Any]) -> str:
        whole = self._found(schema)
        kind = whole.get("type", "object" if whole.get("properties") else "any")
        names = [str(each) for each in kind] if isinstance(kind, list) else [str(kind)]
        if "array" in names and "items" in whole:
            names[names.index("array")] = f"array of {self._type(whole['items'])}"
        return " or ".join(names)

    def _found(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """The value, or the one that its $ref names."""
        found: dict[str, Any] = dict(value)
        while "$ref" in found:
            keys = found["$ref"].removeprefix("#/").split("/")
            found = dict(self._document)
            for key in keys:
                found = found[key]
        return found


def _marked(text: str) -> str:
    """The text as HTML, what stands between backticks as code."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _line(value: Mapping[str, Any]) -> str:
    return " ".join(str(value.get("description", "")).split())


def _section(title: str, parts: Iterable[str]) -> list[str]:
    return ['<section class="module">', f"<h2>{escape(title)}</h2>", *parts, "</section>"]


def _table(label: str, headings: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    head = "".join(f'<th scope="col">{each}</th>' for each in headings)
    body = "\n".join(f"<tr>{_cells(headings, row)}</tr>" for row in rows)
    name = escape(label, quote=True)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{name}">\n'
        f'<table aria-label="{name}">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _cells(headings: tuple[str, ...], row: tuple[Any, ...]) -> str:
    pairs = zip(headings, row, strict=True)
    return "".join(f'<td data-label="{head}">{_marked(str(cell))}</td>' for head, cell in pairs)
