"""Unmerge and merge: which commands keep a decision, and which show what it would change."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from dags import who_is_who
from dags.pipeline import Step
from dags.runner import Trouble
from dags.who_is_who import Decision, keep, preview
from tests.dags.small_lake import FILES, files, small_lake

DECISION = Decision("cannot-link", ("pos:1", "hotel:G1"), "LiMei", "two sisters, one phone")
DECIDE = ["identity_resolution", "decide", "cannot-link", "pos:1", "hotel:G1"]
DECIDE += ["--by", "LiMei", "--why", "two sisters, one phone"]
Calls = list[tuple[list[str], Path]]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return small_lake(tmp_path)


@pytest.fixture
def calls(lake: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The commands that are run, with their lakes; the night is fake, and decisions of G2 fail."""
    made: Calls = []

    def run(arguments: Sequence[str], on: Path, output: int | None = None) -> int:
        made.append((list(arguments), on))
        return int("hotel:G2" in arguments)

    def night() -> list[Step]:
        names = ["open", "build", "verify"]
        command = f"tests.dags.fake_step 0 {lake.parent}"
        before = [(), ("open",), ("build",)]
        return [
            Step(name, f"{command} {name}", after, "A fake.")
            for name, after in zip(names, before, strict=True)
        ]

    monkeypatch.setattr(who_is_who, "_module", run)
    monkeypatch.setattr(who_is_who, "nightly", night)
    return made


def test_without_a_preview_the_decision_is_kept_in_the_lake(lake: Path, calls: Calls) -> None:
    assert keep(DECISION, lake, is_json=False) == 0
    assert calls == [(DECIDE, lake)]


def test_a_program_gets_the_decision_or_the_comparison_and_nothing_of_the_copies(
    lake: Path, calls: Calls
) -> None:
    assert keep(DECISION, lake, is_json=True) == 0
    assert preview(DECISION, lake, is_json=True) == 0
    said = [(arguments[:2], "--json" in arguments) for arguments, _ in calls]
    assert said == [
        (["identity_resolution", "decide"], True),
        (["identity_resolution", "decide"], False),
        (["exports", "compare"], True),
    ]


def test_a_preview_decides_in_the_second_copy_only_and_compares_the_two(
    lake: Path, calls: Calls
) -> None:
    assert preview(DECISION, lake, is_json=False) == 0
    one, other = (lake / "work" / "rehearsal" / number for number in ("1", "2"))
    compare = ["exports", "compare", "--date", "2026-03-31"]
    compare += ["--before", str(one), "--after", str(other)]
    assert calls == [(DECIDE, other), (compare, lake)]
    assert {path.stem for path in lake.parent.glob("*.began")} == {"open", "build"}
    assert files(lake) == FILES


def test_what_could_not_be_kept_is_not_rehearsed(lake: Path, calls: Calls) -> None:
    refused = Decision("must-link", ("pos:1", "hotel:G2"), "LiMei", "one person")
    with pytest.raises(Trouble, match="nothing was rehearsed"):
        preview(refused, lake, is_json=False)
    assert len(calls) == 1
    assert not list(lake.parent.glob("*.began"))
    assert files(lake) == FILES
