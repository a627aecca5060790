"""The recipe of CONTRIBUTING, performed: a theme park joins a copy of the project."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.house.project import files
from tests.pipeline.nights import PROJECT, environment_of

NEW_FILES = Path(__file__).parent / "fifth_business"
NIGHT = "2026-10-29"


def edit(path: Path, pattern: str, new: str) -> None:
    text, count = re.subn(pattern, new, path.read_text(encoding="utf-8"), flags=re.M)
    assert count == 1, f"{path}: the line that the recipe edits is not there"
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the theme park's files in it and one line edited in two files."""
    copy = tmp_path_factory.mktemp("group") / "project"
    for path in files():
        if not (PROJECT / path).is_relative_to(NEW_FILES):
            target = copy / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / path, target)
    for path in NEW_FILES.rglob("*.*"):
        target = copy / path.relative_to(NEW_FILES)
        target.parent.mkdir(parents=True, exist_ok=True)
        assert not target.exists(), (
            f"{target} is there already: the recipe adds, it changes nothing"
        )
        shutil.copy(path, target)
    listed = r"^(  businesses: \[[^\]]*)\]$"
    edit(copy / "dbt_project" / "dbt_project.yml", listed, r"\1, themepark]")
    line = "| 2026-11-01 | Theme park joins. | none |"
    edit(copy / "CHANGELOG.md", r"^\|---\|---\|---\|$", rf"\g<0>\n{line}")
    subprocess.run(["git", "init", "--quiet"], cwd=copy, check=True)
    return copy


@pytest.fixture(scope="module")
def marts(project: Path) -> duckdb.DuckDBPyConnection:
    """The published marts after a night of the demo group with one business more."""
    command = ["dags", "demo", "--people", "400", "--nights", "1", "--from", NIGHT]
    done = run(project, *command)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    current = project.parent / "lake" / "published" / "current"
    return duckdb.connect(current / "marts.duckdb", read_only=True)


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    lake = project.parent / "lake"
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        env=environment_of(lake) | {"PYTHONPATH": os.fspath(project)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_house_still_stands_with_a_fifth_business(project: Path) -> None:
    done = run(project, "pytest", "-q", "-p", "no:cacheprovider", "tests/house")
    assert done.returncode == 0, done.stdout


def test_pass_holders_are_members_that_the_group_knew_already(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    query = """
        select count(*) as passes, count(*) filter (where has_other) as known
        from (
            select
                source,
                count(*) over (partition by member_id)
                    > count(*) filter (where source = 'tickets') over (partition by member_id)
                    as has_other
            from dim_member_accounts
        )
        where source = 'tickets'
    """
    passes, known = marts.sql(query).fetchall()[0]
    assert passes > 50
    assert known > passes / 4


def test_the_park_awards_by_its_own_rule_and_settles(marts: duckdb.DuckDBPyConnection) -> None:
    # Every ticket order is at least 299 yuan and the park gives double points.
    least = marts.sql(
        "select min(points), count(*) from fct_points_entries "
        "where entry_type = 'accrual' and issuer_business = 'themepark'"
    ).fetchall()[0]
    assert least[0] == 598
    assert least[1] > 100
    settled = "select party, sum(net_fen) over () from fct_settlement_statements order by party"
    parties = marts.sql(settled).fetchall()
    assert {total for _, total in parties} == {0}
    assert {party for party, _ in parties} >= {"themepark", "fund", "hotel"}


def test_the_park_has_a_statement_to_open(project: Path, marts: duckdb.DuckDBPyConnection) -> None:
    statements = project.parent / "lake" / "outbox" / "statements"
    assert list(statements.glob("*/themepark/*.xlsx"))


@pytest.mark.usefixtures("marts")
def test_the_unit_test_beside_the_parks_model_passes(project: Path) -> None:
    done = run(project, "dags", "dbt", "test", "--select", "int_themepark__activities")
    assert done.returncode == 0, done.stdout
    assert "PASS=1" in done.stdout


def test_wechat_is_open_by_the_payments_that_its_bill_lacks_and_by_nothing_else(
    project: Path, marts: duckdb.DuckDBPyConnection
) -> None:
    facts = json.loads((project.parent / "lake" / "demo" / "facts.json").read_text("utf-8"))
    missing = facts["hazards"]["pos"]["payments_missing_in_bill"]
    late = facts["hazards"]["pos"]["payments_after_midnight"]
    of_payments = "from fct_settlement_exceptions where till_fen is not null"
    counted = f"select reason, count(*) {of_payments} group by reason"
    reasons = dict(marts.sql(counted).fetchall())
    lacking = reasons.get("not_in_bill", 0) + reasons.get("bill_awaited", 0)
    assert lacking >= missing
    assert reasons.get("bill_awaited", 0) <= late
    assert reasons.keys() <= {"not_in_bill", "bill_awaited", "not_settled"}
    # Paid by receipts whose own rows were refused.
    unsettled = "select count(*) from fct_settlement_exceptions where reason = 'not_settled'"
    has_order = f"{unsettled} and document_no in (select document_no from fct_activities)"
    assert marts.sql(has_order).fetchall() == [(0,)]
    sums = "select sum(till_count), sum(bill_count), sum(exception_count)"
    found = marts.sql(f"{sums} from fct_clearing_accounts").fetchall()
    [(at_tills, in_bills, exceptions)] = found
    assert at_tills > 1_000
    assert at_tills - in_bills == lacking
    assert exceptions == sum(reasons.values())


def test_every_split_is_what_the_bill_paid_but_for_failed_ones_and_payments_open_themselves(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    """The demo group works out by itself what each shop gets, returns and vouchers included."""
    statuses = (
        "select status, count(*) from fct_split_instructions where billed_fen <> 0 group by 1"
    )
    found = dict(marts.sql(statuses).fetchall())
    assert found.keys() <= {"split", "return_ready"}
    assert found["split"] > 100
    # What came back tonight is returned tomorrow.
    returned = f"""
        select count(*) from fct_split_instructions
        where status = 'return_ready' and activity_id not in (
            select reverses_activity_id from fct_activities
            where activity_type = 'refund' and business_date = '{NIGHT}')
    """
    assert marts.sql(returned).fetchall() == [(0,)]
    open_splits = "from fct_settlement_exceptions where instructed_fen is not null"
    reasons = f"select distinct reason {open_splits}"
    assert set(marts.sql(reasons).fetchall()) <= {("split_not_instructed",)}
    alone = f"""
        select count(*) {open_splits} and payment_no not in (
            select payment_no from fct_settlement_exceptions where till_fen is not null)
    """
    assert marts.sql(alone).fetchall() == [(0,)]
    # Sent tomorrow: what was sold today, and what failed, as the first of every Tuesday does.
    unpaid = """
        select count(*), count(*) filter (where weekday <> 2 and business_date <> last_date)
        from (
            select *, isodow(business_date) as weekday, max(business_date) over () as last_date
            from fct_split_instructions where status = 'ready'
        )
    """
    [(ready, unexplained)] = marts.sql(unpaid).fetchall()
    assert ready > 2
    assert unexplained == 0
