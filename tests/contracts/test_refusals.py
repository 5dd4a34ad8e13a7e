"""Every refusal carries a reason that the catalogue explains, and every row explains some refusal."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from accounts import access, oauth, tokens
from accounts.tokens import Reason
from scim.protocol import errors
from scim.refusals import IN_SHORT, ROWS, UNKNOWN, catalogue, explain
from tests.support import documents

# Exceptions and the position of the reason among their arguments.
CARRIERS = {name: 0 for name, kind in vars(errors).items() if isinstance(kind, type)} | {
    "MutabilityError": 0,
    "_UnfitError": 0,
    "GrantRefused": 1,
    **dict.fromkeys(
        ("ActionRefused", "NotPermitted", "SignInRefused", "SignOnRefused", "TenantRefused"), 0
    ),
}
# A reason that comes from another refusal, from a table beside it, or from a token's kind.
PASSED_ON = {
    "reason",
    "error.reason",
    "unfit.reason",
    "refusal.reason",
    "refusal.id",
    '_MISSING.get(attribute.name, "value.required")',
    "reason.of(KIND)",
    "Reason.MALFORMED.of(KIND)",
    "Reason.UNKNOWN.of(KIND)",
    "Reason.NOT_ADMIN.of(KIND)",
    "ADDRESS",
}
# Made of a token's kind and the reason to refuse it.
OF_TOKENS = {reason.of(kind.KIND) for kind in (tokens, access, oauth) for reason in Reason}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    """The modules of the product, without the rows of the catalogue."""
    for package in ("config", "scim", "accounts", "tenants"):
        for path in sorted((settings.BASE_DIR / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text())


def reasons() -> Iterator[tuple[str, ast.expr]]:
    """A place that makes a refusal, and the expression of its reason."""
    for path, tree in modules():
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call):
                continue
            name, given = _called(call.func), call.args
            if name == "partial" and given and _called(given[0]) in CARRIERS:
                name, given = _called(given[0]), given[1:]
            if name in CARRIERS and given:
                yield f"{path.name}:{call.lineno}", given[CARRIERS[name]]


def _called(function: ast.expr) -> str:
    return str(getattr(function, "id", None) or getattr(function, "attr", ""))


def test_every_refusal_carries_a_reason_of_the_catalogue():
    unknown = [
        (where, ast.unparse(reason))
        for where, reason in reasons()
        if not (isinstance(reason, ast.Constant) and reason.value in catalogue())
        and ast.unparse(reason).replace("'", '"') not in PASSED_ON
    ]

    assert unknown == []


def test_every_reason_that_a_token_can_be_refused_for_has_a_row():
    assert catalogue().keys() >= OF_TOKENS


def test_every_row_is_the_reason_of_some_refusal():
    named = {
        node.value
        for _, tree in modules()
        for node in ast.walk(_without_rows(tree))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }

    assert catalogue().keys() - named - OF_TOKENS == set()


def _without_rows(tree: ast.Module) -> ast.Module:
    class Rows(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST | None:  # ast's name
            return None if _called(node.func) == "Refusal" else self.generic_visit(node)

    found = Rows().visit(tree)
    assert isinstance(found, ast.Module)
    return found


def test_every_refusal_of_a_request_has_words_for_a_title():
    ids = {row.id for row in ROWS} | OF_TOKENS

    assert ids - set(IN_SHORT) == set()
    assert set(IN_SHORT) - set(catalogue()) == set()
    assert [words for words in IN_SHORT.values() if len(words) > 32] == []


def test_rows_are_sentences_that_say_what_to_do_and_where():
    for row in (*catalogue().values(), UNKNOWN):
        assert row.sentence.endswith("."), row.id
        assert row.remedy.endswith("."), row.id
        assert row.rule, row.id
        assert row.place, row.id


def test_no_two_rows_have_one_id():
    ids = [
        node.args[0].value
        for _, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and _called(node.func) == "Refusal"
        and isinstance(node.args[0], ast.Constant)
    ]

    assert sorted(ids) == sorted([*catalogue(), UNKNOWN.id])


@pytest.mark.parametrize("status", [200, 201, 204, 304])
def test_an_answer_that_is_no_refusal_has_no_explanation(status):
    assert explain(status, "", "") is None


def test_a_refusal_is_explained_by_its_reason_and_not_by_its_sentence():
    found = explain(400, "invalidPath", "path.unknown-attribute")

    assert found
    assert found == catalogue()["path.unknown-attribute"]


@pytest.mark.parametrize(
    ("status", "scim_type", "sentence"),
    [
        (400, "invalidPath", "The path of a PATCH operation could not be read, or names no"),
        (409, "uniqueness", "Another resource already has a value that must be unique."),
        (401, "", "The credential was missing or refused."),
        (418, "", "The request was refused; the detail of the answer says why."),
    ],
)
def test_a_refusal_from_before_there_were_reasons_is_explained_in_general(
    status, scim_type, sentence
):
    found = explain(status, scim_type, "")

    assert found
    assert found.id == UNKNOWN.id
    assert found.sentence.startswith(sentence)


def test_the_documentation_has_every_row():
    assert documents.ENTRA.read_text() == documents.entra(), "run `make docs`"
