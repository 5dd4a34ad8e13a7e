"""The rights of the login that serves, where another one owns the database (decision 0081).

It may do to each table what the table's owner still may: read and add to the append-only ones, whose
owner has no other right either (decision 0005). It owns nothing, so it changes no table, and gives itself
no right. Tenants are made by a function that runs with the owner's rights and makes schemas of tenants alone;
where one login does everything, the function makes them, too, since it knows what the migrations do.
"""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.db import connection
from psycopg import sql

from tenants import placement, recordings
from tenants.backend.base import SCHEMA_NAME
from tenants.current import in_public

CREATE: Final = "create_tenant_schema"
_RIGHTS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE")  # the most that the login has on a table
# Privileges, as `each`, of the owner of the table `c` itself: those of roles that it is a member of, such as the
# login that serves, do not count, and neither does that a superuser may do everything.
_RIGHTS_OF_OWNER: Final = """
aclexplode(coalesce(relacl, acldefault('r', relowner))) AS acl (grantor, grantee, each, is_grantable)
WHERE grantee = relowner"""
# In PL/pgSQL, where schema_name and login are variables; `found` is a record.
# Of a table without privileges of its own, as most new ones are, nobody but the owner has any.
_GRANT: Final = f"""
EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', schema_name, login);
FOR found IN
    SELECT rights, string_agg(name, ', ') AS names,
        string_agg(name, ', ') FILTER (WHERE has_privileges) AS granted
    FROM (
        SELECT format('%I.%I', schema_name, relname) AS name, relacl IS NOT NULL AS has_privileges,
            array_to_string(ARRAY(
                SELECT each FROM {_RIGHTS_OF_OWNER} AND each IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
                    AND (each = 'SELECT' OR relname <> 'django_migrations')
            ), ', ') AS rights
        FROM {placement.TABLES_OF} to_regnamespace(quote_ident(schema_name))
    ) AS tables GROUP BY rights
LOOP
    IF found.granted IS NOT NULL THEN
        EXECUTE format('REVOKE ALL ON %s FROM %I', found.granted, login);
    END IF;
    EXECUTE format('GRANT %s ON %s TO %I', found.rights, found.names, login);
END LOOP;
"""  # noqa: S608  # our own constants
_GRANT_ALONE: Final = """
DECLARE found record; schema_name text := {schema}; login text := {login};
BEGIN {grant} END
"""
# Whether several processes should build an index is a plan of its own, for each of eighty that have no rows yet.
_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION public.create_tenant_schema(schema_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET max_parallel_maintenance_workers = 0
AS {body}
"""
# Temporary tables, which are the caller's, come last: without a word they would come first, before the catalog.
_BODY: Final = """
DECLARE found record; login text := {login}; statement text;
    has_defaults boolean := EXISTS (SELECT 1 FROM pg_default_acl);
BEGIN
IF schema_name !~ {form} THEN RAISE EXCEPTION '% cannot be the schema of a tenant.', schema_name; END IF;
EXECUTE format('CREATE SCHEMA %I', schema_name);
PERFORM set_config('search_path', quote_ident(schema_name) || ', pg_temp', true);
{before}
FOREACH statement IN ARRAY ARRAY[{statements}] LOOP EXECUTE statement; END LOOP;
{after}
END
"""
# The login's rights come with each table, and what its owner gives away is taken from the login, too: 2 ms less than
# asking what the owner has. Not where an operator has changed what new tables give.
_BEFORE: Final = """
IF NOT has_defaults THEN
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT {rights} ON TABLES TO %I', schema_name, login);
END IF;
""".format(rights=", ".join(_RIGHTS))
_AFTER: Final = """
IF has_defaults THEN
    {grant}
ELSE
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE {rights} ON TABLES FROM %I', schema_name, login);
    EXECUTE format('REVOKE {changing} ON django_migrations FROM %I', login);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', schema_name, login);
END IF;
""".format(grant=_GRANT, rights=", ".join(_RIGHTS), changing=", ".join(_RIGHTS[1:]))
_GIVEN_AWAY: Final = re.compile(r"(REVOKE [^;]* FROM )CURRENT_USER")
_IS_PRESENT: Final = f"""
SELECT obj_description(oid), pg_get_userbyid(proowner) = current_user AND NOT {placement.IS_SHARDED} FROM pg_proc
WHERE proname = 'create_tenant_schema' AND pronamespace = 'public'::regnamespace
"""  # noqa: S608  # our own constants
# Schemas in which the login has other rights than it should have. Tables with the same owner and privileges
# are one kind, of which one is asked: there are three, however many tenants.
_UNLIKE: Final = f"""
WITH kinds AS (
    SELECT min(c.oid) AS oid, relowner, relacl, relname = 'django_migrations' AS is_notes,
        array_agg(relnamespace) AS namespaces
    FROM pg_class c WHERE relkind IN ('r', 'p') AND relnamespace = ANY(
        ARRAY(SELECT oid FROM pg_namespace WHERE nspname = ANY(%(schemas)s))
    ) GROUP BY relowner, relacl, is_notes
), unlike AS (
    SELECT namespaces FROM kinds c
    CROSS JOIN LATERAL (SELECT ARRAY(SELECT each FROM {_RIGHTS_OF_OWNER}) OFFSET 0) AS of_owner (rights)
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS right_name
    WHERE has_table_privilege(%(login)s, c.oid, right_name) <> (
        right_name <> 'TRUNCATE' AND right_name = ANY(of_owner.rights)
        AND (right_name = 'SELECT' OR NOT is_notes)
    )
)
SELECT nspname FROM pg_namespace n WHERE nspname = ANY(%(schemas)s) AND (
    NOT has_schema_privilege(%(login)s, n.oid, 'USAGE')
    OR n.oid IN (SELECT unnest(namespaces) FROM unlike)
)
"""  # noqa: S608  # our own constants


def serving_login() -> str | None:
    """The name of the login that serves, if another one owns the database."""
    owner = settings.OWNER_DATABASE
    login: str = settings.SERVING_LOGIN
    return login if owner is not None and login and login != owner["USER"] else None


def is_served() -> bool:
    """True if the connection is that of the login that serves and owns nothing."""
    login = serving_login()
    return login is not None and connection.settings_dict["USER"] == login


def unlike(login: str, schema_names: Iterable[str]) -> list[str]:
    """Those of the schemas in which the login has other rights than it should have. One statement."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_UNLIKE, {"login": login, "schemas": list(schema_names)})
        return sorted(name for (name,) in cursor.fetchall())


def grant(login: str, schema_name: str) -> None:
    """Give the login its rights in a schema, and take away all others. For the owner."""
    block = sql.SQL(_GRANT_ALONE).format(
        schema=sql.Literal(schema_name), login=sql.Literal(login), grant=sql.SQL(_GRANT)
    )
    with in_public(), connection.cursor() as cursor:
        text = block.as_string(connection.connection)
        cursor.execute(sql.SQL("DO {}").format(sql.Literal(text)))


def is_installed(login: str | None) -> bool:
    """True if the function is there, as this program makes it for the login."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_IS_PRESENT)
        present: tuple[str, bool] | None = cursor.fetchone()
    return present is not None and present[0] == _mark(login)


def install(login: str | None) -> None:
    """Have tenants' schemas made by a function of the owner's, in place of one of another program.

    The login that serves may call it; None: the owner serves. Needs a transaction. For the owner, whose
    registry is migrated.
    """
    with in_public(), connection.cursor() as cursor:
        body = _body(login)
        # Citus would make the function on the workers too, where the owner makes nothing.
        cursor.execute(placement.STAY_HERE)
        cursor.execute(sql.SQL(_FUNCTION).format(body=sql.Literal(body)))
        cursor.execute("REVOKE ALL ON FUNCTION public.create_tenant_schema(text) FROM PUBLIC")
        if login is not None:
            to = sql.SQL("GRANT EXECUTE ON FUNCTION public.create_tenant_schema(text) TO {}")
            cursor.execute(to.format(sql.Identifier(login)))
        comment = sql.SQL("COMMENT ON FUNCTION public.create_tenant_schema(text) IS {}")
        cursor.execute(comment.format(sql.Literal(_mark(login))))


def can_create() -> bool:
    """True if the function is there, as this program makes it, and makes what the present login owns.

    Not where Citus places schemas.
    """
    with in_public(), connection.cursor() as cursor:
        cursor.execute(_IS_PRESENT)
        present: tuple[str, bool] | None = cursor.fetchone()
    return present == (_mark(serving_login()), True)


def create_schema(schema_name: str) -> None:
    """Make a schema with all tables of a tenant, by the function. In the caller's transaction."""
    with in_public(), connection.cursor() as cursor:
        cursor.execute("SELECT public.create_tenant_schema(%s)", [schema_name])


def _body(login: str | None) -> str:
    statements = [sql.Literal(each) for each in recordings.complete()]
    if login is not None:
        given_away = filter(None, map(_GIVEN_AWAY.fullmatch, recordings.complete()))
        to_login = [sql.SQL(each[1]) + sql.Identifier(login) for each in given_away]
        statements += [sql.Literal(each.as_string(connection.connection)) for each in to_login]
    composed = sql.SQL(_BODY).format(
        login=sql.Literal(login),
        form=sql.Literal(f"^{SCHEMA_NAME.pattern}$"),
        before=sql.SQL(_BEFORE if login else ""),
        statements=sql.SQL(",\n").join(statements),
        after=sql.SQL(_AFTER if login else ""),
    )
    return composed.as_string(connection.connection)


def _mark(login: str | None) -> str:
    """A digest of all that the function is made of."""
    names = sorted(".".join(name) for name in recordings.known())
    return hashlib.sha256(
        "\n".join((login or "", _FUNCTION, _BEFORE, _AFTER, _BODY, *names)).encode()
    ).hexdigest()
