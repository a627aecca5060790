"""What is written of a table of records, and how right it is."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from identity_resolution.engine import DuckDbEngine
from identity_resolution.evaluate import Evaluation, compare
from identity_resolution.records.blocking import Ints
from identity_resolution.records.explain import explanations
from identity_resolution.records.keys import identified_pairs
from identity_resolution.records.linkage import components
from identity_resolution.records.matching import Matching, match_records
from identity_resolution.records.plain import USUAL_THRESHOLD, plain_clusters
from identity_resolution.records.settings import load_record_settings
from identity_resolution.records.table import Records, read_records
from ingest.core.lake import write_parquet

OURS = "identity_resolution"
CUT_FOUND_BY = "the cut whose expected F1, by the pairs' own probabilities, is the highest"


@dataclass(frozen=True)
class Report:
    """One table resolved: what was written, and the figures of each method that was judged."""

    folder: Path
    figures: dict[str, Any]
    evaluations: dict[str, Evaluation]

    def table(self) -> str:
        """The figures as Markdown."""
        lines = ["| figure | value |", "|---|---:|"]
        lines += [f"| {name} | {_shown(value)} |" for name, value in self.figures.items()]
        if self.evaluations:
            lines += ["", *methods_table(self.evaluations)]
        return "\n".join([*lines, "", f"written to {self.folder}"])


def evaluate_records(
    path: Path,
    settings: Path,
    out: Path | None = None,
    truth: str | None = None,
    is_compared: bool = False,
    engine: str = "duckdb",
) -> Report:
    """Resolve a table of records, write what came out, and judge it where the truth is known.

    is_compared: also judge plain Splink and identifying keys alone.
    """
    records = read_records(path, load_record_settings(settings), truth)
    matching = match_records(records, engine)
    folder = out or path.with_suffix(".resolved")
    write_parquet(clusters_table(records, matching.cluster), folder / "clusters.parquet")
    write_parquet(scores_table(records, matching), folder / "scores.parquet")
    write_parquet(explanations(records, matching), folder / "explanations.parquet")
    evaluations = {} if truth is None else {OURS: judge(records, matching.cluster)}
    if truth is not None and is_compared:
        evaluations |= compared(records, engine)
    report = Report(folder, figures_of(records, matching), evaluations)
    judged = {
        name: {**asdict(one), "precision": one.precision, "recall": one.recall, "f1": one.f1}
        for name, one in evaluations.items()
    }
    text = json.dumps({**report.figures, "methods": judged}, indent=2, ensure_ascii=False)
    (folder / "figures.json").write_text(text + "\n", encoding="utf-8")
    return report


def figures_of(records: Records, matching: Matching) -> dict[str, Any]:
    """Counts and the automatic threshold."""
    sizes = np.unique(matching.cluster, return_counts=True)[1]
    return {
        "records": len(records),
        "columns compared": len(records.fields),
        "candidate pairs": matching.candidate_count,
        "expected pairs of one person": round(matching.weighed.match_count, 1),
        "expected pairs of one household": round(matching.weighed.household_count, 1),
        "threshold in bits of the mean pair": round(matching.cut.threshold, 3),
        "threshold found by": CUT_FOUND_BY,
        "expected F1": round(matching.cut.expected_f1, 4),
        "clusters": len(sizes),
        "records not alone": int(sizes[sizes > 1].sum()),
        "pairs linked": int((sizes * (sizes - 1) // 2).sum()),
        "largest cluster": int(sizes.max(initial=0)),
    }


def clusters_table(records: Records, cluster: Ints) -> pa.Table:
    """Each record and its cluster, which is named by the smallest id in it."""
    ids = np.array(records.ids, dtype=object)
    name: dict[int, str] = {}
    for record_id, number in zip(ids, cluster.tolist(), strict=True):
        name[number] = min(name.get(number, record_id), record_id)
    columns = {"record_id": ids, "cluster_id": [name[number] for number in cluster.tolist()]}
    table = pa.table({key: pa.array(values, pa.string()) for key, values in columns.items()})
    return table.sort_by([("cluster_id", "ascending"), ("record_id", "ascending")])


def scores_table(records: Records, matching: Matching) -> pa.Table:
    """The compared pairs that are possible at all, the likeliest first."""
    ids = np.array(records.ids, dtype=object)
    weight = matching.weight
    return pa.table(
        {
            "record_id_1": pa.array(ids[matching.scores.low], pa.string()),
            "record_id_2": pa.array(ids[matching.scores.high], pa.string()),
            "match_weight": pa.array(np.round(weight, 4), pa.float64()),
            "match_probability": 1 / (1 + np.exp2(-np.clip(weight, -60, 60))),
        }
    ).sort_by(
        [
            ("match_weight", "descending"),
            ("record_id_1", "ascending"),
            ("record_id_2", "ascending"),
        ]
    )


def compared(records: Records, engine: str) -> dict[str, Evaluation]:
    """Plain Splink and identifying keys alone on the same cleaned records."""
    keys = components(len(records), *identified_pairs(records))
    return {**plain_splink(records, engine), "identifying keys alone": judge(records, keys)}


def plain_splink(records: Records, engine: str) -> dict[str, Evaluation]:
    """Plain Splink at its usual threshold and at that which the truth says is its best; nothing
    where it cannot learn from the records.
    """
    plain = {at: judge(records, found) for at, found in plain_clusters(records, engine).items()}
    if not plain:
        return {}
    best = max(plain, key=lambda at: plain[at].f1)
    return {
        f"plain Splink at {USUAL_THRESHOLD}": plain[USUAL_THRESHOLD],
        f"plain Splink at its best, {best}": plain[best],
    }


def judge(records: Records, cluster: Ints) -> Evaluation:
    """Compare clusters with the truth; records whose person is unknown are left out."""
    assert records.truth is not None, "only tables with a truth are judged"
    source = pa.array(["records"] * len(records), pa.string())
    number = pa.array(range(len(records)), pa.int64())
    person = pa.array(records.truth, pa.string())
    links = pa.table({"source": source, "account_id": number, "member_id": pa.array(cluster)})
    truth = pa.table({"source": source, "account_id": number, "person_id": person})
    with duckdb.connect() as connection:
        connection.register("links", links)
        connection.register("truth", truth.filter(truth["person_id"].is_valid()))
        return compare(DuckDbEngine(connection))


def methods_table(evaluations: dict[str, Evaluation]) -> list[str]:
    """Methods side by side, as lines of Markdown."""
    lines = [
        "| method | P | R | F1 | B³ P | B³ R | B³ F1 | over-merged | under-merged |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, one in evaluations.items():
        shares = (one.precision, one.recall, one.f1, one.b3_precision, one.b3_recall, one.b3_f1)
        figures = " | ".join(f"{share:.4f}" for share in shares)
        lines.append(f"| {name} | {figures} | {one.over_merged_count} | {one.under_merged_count} |")
    return lines


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
