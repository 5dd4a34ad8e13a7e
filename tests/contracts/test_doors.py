"""Input from outside passes through doors that are known: held for every module by its syntax tree."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from config.environment import ROOT

PACKAGES = ("accounts", "config", "scim", "tenants")

# JSON that is read without scim.protocol.values.read_document, and the reason.
READ_OTHERWISE = {
    "accounts/assertions.py": "signed tokens and key sets: bounded, and read by the library too",
    "accounts/presets.py": "a file of Microsoft's that an operator names, bounded",
    "accounts/sso/flow.py": "our own rows, sealed",
    "accounts/passkeys.py": "what a browser's authenticator signed: read by the library",
    "accounts/sso/oidc.py": "a provider's documents and tokens: bounded, and read by the library too",
    "scim/events/outbox.py": "our own rows",
    "scim/events/signing.py": "our own rows",
    "scim/extensions/storage.py": "our own rows",
    "scim/protocol/filters.py": "a literal that the grammar has bounded",
    "scim/protocol/values.py": "the door itself",
    "tenants/archive.py": "a file of ours that an operator names, its digests compared",
    "tenants/backup.py": "rows of such a file",
    "tenants/connectivity.py": "our own rows",
}

# Modules that can open a connection, and the reason.
NETWORK = frozenset(
    {"http.client", "httpx", "requests", "smtplib", "socket", "ssl", "urllib.request"}
)
CONNECTING = {
    "accounts/mailing.py": "names the errors of Django's mail, which goes to the operator's server",
    "accounts/posting.py": "the guard: messages to addresses that customers choose",
    "config/connections.py": "ends connections of clients",
    "config/lanes.py": "reads from connections of clients",
    "config/management/commands/up.py": "looks whether its own port is free",
    "tenants/deadlines.py": "ends connections to PostgreSQL",
}

# What the audit log is told by, and functions that take a permission and leave that to others.
NOTES = frozenset({"note", "note_all", "note_export", "record", "record_all"})
NOTED_ELSEWHERE = {
    "accounts/actions/approvals.py:_locked": "finds the request; approve and decline note it",
    "accounts/actions/approvals.py:generate_approved": "the action that makes the credential notes it",
    "accounts/actions/backups.py:_removing": "the frame of those that remove a tenant",
    "accounts/actions/performing.py:performing": "the frame of all actions",
}


@cache
def modules() -> tuple[tuple[str, ast.Module], ...]:
    """Each module of the product with its path from the root."""
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return tuple((str(path.relative_to(ROOT)), ast.parse(path.read_text())) for path in paths)


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def names_within(node: ast.AST) -> set[str]:
    return {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)} | {
        each.id for each in ast.walk(node) if isinstance(each, ast.Name)
    }


def keys_of(mapping: ast.expr) -> set[str]:
    """The names that decide the keys of a mapping."""
    if isinstance(mapping, ast.DictComp):
        return set().union(*(names_within(each.iter) for each in mapping.generators))
    return names_within(mapping)


def reads_json(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id="json" | "orjson"), attr="loads" | "load"):
            return True
        case ast.Name(id="loads"):
            return True
    return False


def test_json_from_outside_has_one_door():
    found = {
        name
        for name, tree in modules()
        if "/management/" not in name and any(map(reads_json, calls(tree)))
    }

    assert found == set(READ_OTHERWISE)


def test_no_mapping_of_a_request_is_expanded_into_a_call():
    """`filter(**request.GET)` would let a client name columns."""
    outside = {
        "GET",
        "POST",
        "query_params",
        "data",
        "cleaned_data",
        "body",
        "sent",
        "FILES",
        "headers",
    }
    found = [
        f"{name}:{call.lineno}"
        for name, tree in modules()
        for call in calls(tree)
        for keyword in call.keywords
        if keyword.arg is None and keys_of(keyword.value) & outside
    ]

    assert found == []


def statements(tree: ast.AST) -> Iterator[ast.Call]:
    """The calls that execute SQL."""
    for call in calls(tree):
        match call.func:
            case ast.Attribute(attr="execute" | "executemany" | "raw" | "extra" | "copy"):
                yield call
            case ast.Name(id="execute" | "RawSQL"):
                yield call


def is_ours(part: ast.expr) -> bool:
    """True for a part that no request decides: a constant, a quoted name, an observer's condition."""
    match part:
        case ast.Constant():
            return True
        case ast.FormattedValue(value=ast.Name(id=name)):
            return name.isupper()
        case ast.FormattedValue(value=ast.Call(func=ast.Attribute(attr="quote_name"))):
            return True
        case ast.FormattedValue(value=ast.Attribute(value=ast.Name(id="question"), attr=name)):
            return name == "condition"
    return False


def test_no_statement_is_put_together_of_what_a_request_decides():
    """Others are put together of constants, by psycopg.sql, or by scim.repository.sql."""
    found = []
    for name, tree in modules():
        for call in statements(tree):
            match call.args[:1]:
                case [ast.JoinedStr(values=parts)] if not all(map(is_ours, parts)):
                    found.append(f"{name}:{call.lineno}")
                case [ast.BinOp()]:
                    found.append(f"{name}:{call.lineno}")

    assert found == []


def test_a_path_that_is_named_exists():
    assert [name for name in READ_OTHERWISE if not Path(ROOT / name).is_file()] == []


def imported(tree: ast.AST) -> set[str]:
    """The modules that are imported."""
    nodes = list(ast.walk(tree))
    whole = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    parts = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    named = {f"{node.module}.{each.name}" for node in parts for each in node.names}
    return whole | named | {node.module or "" for node in parts}


def test_connections_to_addresses_that_customers_choose_have_one_door():
    """accounts.posting, which reaches no private address (docs/security.md)."""
    assert {name for name, tree in modules() if imported(tree) & NETWORK} == set(CONNECTING)


def called(node: ast.AST) -> set[str]:
    """The bare names of what is called within."""
    return {
        each
        for call in calls(node)
        for each in (getattr(call.func, "attr", None), getattr(call.func, "id", None))
        if each
    }


def reached(name: str, functions: dict[str, ast.FunctionDef]) -> set[str]:
    """The names that a function calls, itself or by functions of its module."""
    found: set[str] = set()
    coming = {name}
    while coming:
        found |= coming
        coming = set().union(*(called(functions[each]) for each in coming if each in functions))
        coming -= found
    return found


def test_each_act_that_takes_a_permission_tells_the_audit_log():
    """The entry itself is tested beside each act."""
    acts, silent = set(), set()
    for name, tree in modules():
        functions = {
            each.name: each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)
        }
        for each, node in functions.items():
            if called(node) & {"performing", "authorize"}:
                acts.add(f"{name}:{each}")
                if not reached(each, functions) & NOTES:
                    silent.add(f"{name}:{each}")

    assert len(acts) > 80
    assert silent == set(NOTED_ELSEWHERE)
