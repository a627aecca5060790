"""Pointing readers to another version by hand: back to an earlier one, or to the last one again.

What was posted and sent stays: the ledger is append-only, so this is about what readers see and
nothing else. The next night goes on from the last version; once it is published, readers see it.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date

from exports.digest import table_digest
from exports.publish import BATCH_ROWS
from exports.reader import (
    Publication,
    latest_publication,
    read_publication,
    require_publication,
    sql_name,
)
from exports.writer import move_pointer
from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_new
from ingest.core.pointer import PUBLISH, ROLLBACK, Move, moves_folder


def roll_back(lake: Lake, to: date | None, by: str, why: str) -> Move:
    """Let readers see the version of an earlier business date, by default the one before theirs.

    Problem if that version is not kept or not whole, or nobody says who does it and why.
    """
    shown = require_publication(lake)
    earlier = [each for each in _kept(lake) if each.business_date < shown.business_date]
    found = [each for each in earlier if to in (None, each.business_date)]
    if not found:
        dates = ", ".join(str(each.business_date) for each in earlier) or "none"
        raise Problem(
            f"readers see {shown.business_date}, and of the dates before it {to or 'none'} is not "
            f"kept; kept are: {dates}"
        )
    return _point(lake, ROLLBACK, shown, found[0], by, why)


def publish_last(lake: Lake, by: str, why: str) -> Move:
    """Let readers see the last version again; Problem if they do."""
    shown, last = require_publication(lake), latest_publication(lake)
    assert last is not None, "something is published"
    if shown.version == last.version:
        raise Problem(f"readers see {last.version} already, which is the last version")
    return _point(lake, PUBLISH, shown, last, by, why)


def check_digests(publication: Publication) -> int:
    """Digest every mart of a version anew; how many there are. Problem, which names the mart, if
    one is not what its manifest says.
    """
    marts = publication.manifest["marts"]
    with publication.connect() as database:
        for mart in marts:
            rows = database.execute(f"from {sql_name(mart['name'])}").to_arrow_reader(BATCH_ROWS)
            if table_digest(rows.schema, rows).sha256 != mart["digest"]:
                raise Problem(f"{mart['name']} in {publication.database} has another digest")
    return len(marts)


def _kept(lake: Lake) -> Iterator[Publication]:
    """The last version and those it follows, newest first, as far as they are kept."""
    publication = latest_publication(lake)
    while publication is not None:
        yield publication
        before = publication.manifest["previous_version"]
        is_kept = before is not None and (lake.published / before).is_dir()
        publication = read_publication(lake.published / before) if is_kept else None


def _point(lake: Lake, action: str, shown: Publication, to: Publication, by: str, why: str) -> Move:
    """Write the move down, then move the pointer."""
    if not by.strip() or not why.strip():
        raise Problem(f"a {action} needs who does it (--by) and why (--why)")
    _check_whole(to)
    last = latest_publication(lake)
    assert last is not None, "something is published"
    on_date = last.business_date.isoformat()
    versions = (shown.version, to.version, last.version)
    move = Move(action, *versions, by.strip(), why.strip(), on_date)
    folder = moves_folder(lake.root)
    path = folder / f"{len([*folder.glob('*.json')]) + 1:04d}.json"
    document = json.dumps(asdict(move), ensure_ascii=False, indent=2) + "\n"
    if not write_new(path, document.encode()):
        raise Problem(f"somebody else moved the pointer meanwhile; look at {path} first")
    move_pointer(lake.published / "current", to.version)
    return move


def _check_whole(publication: Publication) -> None:
    """Problem unless the marts of a version open and are those that its manifest names."""
    named = {(mart["name"], mart["digest"]) for mart in publication.manifest["marts"]}
    with publication.connect() as marts:
        held = set(marts.execute("select mart, digest from _meta").fetchall())
    if named != held:
        raise Problem(f"{publication.folder} is not whole; restore it from a backup")
