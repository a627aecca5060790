"""The same night on data that nobody here wrote. Long; skipped where the data is not at hand."""

import os
from pathlib import Path

import duckdb
import pytest

from ingest.core.contract import business_names
from tests.pipeline.nights import PROJECT, must_run

DATA = Path(os.environ.get("MEMBER_DATA") or PROJECT.parent / "shared" / "data")


@pytest.mark.long
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no third-party data in {DATA} (MEMBER_DATA)")
def test_three_nights_on_third_party_data_pass_every_invariant(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    said = must_run(lake, "dags", "real", "--data", str(DATA), "--nights", "3")
    assert "0 invariants broken" in said
    with duckdb.connect(
        lake / "published" / "current" / "marts.duckdb", read_only=True
    ) as connection:
        lines = connection.execute(
            "select sum(row_count) from fct_load_reconciliation where table_name = 'sales'"
        ).fetchall()
        invoices = connection.execute(
            "select sum(row_count), sum(loaded_count), sum(loaded_total_fen), min(is_balanced) "
            "from fct_load_reconciliation where table_name = 'invoice_lines'"
        ).fetchall()
        behaviours = connection.execute(
            "select count(*), count(offer_id) from fct_behaviours"
        ).fetchall()
        settled = connection.execute("select sum(net_fen) from fct_settlement_statements")
        assert settled.fetchall() == [(0,)]
    assert lines[0][0] > 1_300_000
    # A year of invoices of another till: every line, and 9,747,747.93 in all.
    assert invoices == [(541_909, 541_909, 974_774_793, True)]
    assert behaviours == [(167_581, 167_581)]
    # The set's sales_value is 4,596,039.58: all of it is settled with the stores, month by month.
    # Its year ends with the third night, 3 September, so that it touches 14 months.
    merchants = " ".join(must_run(lake, "exports", "merchants").split())
    assert "155,321 4,596,039.58" in merchants
    assert "gross - commission - fee - payable = 0.00 14 months, 0 of them not zero" in merchants
    assert "0 documents of 155,321 orders not settled" in merchants
    parties = {path.parent.name for path in (lake / "outbox" / "statements").glob("*/*/*.xlsx")}
    assert parties == {"fund", *(business_names(PROJECT / "dbt_project") or [])}
