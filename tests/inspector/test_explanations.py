"""Every refusal has an explanation: what happened, the rule, what to do and where."""

import ast
import importlib
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from accounts import access, tokens
from accounts.tokens import Reason
from scim.api import exceptions
from scim.inspector.explanations import ALL, UNKNOWN, explain
from scim.protocol import errors

# Refusals that are made of another one, which is found where it is made.
MADE_OF_OTHERS = {
    ("InvalidCount", "error.detail"),
    ("_UnfitError", "f'must be {expected}; the request has {_kind(raw)}'"),
}
# Of answers that come from before the server, and of endpoints that are no SCIM.
FROM_ELSEWHERE = {"too-many-requests", "stream-secret"}
CLASSES = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)} | {
    "MutabilityError": errors.Mutability
}
# Functions that complete a sentence: their callers know the class and what stands around it.
COMPLETED = {
    ("scim.protocol.filters", "_refused"): (
        (errors.InvalidFilter, "The filter is not valid at position 7: {}."),
        (errors.InvalidPath, "The path is not valid where it ends: {}."),
    ),
    ("scim.protocol.filters", "refusal"): (
        (errors.InvalidFilter, "{}"),
        (errors.InvalidPath, "{}"),
    ),
    ("scim.protocol.values", "_UnfitError"): ((errors.InvalidValue, "name.givenName {}."),),
    ("scim.protocol.values", "_unfit"): (
        (errors.InvalidValue, "name.givenName must be {}; the request has a number."),
    ),
}


def refusals() -> Iterator[tuple[int, str, str]]:
    """Status, scimType and detail of each error that the code constructs, with x for what varies."""
    for path in sorted((settings.BASE_DIR / "scim").rglob("*.py")):
        yield from _refusals_in(path)
    for kinds in (tokens, access):
        for reason, detail in kinds._DETAILS.items():
            yield 403 if reason is Reason.NOT_ADMIN else 401, "", detail
    for _, kind, detail in exceptions._TRANSLATIONS:
        yield kind.status, kind.scim_type or "", detail
    yield 404, "", 'The host "x" is not served here: check the Tenant URL for typing errors.'
    yield 403, "", "The tenant acme is suspended: contact myPolicies support."


def _refusals_in(path: Path) -> Iterator[tuple[int, str, str]]:
    name = ".".join(path.relative_to(settings.BASE_DIR).with_suffix("").parts)
    for call in ast.walk(ast.parse(path.read_text())):
        if not isinstance(call, ast.Call) or not call.args:
            continue
        called = str(getattr(call.func, "id", None) or getattr(call.func, "attr", ""))
        kind = CLASSES.get(called)
        made: Any = ((kind, "{}"),) if kind else COMPLETED.get((name, called), ())
        if made and (called, ast.unparse(call.args[0])) not in MADE_OF_OTHERS:
            module = importlib.import_module(name)
            for (each, sentence), attribute in product(made, ("userName", "externalId", "title")):
                text = _text(call.args[0], module, attribute)
                yield each.status, each.scim_type or "", sentence.format(text)


def _text(node: ast.expr, module: Any, attribute: str) -> str:
    match node:
        case ast.Constant(str() as text):
            return text
        case ast.JoinedStr(parts):
            varying = dict.fromkeys(("attribute.name", "name"), attribute)
            varying["resource_type.name"] = "User"
            texts: list[Any] = [getattr(part, "value", None) for part in parts]
            return "".join(
                text if isinstance(text, str) else varying.get(ast.unparse(text), "x")
                for text in texts
            )
        case ast.Name(name):
            return str(getattr(module, name, "x"))  # an argument varies
        case ast.Call(ast.Name("str")):
            return "x"  # what another exception says
        case ast.Call(ast.Attribute(ast.Name(name), "format")):
            return str(getattr(module, name))
    raise AssertionError(f"{module.__name__} refuses with {ast.unparse(node)}: say how it reads.")


def test_every_refusal_that_the_server_makes_is_explained():
    unexplained = {each for each in refusals() if explain(*each) in (None, UNKNOWN)}

    assert unexplained == set()


def test_every_explanation_is_the_one_of_some_refusal():
    given = {found.id for each in refusals() if (found := explain(*each))}

    assert {each.id for each in ALL} - given <= FROM_ELSEWHERE


def test_every_class_of_error_is_met_by_the_enumeration():
    """Those that only group others, or that translations alone make, aside."""
    met = {(status, scim_type) for status, scim_type, _ in refusals()}
    wanted = {
        (kind.status, kind.scim_type or "")
        for kind in CLASSES.values()
        if issubclass(kind, errors.ScimError)
    }

    assert wanted - met == set()


@pytest.mark.parametrize(
    ("status", "scim_type", "detail", "expected"),
    [
        (401, "", "The secret token 0a1b2c3d expired on 2026-11-01 (UTC). Ask", "token-expired"),
        (401, "", "The secret token 0a1b2c3d was revoked on 2026-11-01 (UTC).", "token-revoked"),
        (401, "", "The access token of the OAuth client x expired at", "access-token-refused"),
        (404, "", "There is no User with the id '26118915'.", "resource-not-there"),
        (404, "", "There is no SCIM endpoint at '/scim/users'.", "endpoint-not-there"),
        (409, "uniqueness", "Another User already has this userName; it", "user-name-taken"),
        (409, "uniqueness", "Another Group already has this displayName; it", "value-taken"),
        (400, "invalidValue", "userName is missing. myPolicies always", "user-name-missing"),
        (400, "invalidValue", 'emails[type eq "work"].value is missing.', "email-missing"),
        (400, "invalidValue", "emails is missing. myPolicies always", "email-missing"),
        (400, "invalidValue", "externalId is missing. myPolicies", "external-id-missing"),
        (400, "invalidValue", "displayName is missing.", "required-missing"),
        (400, "invalidValue", "active must be true or false; the request", "value-unfit"),
        (400, "invalidValue", "title is longer than 1024 characters.", "value-too-large"),
        (400, "invalidValue", "count must be an integer.", "list-parameters"),
        (400, "invalidCount", "count must be between 0 and 200.", "page-by-cursor"),
        (400, "invalidFilter", '"shoeSize" is not an attribute of User.', "filter-not-supported"),
        (400, "invalidFilter", "The filter is not valid where it ends:", "filter-unreadable"),
        (400, "invalidPath", "shoeSize is not an attribute of User.", "attribute-unknown"),
        (400, "invalidSyntax", "The body is not JSON: line 1, column 2.", "body-unreadable"),
        (401, "", "Send the stream's secret as a bearer token.", "stream-secret"),
        (400, "", "The request has too many parameters.", "request-unreadable"),
        (418, "", "A teapot.", "unknown"),
    ],
)
def test_the_explanation_is_that_of_the_sentence_not_of_its_status_alone(
    status, scim_type, detail, expected
):
    found = explain(status, scim_type, detail)

    assert found
    assert found.id == expected


@pytest.mark.parametrize("status", [200, 201, 204, 304])
def test_an_answer_that_is_no_refusal_has_no_explanation(status):
    assert explain(status, "", "") is None


def test_the_documentation_has_every_explanation_word_for_word_under_its_id():
    documented = (settings.BASE_DIR / "docs/entra.md").read_text()

    rows = re.findall(r'^\| <a id="([a-z-]+)"></a>`\1` \| (.*) \|$', documented, re.MULTILINE)

    assert rows == [
        (each.id, f"{each.happened} | {each.rule} | {each.remedy} | {each.where}")
        for each in (*ALL, UNKNOWN)
    ]
