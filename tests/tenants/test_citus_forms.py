"""The collector of tests/conftest.py, which refuses statements that do not fit Citus (docs/platform.md)."""

import pytest

from tests.support.citus import unfit


@pytest.mark.parametrize(
    ("statement", "parameters", "flaw"),
    [
        ("SELECT 1 WHERE EXISTS (SELECT FROM scim_resource)", None, "an empty select list"),
        ("SELECT pg_advisory_lock(7)", None, "an advisory lock of the session"),
        ("INSERT INTO a VALUES (1) RETURNING (SELECT 1)", None, "a sub-select in RETURNING"),
        (
            "WITH a AS (DELETE FROM scim_a RETURNING id) INSERT INTO scim_b SELECT id FROM a",
            None,
            "a statement that modifies twice",
        ),
        (
            "WITH stored AS (UPDATE scim_a SET b = 1), gone AS (DELETE FROM scim_b) SELECT 1",
            None,
            "a statement that modifies twice",
        ),
        (
            "UPDATE scim_a SET b = jsonb_build_array(c) WHERE id = %s",
            [1],
            "an update by a function that is not immutable",
        ),
        ("SELECT 1 FROM t_acme.scim_a, t_globex.scim_a", None, "a statement over two schemas"),
        ('SELECT 1 FROM "t_acme"."a" JOIN "public"."b"', None, "a statement over two schemas"),
        ("SELECT 1 FROM scim_a JOIN tenants_b", None, "a statement over two schemas"),
        ("SELECT 1 FROM a WHERE b = NULL", None, "a comparison with NULL"),
        ("SELECT 1 FROM a WHERE b = %s AND c > %s::int", [1, None], "a comparison with NULL"),
        ("SELECT 1 FROM a WHERE b = %(b)s::text", {"b": None}, "a comparison with NULL"),
        ("SELECT 1 FROM a WHERE b LIKE '%%' AND c = ANY(%s)", [None], "a comparison with NULL"),
        ("UPDATE a SET b = %s WHERE c = %s", [None, None], "a comparison with NULL"),
    ],
)
def test_a_form_that_does_not_fit_is_found(statement, parameters, flaw):
    assert unfit(statement, parameters) == flaw


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        ("SELECT pg_advisory_xact_lock(7)", None),
        ("UPDATE a SET b = %(b)s, c = %(c)s", {"b": None, "c": None}),
        ("UPDATE a SET b = %s, d = NULL WHERE c = %s", [None, 1]),
        ("INSERT INTO a VALUES (%s, %s) ON CONFLICT (b) DO UPDATE SET c = %s", [None, 1, None]),
        ("SELECT 1 FROM t_acme.a UNION ALL SELECT 1 FROM t_globex.a", None),
        ("SELECT id FROM scim_a WHERE b = %s FOR UPDATE", [1]),
        ("SELECT jsonb_build_object('b', b) FROM scim_a", None),
        (
            "INSERT INTO scim_a (b) SELECT jsonb_build_object('c', c) FROM generate_series(1, 9) AS c",
            None,
        ),
        ("WITH a AS (DELETE FROM tenants_a) INSERT INTO tenants_b VALUES (1)", None),
        ("CREATE TABLE t_acme.a (b int REFERENCES public.c)", None),
    ],
)
def test_a_form_that_fits_passes(statement, parameters):
    assert unfit(statement, parameters) == ""
