"""Rows that a person released from quarantine, taken in with the next night as late data."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingest.core.contract import Source
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.privacy import Keys, unseal
from ingest.decisions import Decision, released_since
from ingest.deliveries import DELIVERIES, RELEASED, Record
from ingest.partitions import normal_forms, raw_rows, restricted_rows
from ingest.quarantine import QuarantinedRow, Texts, handed_over_fen, recheck, refused_rows
from ingest.staged import StagedFile
from ingest.versions import released_version

RELEASED_NAME = "released"  # of the file in each zone that holds a night's releases


@dataclass
class Released:
    """Releases of one night: finished files by table and zone, and rows of the ledger."""

    files: dict[str, dict[str, Path]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)


def take_in_releases(lake: Lake, source: Source, night: date, keys: Keys, aside: Path) -> Released:
    """Stage all rows that were released since the night before."""
    released = Released()
    by_table = defaultdict(list)
    for decision in released_since(lake, source.name, night):
        by_table[decision.table_name].append(decision)
    for table, decisions in sorted(by_table.items()):
        staged = StagedFile(aside / table, RELEASED_NAME)
        for decision in decisions:
            released.records += _take_in(lake, source, decision, keys, staged)
        released.files[table] = staged.close()
    return released


def corrections_context(decision: Decision) -> str:
    """What the corrected values of a decision are bound to."""
    return f"{decision.source}|{decision.table_name}|decision|{decision.quarantine_id}"


def _take_in(
    lake: Lake, source: Source, decision: Decision, keys: Keys, staged: StagedFile
) -> Iterator[Record]:
    """Stage one row; the ledger's row of it if it comes out of quarantine/."""
    row = _refused_row(lake, decision)
    if row is None:
        staged.add("raw", _contradicting_row(lake, decision))
        return
    version = released_version(row.version, decision.effective_from)
    corrections = _corrections(decision, keys)
    handed_over = handed_over_fen(lake, source, row, keys)
    delivered, checked = recheck(lake, source, row, version, corrections, keys)
    forms = normal_forms(delivered.table.columns, checked.texts)
    staged.add("raw", raw_rows(delivered, checked, forms))
    sealed = restricted_rows(delivered, checked, forms)
    if sealed is not None:
        staged.add("restricted", sealed[0])
        staged.add("restricted/keys", sealed[1])
    has_total = delivered.table.control_total is not None
    yield {
        **dict.fromkeys(DELIVERIES.names),
        "source": row.source,
        "table_name": row.table_name,
        "business_date": row.business_date,
        "source_file": row.source_file,
        "source_sha256": row.source_sha256,
        "kept_count": 1,
        "quarantined_count": -1,
        "kept_total_fen": checked.kept_total.fen if has_total else None,
        "quarantined_total_fen": -handed_over if has_total else None,
        "status": RELEASED,
        "reason": f"{decision.decided_by}: {decision.reason}",
    }


def _refused_row(lake: Lake, decision: Decision) -> QuarantinedRow | None:
    rows = refused_rows(lake, decision.source, decision.table_name, decision.load_date)
    return next((row for row in rows if row.quarantine_id == decision.quarantine_id), None)


def _contradicting_row(lake: Lake, decision: Decision) -> pa.Table:
    """The row in raw/ that a decision chose, in the version that makes it count."""
    place = (decision.source, decision.table_name, decision.load_date)
    for path in sorted(lake.partition("raw", *place).glob("*.parquet")):
        is_chosen = (pc.field("_source_file") == decision.source_file) & (
            pc.field("_source_row") == decision.source_row
        )
        rows = pq.read_table(path, filters=is_chosen, partitioning=None)
        if rows.num_rows:
            version = released_version(rows["_version"][0].as_py(), decision.effective_from)
            index = rows.schema.get_field_index("_version")
            return rows.set_column(index, "_version", pa.array([version], pa.int64()))
    raise Problem(f"the row of decision {decision.quarantine_id} is gone from raw/; restore it")


def _corrections(decision: Decision, keys: Keys) -> Texts:
    if not decision.sealed:
        return {}
    sealed, wrapped = bytes.fromhex(decision.sealed), bytes.fromhex(decision.wrapped_key)
    values: Texts = json.loads(unseal(keys, wrapped, sealed, corrections_context(decision)))
    return values
