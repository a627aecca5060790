"""Which generation of the token key makes a token: a value keeps the token that it has in the lake.

A new key comes into force with the first night that is opened after it was made and of which
nothing was loaded yet; the lake writes down which night that is, so that the loads of one night,
and of one night again, agree. From then on each value is looked up under the earlier keys among
what was loaded before the night. If it lies there, it keeps its token, and so does the hash of a
row; any other value gets a token of the new key. One value therefore has one token in all of the
lake, and whatever compares tokens need not know that keys were changed.

Values are remembered by the first 64 bits of their tokens. A new value that meets another one there
gets a token of an earlier key: the same for whoever asks, so it does no harm.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl

from ingest.core.contract import load_source, source_names
from ingest.core.contract_file import IDENTIFIER_CLASSES
from ingest.core.errors import Problem
from ingest.core.lake import Lake, partition_dates, write_bytes
from ingest.core.privacy import Key, Keys, token, with_keys

FIRST_NIGHT = date(1970, 1, 1)  # earlier than any
KNOWN_DIGITS = 16
KEY_CHECK = "key_check"  # a kind that no column has
Known = npt.NDArray[np.uint64]


def begin_keys(lake: Lake, keys: Keys, night: date) -> None:
    """Let the newest token key come into force with a night that is being opened, unless something
    of it was loaded already; then it waits for the next one.

    Problem if the keys are not those that the tokens of this lake were made with.
    """
    check_keys(lake, keys)
    loaded = loaded_nights(lake)
    if not _since(lake):
        # A lake from before keys had generations was made with the oldest.
        _begin(lake, keys, keys.token_keys[0 if loaded else -1], FIRST_NIGHT)
    is_new = not lake.token_key(keys.token_key_id).is_file()
    if is_new and not any(night <= each for each in loaded):
        _begin(lake, keys, keys.token_keys[-1], night)


def check_keys(lake: Lake, keys: Keys) -> None:
    """Problem unless the keys are those that the tokens of this lake were made with."""
    since = _since(lake)
    for key in keys.token_keys:
        check = since.get(key.key_id, {}).get("check", _check(keys, key))
        if check != _check(keys, key):
            raise Problem(
                f"token key {key.key_id} is not the one that made this lake; "
                "set KEYS_FILE to the keys file that did"
            )
    if lost := sorted(set(since) - {key.key_id for key in keys.token_keys}):
        raise Problem(f"the keys file lacks token key {lost[0]} of this lake; restore it")


def keys_of_night(lake: Lake, keys: Keys, night: date) -> Keys:
    """The keys with the token key in force in a night as the one in use, and only what was before
    it as earlier ones.
    """
    since = _since(lake)
    if not since:
        return keys
    token_keys = list(keys.token_keys)
    while len(token_keys) > 1 and not _is_begun(since.get(token_keys[-1].key_id), night):
        token_keys.pop()
    return with_keys(token_keys, keys.master_keys)


def begin_of(lake: Lake, key_id: str) -> date | None:
    """The first night in which a token key made tokens of this lake; None if it has not yet."""
    entry = _since(lake).get(key_id)
    return date.fromisoformat(entry["from_date"]) if entry else None


def loaded_nights(lake: Lake) -> list[date]:
    """Nights of which something was loaded, ascending."""
    return partition_dates(lake.root / "raw" / "deliveries")


def _is_begun(entry: dict[str, str] | None, night: date) -> bool:
    return entry is not None and date.fromisoformat(entry["from_date"]) <= night


def _begin(lake: Lake, keys: Keys, key: Key, night: date) -> None:
    entry = {"from_date": night.isoformat(), "check": _check(keys, key)}
    write_bytes(lake.token_key(key.key_id), (json.dumps(entry, indent=2) + "\n").encode())


def _check(keys: Keys, key: Key) -> str:
    """What recognises a key and tells nothing about it."""
    return token(with_keys([key], keys.master_keys), KEY_CHECK, key.key_id)


def _since(lake: Lake) -> dict[str, dict[str, str]]:
    """By key id, since which night a key makes tokens, and what recognises it."""
    since = {}
    for path in sorted(lake.token_key("any").parent.glob("*.json")):
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
            date.fromisoformat(entry["from_date"])
            since[path.stem] = {name: str(entry[name]) for name in ("from_date", "check")}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Problem(f"{path} is damaged; restore it") from error
    return since


@dataclass(frozen=True)
class KnownValues:
    """What was loaded before a night under other token keys than the one in use.

    Read when it is first asked for, a kind of token or the hashes of a table at a time.
    """

    lake: Lake
    dbt_project: Path
    key_id: str
    night: date
    _read: dict[str, Known] = field(default_factory=dict, repr=False)

    def has_tokens(self, kind: str, tokens: pl.Series) -> pl.Series:
        """Whether each token of a kind lies in the lake; FALSE for NULL."""
        if kind not in self._read:
            self._read[kind] = self._numbers(self._places(kind))
        digits = tokens.str.split(":").list.last().str.head(KNOWN_DIGITS)
        return _are_in(self._read[kind], digits)

    def has_row_hashes(self, source: str, table: str, hashes: pl.Series) -> pl.Series:
        """Whether a row with each hash was loaded into a table."""
        name = f"{source}/{table}"
        if name not in self._read:
            folder = self.lake.root / "raw" / source / table
            self._read[name] = self._numbers([(folder, "_row_hash")])
        return _are_in(self._read[name], hashes)

    def _places(self, kind: str) -> Iterator[tuple[Path, str]]:
        """Folders and columns in which tokens of a kind lie."""
        if kind not in IDENTIFIER_CLASSES:
            yield from ((f, f"{kind}_token") for f in (self.lake.root / "restricted").glob("*/*"))
            return
        for name in source_names(self.dbt_project):
            for table in load_source(self.dbt_project, name).tables:
                folder = self.lake.root / "raw" / name / table.name
                for column in table.columns:
                    if column.personal == kind:
                        yield folder, f"{column.name}_token"

    def _numbers(self, places: Iterator[tuple[Path, str]] | list[tuple[Path, str]]) -> Known:
        """First 64 bits of what lies in some columns, ascending."""
        found = [self._column(folder, column) for folder, column in places]
        return np.sort(np.concatenate([np.array([], np.uint64), *found]))

    def _column(self, folder: Path, column: str) -> Known:
        before = [day for day in partition_dates(folder) if day < self.night]
        files = [str(f) for day in before for f in (folder / f"load_date={day}").glob("*.parquet")]
        if not files:
            return np.array([], np.uint64)
        with duckdb.connect(config={"threads": 1}) as connection:
            rows = connection.read_parquet(files, union_by_name=True, hive_partitioning=False)
            if column not in rows.columns:  # of a time when there was no such column
                return np.array([], np.uint64)
            digits = f"left(split_part(\"{column}\", ':', -1), {KNOWN_DIGITS})"
            numbers = rows.filter(
                f'"{column}" is not null and not starts_with("{column}", \'{self.key_id}:\')'
            ).project(f"cast('0x' || {digits} as ubigint) as number")
            values: Known = numbers.distinct().fetchnumpy()["number"]
            return values


def _are_in(known: Known, digits: pl.Series) -> pl.Series:
    numbers = digits.str.to_integer(base=16, dtype=pl.UInt64)
    if known.size == 0:
        return pl.repeat(value=False, n=numbers.len(), dtype=pl.Boolean, eager=True)
    places = np.searchsorted(known, numbers.fill_null(0).to_numpy())
    nearest = pl.Series(known[np.minimum(places, known.size - 1)], dtype=pl.UInt64)
    return (nearest == numbers).fill_null(value=False)
