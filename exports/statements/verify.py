"""Whether closed statements are there, whole, chained, signed, and what the closes say."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exports.closes.steps import CLOSE, read_history
from exports.closes.totals import SAID_ONCE, Row, closes_of
from exports.reader import MANIFEST
from exports.statements.packs import (
    PUBLIC_KEY,
    Pack,
    closed_packs,
    pack_folder,
    packs_in,
    read_pack,
)
from exports.statements.signatures import Trusted, public_key, signature_faults
from ingest.core.errors import Problem
from ingest.core.lake import Lake

FIGURES = tuple(name for name in SAID_ONCE if name not in ("period_month", "party"))


@dataclass(frozen=True)
class Verified:
    """What was looked at, and a line for each thing that is wrong."""

    statement_count: int
    file_count: int
    party_count: int
    faults: tuple[str, ...]


def verify_statements(lake: Lake, trusted: Trusted = None) -> Verified:
    """Look at every closed statement: its files' hashes, its place in its party's chain, its
    signature, its figures and number in the close, and that a month's statements make 0 together.
    `trusted` are the public keys that may sign.

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
        faults += _chain(by_party[party], trusted)
    file_count = sum(len(pack.manifest["files"]) for pack in packs)
    return Verified(len(packs), file_count, len(by_party), tuple(faults))


def verify_pack(folder: Path, trusted: Trusted = None) -> str:
    """One line about a statement that was handed over, and those before it, which lie beside it.

    Problem, naming the file, if it is no closed statement, one of its files is not what its
    manifest says, or a manifest before it or a signature is not what it has to be.
    """
    pack = read_pack(folder)
    if pack is None or not pack.is_closed:
        raise Problem(
            f"{folder} holds no closed statement: its {MANIFEST} is missing or names none"
        )
    for fault in pack.faults():
        raise Problem(f"{fault}; get the folder again from whoever gave it")
    if pack.signing_key_id is None:
        raise Problem(
            f"{folder / MANIFEST} names no signing key; it was closed before packs had one"
        )
    chain = list(_back(pack))
    for one, before in zip(chain, [*chain[1:], None], strict=True):
        for fault in signature_faults(one, before):
            raise Problem(f"{fault}; do not rely on {pack.statement_no}")
    if trusted is not None and not trusted & {public_key(each) for each in chain}:
        raise Problem(
            f"{folder / PUBLIC_KEY} is no key that is trusted here, nor was it signed by one; do "
            f"not rely on {pack.statement_no}"
        )
    vouched = "" if trusted else ", but only the chain says whose key that is: name it by --key"
    return (
        f"{pack.statement_no}: its {len(pack.manifest['files'])} files, its chain of {len(chain)} "
        f"since {chain[-1].statement_no} and the signature by {pack.signing_key_id} hold{vouched}"
    )


def _back(pack: Pack) -> Iterator[Pack]:
    """A statement, the one before it, and so on to the first of its party."""
    months = pack.folder.absolute().parent.parent
    beside = {each.sha256: each for each in packs_in(months)}
    yield pack
    while (wanted := pack.before_sha256) is not None:
        before = beside.get(wanted)
        if before is None or before.party != pack.party:
            raise Problem(
                f"{pack.folder / MANIFEST} is chained to a manifest of {pack.party} with SHA-256 "
                f"{wanted}, and no statement in {months} has that one; put the earlier months there"
            )
        pack = before
        yield pack


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


def _chain(packs: list[Pack], trusted: Trusted) -> Iterator[str]:
    """Each statement of a party names the manifest of the one before it, and is signed."""
    before: Pack | None = None
    for pack in sorted(packs, key=lambda each: each.place):
        expected = before.sha256 if before else None
        if pack.manifest.get("previous_manifest_sha256") != expected:
            yield (
                f"{pack.folder}: its manifest is chained to another one than that of "
                f"{before.statement_no if before else 'nothing, the first of its party'}"
            )
        yield from signature_faults(pack, before)
        if trusted is not None and pack.signing_key_id and public_key(pack) not in trusted:
            yield f"{pack.folder / PUBLIC_KEY} is no key of the keys file"
        before = pack
