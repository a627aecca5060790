"""Whether all statements that were closed are there, whole, chained, and what the closes say."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from exports.closes.steps import CLOSE, read_history
from exports.closes.totals import SAID_ONCE, Row, closes_of
from exports.statements.packs import Pack, closed_packs, pack_folder, read_pack
from ingest.core.lake import Lake

FIGURES = tuple(name for name in SAID_ONCE if name not in ("period_month", "party"))


@dataclass(frozen=True)
class Verified:
    """What was looked at, and a line for each thing that is wrong."""

    statement_count: int
    file_count: int
    party_count: int
    faults: tuple[str, ...]


def verify_statements(lake: Lake) -> Verified:
    """Look at every closed statement: its files' hashes, its place in its party's chain, its
    figures and number in the close, and that a month's statements make 0 together.

    Problem if a step of a close was changed or taken away.
    """
    packs = list(closed_packs(lake))
    faults = [fault for pack in packs for fault in pack.faults()]
    closed = [
        (period, version, rows)
        for period, version, rows in closes_of(lake)
        if read_history(lake, period).last(CLOSE, version)
    ]
    for period, version, rows in closed:
        faults += _against_close(lake, period, version, rows)
    faults += _numbers(row for _, _, rows in closes_of(lake) for row in rows)
    by_party: dict[str, list[Pack]] = defaultdict(list)
    for pack in packs:
        by_party[pack.party].append(pack)
    for party in sorted(by_party):
        faults += _chain(by_party[party])
    file_count = sum(len(pack.manifest["files"]) for pack in packs)
    return Verified(len(packs), file_count, len(by_party), tuple(faults))


def _against_close(lake: Lake, period: str, version: int, rows: tuple[Row, ...]) -> Iterator[str]:
    """Each row of a close has its statement, which says the same."""
    net = 0
    for row in rows:
        pack = read_pack(pack_folder(lake, period, version, row["party"]))
        if pack is None or not pack.is_closed:
            yield (
                f"statement {row['statement_no']} is closed but not in the outbox; run python -m "
                f"exports statements --period {period}"
            )
            continue
        for name in ("statement_no", "supersedes_no", *FIGURES):
            if pack.manifest[name] != row[name]:
                yield (
                    f"{pack.folder}: {name} is {pack.manifest[name]} in the manifest and "
                    f"{row[name]} in {lake.close(period, version)}"
                )
        net += pack.manifest["net_fen"]
    if net:
        yield f"the statements of {period} v{version} make {net} fen together, not 0 (I3)"


def _numbers(rows: Iterator[Row]) -> Iterator[str]:
    """The numbers of a party and year are 1, 2, 3 … without a gap."""
    given: dict[tuple[str, int], set[int]] = defaultdict(set)
    for row in rows:
        given[row["party"], row["period_month"].year].add(row["statement_number"])
    for (party, year), numbers in sorted(given.items()):
        if numbers != set(range(1, len(numbers) + 1)):
            yield f"statement numbers of {party} in {year} have a gap: {sorted(numbers)}"


def _chain(packs: list[Pack]) -> Iterator[str]:
    """Each statement of a party names the manifest of the one before it."""
    before: Pack | None = None
    for pack in sorted(packs, key=lambda each: each.place):
        expected = before.sha256 if before else None
        if pack.manifest.get("previous_manifest_sha256") != expected:
            yield (
                f"{pack.folder}: its manifest is chained to another one than that of "
                f"{before.statement_no if before else 'nothing, the first of its party'}"
            )
        before = pack
