"""Statements and the names that their module declares: no more and no less on either side."""

from pathlib import Path

import pytest
from mypy import api as mypy

from postgres.statements import Statement, Statements, StatementsError, scripts

SQL = """
-- name: one(tenant_id, name)
-- What it is for.
select 'a:b', 1::int from tenants where tenant_id = :tenant_id and name = :name;

-- name: two()!
delete from tenants;

-- name: step_0042_more()#
-- A step.
create table more (share numeric check (share % 1 = 0));
create index more_by_share on more (share);
"""

MODULE = """
from postgres.statements import Statement, Statements


class Sql(Statements):
    find_rounds: Statement


SQL = Sql(__file__)
SQL.find_{}
"""


@pytest.fixture
def module_file(tmp_path: Path) -> str:
    (tmp_path / "module.sql").write_text(SQL)
    return str(tmp_path / "module.py")


def test_each_has_its_name_and_its_text_as_psycopg_takes_it(module_file: str) -> None:
    class Sql(Statements):
        one: Statement
        two: Statement

    found = Sql(module_file)
    assert found.one == Statement(
        "one",
        "select 'a:b', 1::int from tenants where tenant_id = %(tenant_id)s and name = %(name)s;",
    )
    assert found.two == Statement("two", "delete from tenants;")


def test_a_name_that_the_file_does_not_have_fails_the_import(module_file: str) -> None:
    class Sql(Statements):
        one: Statement
        tow: Statement

    with pytest.raises(
        StatementsError, match=r"^module\.sql: two stand in the file alone, tow in .+ alone$"
    ):
        Sql(module_file)


def test_a_statement_that_is_not_declared_fails_the_import(module_file: str) -> None:
    class Sql(Statements):
        one: Statement

    with pytest.raises(StatementsError, match=r"two stand in the file alone, none in"):
        Sql(module_file)


def test_scripts_are_read_apart(module_file: str) -> None:
    assert scripts(Path(module_file).with_suffix(".sql")) == {
        "step_0042_more": "-- A step.\ncreate table more (share numeric check (share % 1 = 0));\n"
        "create index more_by_share on more (share);"
    }


def test_a_misspelt_name_fails_the_type_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = Path(__file__).parents[2]
    monkeypatch.setenv("MYPYPATH", str(root / "src"))
    for name in ("rounds", "round"):
        (tmp_path / f"uses_{name}.py").write_text(MODULE.format(name))
    options = ["--strict", "--config-file=", "--follow-imports=silent"]
    cache = ["--cache-dir", str(tmp_path / "cache")]
    said, _, status = mypy.run([*options, *cache, str(tmp_path)])
    assert status == 1
    assert "uses_rounds.py" not in said
    assert 'uses_round.py:10: error: "Sql" has no attribute "find_round"' in said
