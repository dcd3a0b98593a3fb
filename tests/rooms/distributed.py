"""What a statement must be like to run where tables are distributed by tenant (docs/scaling.md).

Statements are parsed by PostgreSQL's own parser (pglast). Each rule names what Citus does otherwise.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pglast import ast, parse_sql
from pglast.enums import A_Expr_Kind, BoolExprType
from pglast.visitors import Visitor

from api.schema import SCHEMA
from postgres.statements import Statement, statements_of
from tests.rooms.ownership import known_tables

_FUNCTION = re.compile(r"create (?:or replace )?function (?:roundbook\.)?(\w+)")
_NAMED = re.compile(r"%\((\w+)\)s")

NOT_OF_TENANTS = {*SCHEMA.shared, "migrations"}


class Fault(NamedTuple):
    """A statement that breaks a rule, and at which table."""

    statement: str
    rule: str
    table: str


Allowed = Mapping[str, Collection[str]]
"""By rule, the statements that need not keep it."""


def faults(src: Path, allowed: Allowed) -> list[Fault]:
    """Find all in a source tree."""
    distributed = known_tables(src) - NOT_OF_TENANTS
    functions = set(_FUNCTION.findall("".join(file.read_text() for file in src.rglob("*.sql"))))
    return [
        fault
        for path in sorted(src.rglob("*.sql"))
        for statement in statements_of(path)
        for fault in _of(statement, _Finder(distributed, functions), allowed)
    ]


def _of(statement: Statement, finder: "_Finder", allowed: Allowed) -> Iterator[Fault]:
    numbers: dict[str, int] = {}
    text = _NAMED.sub(
        lambda found: f"${numbers.setdefault(found[1], len(numbers) + 1)}", statement.sql
    ).replace("%%", "%")
    for raw in parse_sql(text):
        for rule, table in finder.look(raw, numbers.get("tenant_id")):
            if statement.name not in allowed.get(rule, ()):
                yield Fault(statement.name, rule, table)


ONE_TENANT = "each table of tenants is read by `tenant_id = …` of its own"
"""Else the statement goes to every shard of every node, and its locks too."""
NAMED_TENANT = "what is inserted names its tenant"
"""Else Citus refuses it: it does not know to which node it goes."""
CONFLICT = "a conflict is looked for within a tenant"
"""A unique constraint that does not hold tenant_id can't be distributed."""
PULLED = "rows that are given as arrays are inserted beside a row of their tenant"
"""Else the coordinator makes the rows itself, and sends them on to the node by a second way."""
SET_TENANT = "no row changes its tenant"
"""Citus refuses to set what a table is distributed by."""
ROW_LOCK = "a row lock is taken on a table of tenants"
"""On a table that every node has, Citus takes a lock of the whole table on every node: all tenants wait."""
UNSTABLE = "what changes or deletes a row calls nothing that gives another value each time"
"""Citus refuses it, as replicas of a shard would differ: a value is made before, and given."""
FUNCTION_JOIN = "a function of ours is not joined with a table of tenants"
"""It would be called on the node, where Citus lets it read no table of tenants."""
SNAPSHOT = "what a snapshot shows is asked for by itself"
"""Beside rows it would be that of a node, which numbers transactions by itself."""

BY_PARAMETER = "a query within another names the tenant by the parameter"
"""By a column of the query around it Citus can't tell the shard: it asks all, and refuses row locks."""
EMPTY_FROM = "what is joined has a FROM of its own"
"""Else Citus refuses the queries within it that ask for rows of a tenant."""

ONE_QUERY = "what is asked of all tenants is united within a FROM"
"""Else each part goes to every shard by itself."""

_VOLATILE = {"clock_timestamp", "gen_random_uuid", "random"}
_UNSTABLE = {*_VOLATILE, "now", "statement_timestamp"}
_SNAPSHOT = {"pg_current_snapshot", "pg_current_xact_id"}


class _Finder(Visitor):
    def __init__(self, distributed: set[str], functions: set[str]) -> None:
        self._distributed = distributed
        self._functions = functions
        self._tenant: int | None = None
        self.faults: list[tuple[str, str]] = []
        super().__init__()

    def look(self, statement: Any, tenant: int | None) -> list[tuple[str, str]]:
        """Return the rules that a statement breaks, whose tenant is the parameter with that number."""
        self._tenant, self.faults = tenant, []
        self(statement)
        open_ = [table for rule, table in self.faults if rule == ONE_TENANT]
        if open_ and isinstance(statement.stmt, ast.SelectStmt) and statement.stmt.op:
            self.faults.append((ONE_QUERY, open_[0]))
        return self.faults

    def visit_SelectStmt(self, _: Any, node: Any) -> None:  # noqa: N802  # as pglast calls it
        relations, conditions = _from(node.fromClause or ())
        conditions += _and(node.whereClause)
        self._check_tenant(relations, conditions, _derived(node.fromClause or ()))
        self._check_functions(relations, node)
        mine = [relation.relname for relation in relations if self._is_of_tenants(relation)]
        if mine and _joins_empty_from(node.fromClause):
            self.faults.append((EMPTY_FROM, mine[0]))
        for lock in node.lockingClause or ():
            named = {each.relname for each in lock.lockedRels or ()}
            for relation in relations:
                if (not named or _alias(relation) in named) and not self._is_of_tenants(relation):
                    self.faults.append((ROW_LOCK, relation.relname))

    def visit_UpdateStmt(self, _: Any, node: Any) -> None:  # noqa: N802  # as pglast calls it
        relations, conditions = _from(node.fromClause or ())
        beside = _derived(node.fromClause or ())
        self._check_tenant([node.relation, *relations], conditions + _and(node.whereClause), beside)
        self._check_set(node.relation, node.targetList)
        self._check_stable(node)

    def visit_DeleteStmt(self, _: Any, node: Any) -> None:  # noqa: N802  # as pglast calls it
        relations, conditions = _from(node.usingClause or ())
        beside = _derived(node.usingClause or ())
        self._check_tenant([node.relation, *relations], conditions + _and(node.whereClause), beside)
        self._check_stable(node)

    def visit_InsertStmt(self, _: Any, node: Any) -> None:  # noqa: N802  # as pglast calls it
        if not self._is_of_tenants(node.relation):
            return
        if node.cols and "tenant_id" not in {column.name for column in node.cols}:
            self.faults.append((NAMED_TENANT, node.relation.relname))
        if _is_pulled(node.selectStmt):
            self.faults.append((PULLED, node.relation.relname))
        conflict = node.onConflictClause
        if conflict and conflict.infer:
            held = {element.name for element in conflict.infer.indexElems or ()}
            if "tenant_id" not in held:
                self.faults.append((CONFLICT, node.relation.relname))
        if conflict and conflict.targetList:
            self._check_set(node.relation, conflict.targetList)
            if _called(conflict) & _UNSTABLE:
                self.faults.append((UNSTABLE, node.relation.relname))

    def visit_CopyStmt(self, _: Any, node: Any) -> None:  # noqa: N802  # as pglast calls it
        named = {column.sval for column in node.attlist or ()}
        if node.relation and self._is_of_tenants(node.relation) and "tenant_id" not in named:
            self.faults.append((NAMED_TENANT, node.relation.relname))

    def _is_of_tenants(self, relation: Any) -> bool:
        return relation.relname in self._distributed

    def _check_set(self, relation: Any, targets: Any) -> None:
        if self._is_of_tenants(relation) and "tenant_id" in {each.name for each in targets}:
            self.faults.append((SET_TENANT, relation.relname))

    def _check_stable(self, change: Any) -> None:
        if self._is_of_tenants(change.relation) and _called(change) & _VOLATILE:
            self.faults.append((UNSTABLE, change.relation.relname))

    def _check_functions(self, relations: list[Any], node: Any) -> None:
        mine = [relation.relname for relation in relations if self._is_of_tenants(relation)]
        called = _called_in_from(node.fromClause or ())
        if mine and called & self._functions:
            self.faults.append((FUNCTION_JOIN, mine[0]))
        if mine and _called(node) & _SNAPSHOT:
            self.faults.append((SNAPSHOT, mine[0]))

    def _check_tenant(
        self, relations: list[Any], conditions: list[Any], beside: Collection[str] = ()
    ) -> None:
        mine = [relation for relation in relations if self._is_of_tenants(relation)]
        here = {*map(_alias, relations), *beside}
        bound = set()
        for condition in conditions:
            for own, other in _equal(condition):
                column = _column(own)
                if column is None or column[-1] != "tenant_id":
                    continue
                if isinstance(other, ast.ParamRef) and other.number != self._tenant:
                    continue
                named = _column(other) or ("",)
                if isinstance(other, ast.ParamRef) or named[-1] == "tenant_id":
                    bound |= (
                        {column[0]} if len(column) > 1 else {_alias(mine[0])} if mine else set()
                    )
                if self._tenant is not None and len(named) > 1 and named[0] not in here and mine:
                    self.faults.append((BY_PARAMETER, mine[0].relname))
        for relation in mine:
            if _alias(relation) not in bound:
                self.faults.append((ONE_TENANT, relation.relname))


def _from(clause: Any) -> tuple[list[Any], list[Any]]:
    """Return the tables of a FROM, without those of queries in it, and the conditions of its joins."""
    relations: list[Any] = []
    conditions: list[Any] = []
    for each in clause:
        if isinstance(each, ast.RangeVar):
            relations.append(each)
        elif isinstance(each, ast.JoinExpr):
            inner, more = _from((each.larg, each.rarg))
            relations += inner
            conditions += more + _and(each.quals)
    return relations, conditions


def _subqueries(clause: Any) -> Iterator[Any]:
    """Give the queries that stand in a FROM as tables do."""
    for each in clause:
        if isinstance(each, ast.RangeSubselect):
            yield each
        elif isinstance(each, ast.JoinExpr):
            yield from _subqueries((each.larg, each.rarg))


def _derived(clause: Any) -> set[str]:
    return {each.alias.aliasname for each in _subqueries(clause) if each.alias}


def _joins_empty_from(clause: Any) -> bool:
    return any(
        isinstance(each.subquery, ast.SelectStmt)
        and not each.subquery.fromClause
        and not each.subquery.valuesLists
        and not each.subquery.op
        for each in _subqueries(clause)
    )


class _Calls(Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()
        super().__init__()

    def visit_FuncCall(self, _: Any, node: Any) -> None:  # noqa: N802  # as pglast calls it
        self.names.add(node.funcname[-1].sval)


def _called(node: Any) -> set[str]:
    calls = _Calls()
    calls(node)
    return calls.names


def _called_in_from(clause: Any) -> set[str]:
    """Return the functions that stand in a FROM as tables do, without those in queries in it."""
    called: set[str] = set()
    for each in clause:
        if isinstance(each, ast.RangeFunction):
            called |= _called(each)
        elif isinstance(each, ast.JoinExpr):
            called |= _called_in_from((each.larg, each.rarg))
    return called


def _is_pulled(select: Any) -> bool:
    """Whether the rows that are inserted come of functions alone, as `unnest`."""
    clause = select.fromClause or ()
    return bool(_called_in_from(clause)) and not _from(clause)[0] and not _derived(clause)


def _and(condition: Any) -> list[Any]:
    if condition is None:
        return []
    if isinstance(condition, ast.BoolExpr) and condition.boolop == BoolExprType.AND_EXPR:
        return [each for part in condition.args or () for each in _and(part)]
    return [condition]


def _equal(condition: Any) -> Iterator[tuple[Any, Any]]:
    if (
        isinstance(condition, ast.A_Expr)
        and condition.kind == A_Expr_Kind.AEXPR_OP
        and [each.sval for each in condition.name or ()] == ["="]
    ):
        yield condition.lexpr, condition.rexpr
        yield condition.rexpr, condition.lexpr


def _column(node: Any) -> tuple[str, ...] | None:
    if not isinstance(node, ast.ColumnRef):
        return None
    return tuple(getattr(field, "sval", "*") for field in node.fields or ())


def _alias(relation: Any) -> str:
    return str(relation.alias.aliasname if relation.alias else relation.relname)
