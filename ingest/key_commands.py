"""Making, changing and taking away keys: python -m ingest keys [--rotate | --rewrap | --retire ID].

Nothing here ever prints a key. docs/data-team.md says when to use which.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingest.core.contract import load_source, source_names
from ingest.core.errors import Problem
from ingest.core.lake import Lake, partition_dates, remove, write_parquet
from ingest.core.privacy import (
    Key,
    Keys,
    create_demo_keys,
    master_key_of,
    new_key,
    read_keys,
    replace_keys,
    rewrap,
    with_keys,
)
from ingest.core.settings import Settings, load_settings
from ingest.decisions import Decision, keep_decision, read_decisions
from ingest.generations import begin_of, loaded_nights
from ingest.partitions import HIDDEN_CLASSES

KEY_FOLDERS = ("restricted/keys", "quarantine/keys")
KEEP_IT = "back it up, its tokens cannot be made again"


def main(argv: Sequence[str]) -> int:
    """Run one of the commands; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m ingest keys", description=__doc__)
    actions = parser.add_mutually_exclusive_group()
    actions.add_argument("--rotate", action="store_true", help="make a new token and master key")
    actions.add_argument(
        "--rewrap", action="store_true", help="bring all sealed values under the newest master key"
    )
    actions.add_argument(
        "--retire", metavar="ID", help="take away an earlier key that nothing needs any more"
    )
    arguments = parser.parse_args(argv)
    settings = load_settings()
    if arguments.rotate:
        return _rotate(settings)
    if arguments.rewrap:
        return _rewrap(settings)
    if arguments.retire is not None:
        return _retire(settings, arguments.retire)
    return _make(settings.keys_file)


def _make(path: Path) -> int:
    """Make a keys file where there is none; give one from before statements were signed its key."""
    done = "made" if create_demo_keys(path) else "kept"
    keys = read_keys(path)
    if not keys.sign_keys:
        replace_keys(path, replace(keys, sign_keys=(Key("s1", new_key()),)))
        done = "added the key s1, which signs statements, to"
    print(f"{done} {path}; {KEEP_IT}")
    return 0


def _rotate(settings: Settings) -> int:
    """Make a new key of each kind the one in use, and keep the earlier ones."""
    path = settings.keys_file
    old = read_keys(path)
    signing = _and_a_new_one(old.sign_keys) if old.sign_keys else (Key("s1", new_key()),)
    keys = with_keys(_and_a_new_one(old.token_keys), _and_a_new_one(old.master_keys), signing)
    replace_keys(path, keys)
    print(
        f"{path}: master key {keys.master_key_id} seals and {keys.sign_keys[-1].key_id} signs from "
        f"now on, token key {keys.token_key_id} makes tokens from the next night that is opened; "
        f"{KEEP_IT}"
    )
    return 0


def _and_a_new_one(keys: Sequence[Key]) -> tuple[Key, ...]:
    """A key more, whose id is the newest one's with the next number."""
    numbers = [int(match.group()) for key in keys if (match := re.search(r"\d+$", key.key_id))]
    stem = re.sub(r"\d+$", "", keys[-1].key_id)
    return (*keys, Key(f"{stem}{max(numbers, default=1) + 1}", new_key()))


def _rewrap(settings: Settings) -> int:
    """Wrap what earlier master keys wrapped by the newest one; sealed values stay as they are."""
    lake, keys = Lake(settings.lake), read_keys(settings.keys_file)
    count = 0
    for path in _key_files(lake):
        rows = pq.ParquetFile(path).read()
        ids, wrapped = (rows[name].to_pylist() for name in ("master_key_id", "wrapped_key"))
        is_old = [key_id != keys.master_key_id for key_id in ids]
        if not any(is_old):
            continue
        anew = [rewrap(keys, key) if old else key for key, old in zip(wrapped, is_old, strict=True)]
        for name, values in (
            ("master_key_id", pa.array([keys.master_key_id] * len(ids), pa.string())),
            ("wrapped_key", pa.array(anew, pa.binary())),
        ):
            rows = rows.set_column(rows.schema.get_field_index(name), name, values)
        write_parquet(rows, path)
        count += sum(is_old)
    for decision in _sealed_decisions(settings):
        wrapped_key = bytes.fromhex(decision.wrapped_key)
        if master_key_of(keys, wrapped_key) != keys.master_key_id:
            keep_decision(lake, replace(decision, wrapped_key=rewrap(keys, wrapped_key).hex()))
            count += 1
    print(f"{count} keys of sealed values wrapped anew, all by master key {keys.master_key_id}")
    return 0


def _retire(settings: Settings, key_id: str) -> int:
    """Take an earlier key out of the keys file; Problem if this lake still needs it."""
    lake, keys = Lake(settings.lake), read_keys(settings.keys_file)
    if key_id in {key.key_id for key in keys.sign_keys}:
        raise Problem(
            f"{key_id} signed statements and stays: one that is damaged is put back under the key "
            "it was signed with"
        )
    earlier = {key.key_id for key in (*keys.earlier_token_keys, *keys.earlier_master_keys)}
    if key_id not in earlier:
        known = ", ".join(sorted(earlier)) or "none"
        raise Problem(f"{key_id} is no earlier key of {settings.keys_file} (earlier: {known})")
    if not loaded_nights(lake):
        raise Problem(
            f"nothing was loaded into {lake.root}, so it cannot tell whether {key_id} is needed; "
            "set LAKE_ROOT to the lake of this keys file"
        )
    is_token_key = any(key.key_id == key_id for key in keys.earlier_token_keys)
    needs = _tokens(settings, keys, key_id) if is_token_key else _wrapped(settings, keys, key_id)
    if (first := next(needs, None)) is not None:
        way_out = (
            "rebuild the lake from landing/ first (docs/data-team.md)"
            if is_token_key
            else "run `python -m ingest keys --rewrap` first"
        )
        raise Problem(f"key {key_id} is still needed: {first}; {way_out}")
    tokens, masters = keys.token_keys, keys.master_keys
    if is_token_key:
        tokens = tuple(key for key in tokens if key.key_id != key_id)
        remove(lake.token_key(key_id))
    else:
        masters = tuple(key for key in masters if key.key_id != key_id)
    replace_keys(settings.keys_file, with_keys(tokens, masters, keys.sign_keys))
    print(f"{settings.keys_file}: key {key_id} is gone; destroy its backups too")
    return 0


def _tokens(settings: Settings, keys: Keys, key_id: str) -> Iterator[str]:
    """What lies in the lake under a token key: its tokens, and hashes of rows that hide values."""
    lake = Lake(settings.lake)
    newer = keys.token_keys[[key.key_id for key in keys.token_keys].index(key_id) + 1 :]
    # A lake that was rebuilt has never known the keys between this one and the newest.
    begun = [day for key in newer if (day := begin_of(lake, key.key_id))]
    until = min(begun, default=None)
    hidden = {
        (name, table.name)
        for name in source_names(settings.dbt_project)
        for table in load_source(settings.dbt_project, name).tables
        if any(column.personal in HIDDEN_CLASSES for column in table.columns)
    }
    for zone in ("raw", "restricted"):
        for folder in sorted((lake.root / zone).glob("*/*/")):
            place = (folder.parent.name, folder.name)
            days = partition_dates(folder)
            files = _files(folder, days)
            if count := _count(files, "_token", f"starts_with({{}}, '{key_id}:')"):
                yield f"{count} rows of {zone}/{'/'.join(place)} have tokens of it"
            if zone == "raw" and place in hidden:
                before = _files(folder, [day for day in days if until is None or day < until])
                if count := _count(before, "_row_hash", "{} is not null"):
                    yield f"{count} rows of {zone}/{'/'.join(place)} have hashes of it"


def _wrapped(settings: Settings, keys: Keys, key_id: str) -> Iterator[str]:
    """What was wrapped by a master key."""
    lake = Lake(settings.lake)
    for path in _key_files(lake):
        if count := _count([str(path)], "master_key_id", f"{{}} = '{key_id}'"):
            yield f"{count} keys in {path.relative_to(lake.root)} are wrapped by it"
    for decision in _sealed_decisions(settings):
        if master_key_of(keys, bytes.fromhex(decision.wrapped_key)) == key_id:
            yield f"the correction of {decision.quarantine_id} in decisions/ is wrapped by it"


def _key_files(lake: Lake) -> Iterator[Path]:
    for zone in KEY_FOLDERS:
        yield from sorted((lake.root / zone).glob("*/*/load_date=*/*.parquet"))


def _sealed_decisions(settings: Settings) -> Iterator[Decision]:
    for name in source_names(settings.dbt_project):
        decisions = read_decisions(Lake(settings.lake), name)
        yield from (decision for decision in decisions if decision.wrapped_key)


def _files(folder: Path, days: Sequence[date]) -> list[str]:
    return [str(f) for day in days for f in (folder / f"load_date={day}").glob("*.parquet")]


def _count(files: list[str], suffix: str, condition: str) -> int:
    """How many rows of some files meet a condition in any of the columns that end so."""
    if not files:
        return 0
    with duckdb.connect() as connection:
        rows = connection.read_parquet(files, union_by_name=True, hive_partitioning=False)
        names = [f'"{name}"' for name in rows.columns if name.endswith(suffix)]
        if not names:
            return 0
        where = " or ".join(condition.format(name) for name in names)
        (count,) = rows.filter(where).aggregate("count(*)").fetchone() or (0,)
        return int(count)
