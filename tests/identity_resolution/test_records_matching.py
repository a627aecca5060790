"""Clusters of tables of records: what decides them, and what must not."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from identity_resolution.__main__ import main
from identity_resolution.records.explain import OTHER, PRIOR, WEAKEST
from identity_resolution.records.linkage import average_linkage, best_cut, cut_tree
from tests.identity_resolution.tables import (
    PEOPLE_COLUMNS,
    matched,
    people,
    twice,
    write,
)


def test_two_groups_join_where_the_mean_pair_speaks_for_it_and_not_where_against() -> None:
    # Records 0 and 1 are one person, and 2 and 3; one of the four pairs between them says 9 bits,
    # the other three -3.5 or -3 each: the mean is -3/8 of a bit or 0.
    low, high = np.array([0, 2, 0, 0, 1, 1]), np.array([1, 3, 2, 3, 2, 3])
    for bits, groups in ((-3.5, 2), (-3.0, 1)):
        weight = np.array([10.0, 10.0, 9.0, bits, bits, bits])
        tree = average_linkage(4, low, high, weight)
        assert tree.height.tolist() == pytest.approx([10.0, 10.0, (9 + 3 * bits) / 4])
        assert len(set(cut_tree(4, tree, 0.0).tolist())) == groups


def test_a_pair_that_nobody_compared_speaks_against_a_merge() -> None:
    # 0-1 and 1-2 are matches of 9 bits; nobody compared 0-2, which counts as -10.
    tree = average_linkage(3, np.array([0, 1]), np.array([1, 2]), np.array([9.0, 9.0]))
    assert tree.height.tolist() == pytest.approx([9.0, -0.5])
    # The third pair would cost little: 2·2 / (3 + 2) is more than 2·1 / (1 + 2).
    assert best_cut(tree, 2.0).threshold == pytest.approx(-0.5)


def test_the_expected_f1_chooses_the_cut() -> None:
    # Sure pairs, then two that are as likely as not: a third of the promise is gained by the first.
    weight = np.array([9.0, 1.0, -1.5])
    tree = average_linkage(6, np.array([0, 2, 4]), np.array([1, 3, 5]), weight)
    likely = 1 / (1 + 2.0**-weight)
    f1 = 2 * np.cumsum(likely) / (np.array([1, 2, 3]) + likely.sum())
    assert best_cut(tree, likely.sum()).threshold == pytest.approx(weight[np.argmax(f1)])


def test_order_ids_and_the_order_of_columns_change_nothing(tmp_path: Path) -> None:
    table = twice(people(300), 4)
    first = matched(tmp_path / "a", table, PEOPLE_COLUMNS, "key").groups()
    assert {group for group in first if len(group) > 1} == {
        frozenset({f"r{number:04d}", f"r{number:04d}-again"}) for number in range(0, 300, 4)
    }
    order = np.random.default_rng(3).permutation(table.num_rows)
    renamed = {key: f"x{place}" for place, key in enumerate(table["key"].to_pylist())}
    other = table.set_column(0, "key", pa.array([renamed[k] for k in table["key"].to_pylist()]))
    columns = dict(reversed(PEOPLE_COLUMNS.items()))
    second = matched(tmp_path / "b", other.take(order), columns, "key").groups()
    assert second == {frozenset(renamed[key] for key in group) for group in first}


@pytest.mark.parametrize("count", [1, 2, 40, 60])
def test_a_table_without_duplicates_stays_as_it_is(tmp_path: Path, count: int) -> None:
    groups = matched(tmp_path, people(count), PEOPLE_COLUMNS, "key").groups()
    assert len(groups) == count


def test_a_table_of_nothing_or_of_one_column_links_nothing_it_cannot_know(tmp_path: Path) -> None:
    table = people(200)
    assert len(matched(tmp_path / "one", table, {"first": "given_name"}).groups()) > 100
    empty = table.set_column(1, "first", pa.nulls(200, pa.string())).slice(0, 50)
    assert len(matched(tmp_path / "null", empty, {"first": "given_name"}).groups()) == 50
    assert matched(tmp_path / "none", table.slice(0, 0), PEOPLE_COLUMNS).groups() == set()


def test_members_of_a_household_and_twins_stay_apart(tmp_path: Path) -> None:
    # Each of 100 homes has two people of one name and address; in ten of them they are twins.
    one, other = people(100, seed=1), people(100, seed=2)
    firsts = [f"{first}a" for first in other["first"].to_pylist()]
    born = one["born"].to_pylist()[:10] + other["born"].to_pylist()[10:]
    partner = (
        one.set_column(0, "key", pa.array([f"p{number}" for number in range(100)]))
        .set_column(1, "first", pa.array(["".join(reversed(first)) for first in firsts]))
        .set_column(3, "born", pa.array(born))
    )
    table = pa.concat_tables([twice(one, 2), partner])
    groups = matched(tmp_path, table, PEOPLE_COLUMNS, "key").groups()
    mixed = [group for group in groups if len({key[:5] for key in group}) > 1]
    assert len(mixed) <= 2
    assert sum(len(group) > 1 for group in groups) >= 48


def test_chinese_names_are_one_however_they_are_written(tmp_path: Path) -> None:
    names = ["欧阳修", "王小明", "李雷", "韩梅梅", "张伟", "陈静", "刘洋", "赵敏"] * 6
    born = people(48)["born"].to_pylist()
    again = {"欧阳修": "Xiu Ouyang", "王小明": "WANG XIAOMING", "韩梅梅": "韓梅梅"}
    table = pa.table(
        {
            "name": names + [again.get(name, name) for name in names[:16]],
            "born": born + born[:16],
        }
    )
    groups = matched(tmp_path, table, {"name": "full_name", "born": "birth_date"}).groups()
    for number in range(16):
        assert frozenset({str(number), str(48 + number)}) in groups


def test_the_command_writes_what_it_found_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = twice(people(120), 3)
    table = table.append_column("who", pa.array([key[:5] for key in table["key"].to_pylist()]))
    path, settings = write(tmp_path, table, PEOPLE_COLUMNS, "key")
    arguments = ["evaluate", "--records", str(path), "--settings", str(settings)]
    assert main([*arguments, "--truth", "who", "--compare"]) == 0
    assert "identifying keys alone" in capsys.readouterr().out
    folder = tmp_path / "people.resolved"
    clusters = pq.read_table(folder / "clusters.parquet")
    assert clusters.num_rows == table.num_rows
    figures = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    assert figures["methods"]["identity_resolution"]["f1"] == 1.0
    weights = {
        (row["record_id_1"], row["record_id_2"]): row["match_weight"]
        for row in pq.read_table(folder / "scores.parquet").to_pylist()
    }
    bits: dict[tuple[str, str], list[float]] = {}
    for row in pq.read_table(folder / "explanations.parquet").to_pylist():
        assert row["evidence"] in {*PEOPLE_COLUMNS, PRIOR, OTHER, WEAKEST}
        bits.setdefault((row["record_id_1"], row["record_id_2"]), []).append(row["bits"])
    assert len(bits) == 40
    for pair, parts in bits.items():
        assert sum(parts) == pytest.approx(weights[pair], abs=0.01)
    once = (folder / "clusters.parquet").read_bytes()
    assert main([*arguments, "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "clusters.parquet").read_bytes() == once
