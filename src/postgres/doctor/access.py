"""Whether the roles may do what they must, and no more, on a schema that is up to date."""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from postgres.connections import Connection
from postgres.doctor.findings import Finding
from postgres.doctor.grants import needed
from postgres.migrate import REMEDY, MigrationError, Schema, SchemaNewerError, look
from postgres.privileges import (
    TooMuchPrivilegeError,
    check_service_privileges,
    needless_privileges,
    owns_schema,
)
from postgres.rows import fetch_all, fetch_one
from postgres.session import SessionError
from postgres.statements import Statement, Statements

_OWN_ROLE = (
    "give the service a role of its own, not the owner: see *The database* in docs/operating.md"
)


class Sql(Statements):
    """Asking what a role is, and what it may not do."""

    role: Statement
    tables: Statement
    lacking: Statement
    not_callable: Statement


SQL = Sql(__file__)


class _Role(NamedTuple):
    name: str
    is_superuser: bool
    may_create: bool
    may_go_around: bool


def access(
    schema: Schema, service: Connection, url: str, *, has_one_credential: bool
) -> Iterator[Finding]:
    """Check the schema, and what the role of `service`, a session of `url`, may do. Raises psycopg.Error."""
    up_to_date = _schema(schema, service)
    yield up_to_date
    yield from _attributes(service)
    if up_to_date.verdict != "ok":
        return  # what may be done with a schema that is another than ours says nothing
    yield _too_much(url, has_one_credential=has_one_credential)
    yield from _needless(service)
    yield from _lacking(schema, service)


def _schema(schema: Schema, service: Connection) -> Finding:
    try:
        state = look(schema, service)
    except SchemaNewerError as error:
        remedy = "run the newest version of Roundbook on all hosts"
        return Finding("schema", "wrong", str(error), remedy)
    except MigrationError as error:
        return Finding("schema", "wrong", str(error).removesuffix(f": {REMEDY}"), REMEDY)
    if state.newer is not None:
        what = f"at step {state.newer:04d}, of a newer version; this one goes on with it"
        return Finding("schema", "ok", what)
    if not state.missing:
        return Finding("schema", "ok", f"up to date at step {schema.migrations()[-1].number:04d}")
    listed = ", ".join(f"{step.number:04d} {step.name}" for step in state.missing)
    return Finding("schema", "wrong", f"these steps are missing: {listed}", REMEDY)


def _attributes(service: Connection) -> Iterator[Finding]:
    role = fetch_one(service, SQL.role, None, _Role)
    if role is None:
        return
    if role.is_superuser:
        what = f"the role {role.name!r} that serves is a superuser: it may do anything"
        yield Finding("role", "wrong", what, _OWN_ROLE)
    elif role.may_create or role.may_go_around:
        what = f"the role {role.name!r} that serves may create roles or databases, or replicate"
        remedy = (
            "`alter role … nocreaterole nocreatedb noreplication nobypassrls`, as the superuser"
        )
        yield Finding("role", "wrong" if role.may_create else "warning", what, remedy)
    else:
        yield Finding("role", "ok", f"{role.name!r} has no attribute beyond login")


def _too_much(url: str, *, has_one_credential: bool) -> Finding:
    try:
        if has_one_credential and owns_schema(url):
            what = "one credential owns the schema and serves, so the service can alter the log"
            return Finding("log", "warning", what, _OWN_ROLE)
        check_service_privileges(url)
    except TooMuchPrivilegeError as error:
        return Finding("log", "wrong", str(error), _OWN_ROLE)
    except (SessionError, MigrationError) as error:  # told of elsewhere, too
        return Finding("log", "wrong", f"can't be told: {error}")
    return Finding("log", "ok", "the role that serves can add to it, and can't alter it")


def _needless(service: Connection) -> Iterator[Finding]:
    found = needless_privileges(service)
    for each in found:
        what = f"the role that serves may {each.may}"
        yield Finding("needless rights", "warning", what, f"`{each.remedy}`")
    if not found:
        yield Finding("needless rights", "ok", "there are none")


def lacking_rights(schema: Schema, service: Connection) -> list[str]:
    """List what the role of a session needs and may not do, as `insert on events`. Raises psycopg.Error."""
    lacking = []
    wanted = needed(schema.grants(), fetch_all(service, SQL.tables, None, str))
    tables, rights = zip(*wanted.rights, strict=True)
    found = fetch_all(
        service, SQL.lacking, {"tables": list(tables), "rights": list(rights)}, _TableRight
    )
    for right, of in groupby(sorted(found, key=lambda each: each.right), lambda each: each.right):
        lacking.append(f"{right} on {', '.join(each.name for each in of)}")
    functions = {"functions": wanted.functions}
    lacking += [
        f"execute on {name}" for name in fetch_all(service, SQL.not_callable, functions, str)
    ]
    return lacking


def _lacking(schema: Schema, service: Connection) -> Iterator[Finding]:
    if lacking := lacking_rights(schema, service):
        yield Finding("needed rights", "wrong", f"missing: {'; '.join(lacking)}", REMEDY)
    else:
        yield Finding("needed rights", "ok", "all are granted")


class _TableRight(NamedTuple):
    name: str
    right: str
