"""Signatures of closed statements: what holds, what does not, and keys that follow each other."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exports.__main__ import main
from exports.statements.pack import write_pack
from exports.statements.verify import verify_statements
from ingest.core.errors import Problem, run_command
from ingest.core.privacy import Key, Keys, replace_keys
from tests.exports.closing_group import FEB_28, MAR_31, OWN, A, Group, closed, through
from tests.exports.small_publication import KEYS

STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
Harm = Callable[[Path], None]


def pack(group: Group, folder: str = "2026-01", party: str = "mall") -> Path:
    return group.lake.outbox / "statements" / folder / party


def two_months(group: Group, between: Keys | None = None) -> None:
    """January and February closed; with other keys from February on."""
    closed(group, "2026-01")
    if between:
        replace_keys(group.settings.keys_file, between)
    group.publish(FEB_28, OWN)
    closed(group, "2026-02")


def rotated() -> Keys:
    return replace(KEYS, sign_keys=(*KEYS.sign_keys, Key("s2", bytes(range(1, 33)))))


@pytest.fixture
def asked(
    group: Group, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Run verify-pack; its exit status and what it says, one line."""
    monkeypatch.setattr("exports.__main__.load_settings", lambda: group.settings)

    def ask(folder: Path, *arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        status = run_command(main, ["verify-pack", str(folder), *arguments])
        said = capsys.readouterr()
        [line] = (said.out + said.err).splitlines()
        return status, line

    return ask


def test_a_closed_statement_and_its_chain_hold_and_one_line_says_so(
    group: Group, asked: Callable[..., tuple[int, str]]
) -> None:
    two_months(group)
    status, line = asked(pack(group, "2026-02"))
    assert status == 0
    assert line == (
        "JS-2026-02-MALL-002-v1: its 5 files, its chain of 2 since JS-2026-01-MALL-001-v1 and the "
        "signature by s1 hold"
    )
    found = verify_statements(group.lake)
    assert (found.statement_count, found.file_count, found.faults) == (6, 30, ())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="this machine has no openssl")
def test_openssl_reads_key_and_signature(group: Group) -> None:
    closed(group, "2026-01")
    arguments = "-verify -pubin -inkey signing_key.pem -rawin -in manifest.json"
    subprocess.run(
        ["openssl", "pkeyutl", *arguments.split(), "-sigfile", "manifest.json.sig"],
        cwd=pack(group),
        check=True,
        capture_output=True,
    )


def touch_a_file(folder: Path) -> None:
    with next(folder.glob("明细_*.csv")).open("ab") as file:
        file.write(b"1\n")


def change_the_manifest(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace("陈静", "王芳"), encoding="utf-8")


def swap_the_manifest(folder: Path) -> None:
    """Another party's manifest in the place of this one's."""
    shutil.copy(folder.parent / "fund" / "manifest.json", folder)


def swap_manifest_and_signature(folder: Path) -> None:
    swap_the_manifest(folder)
    shutil.copy(folder.parent / "fund" / "manifest.json.sig", folder)


def lose_the_signature(folder: Path) -> None:
    (folder / "manifest.json.sig").unlink()


def take_the_signature_of_another(folder: Path) -> None:
    shutil.copy(folder.parent / "fund" / "manifest.json.sig", folder)


def sign_as_a_stranger(folder: Path) -> None:
    """A changed statement, made whole again by somebody who has another key."""
    pem = STRANGER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "signing_key.pem").write_bytes(pem)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for entry in manifest["files"]:
        if entry["name"] == "signing_key.pem":
            entry |= {"sha256": sha256(pem).hexdigest(), "bytes": len(pem)}
    content = json.dumps(manifest, ensure_ascii=False).encode()
    (folder / "manifest.json").write_bytes(content)
    (folder / "manifest.json.sig").write_bytes(STRANGER.sign(content))


def name_no_key(folder: Path) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    del manifest["signing_key_id"]
    path.write_text(json.dumps(manifest))
    (folder / "manifest.json.sig").unlink()


def lose_the_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


@pytest.mark.parametrize(
    ("harm", "named", "said"),
    [
        (touch_a_file, "明细_购物中心_2026-01_已关账.csv", "has another SHA-256 than its manifest"),
        (change_the_manifest, "manifest.json.sig", "is no signature of manifest.json"),
        (swap_the_manifest, ".csv", "is missing"),
        (swap_manifest_and_signature, ".csv", "is missing"),
        (lose_the_signature, "manifest.json.sig", "is missing"),
        (take_the_signature_of_another, "manifest.json.sig", "is no signature of manifest.json"),
        (sign_as_a_stranger, "signing_key.pem", "is no key that is trusted here"),
        (name_no_key, "manifest.json", "names no signing key"),
        (lose_the_manifest, "mall", "holds no closed statement"),
    ],
)
def test_what_does_not_hold_is_named_in_one_line(
    group: Group, asked: Callable[..., tuple[int, str]], harm: Harm, named: str, said: str
) -> None:
    closed(group, "2026-01")
    harm(pack(group))
    status, line = asked(pack(group))
    assert status == 1
    assert line.startswith(f"error: {pack(group).parent}")
    assert f"{named} {said}" in line
    assert verify_statements(group.lake, frozenset()).faults


def test_a_signed_statement_is_chained_to_the_very_manifest_before_it(
    group: Group, asked: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    two_months(group)
    alone = tmp_path / "handed over" / "2026-02" / "mall"
    shutil.copytree(pack(group, "2026-02"), alone)
    status, line = asked(alone)
    assert status == 1
    assert f"{alone}/manifest.json is chained to a manifest of mall" in line
    shutil.copytree(pack(group), alone.parents[1] / "2026-01" / "mall")
    assert asked(alone)[0] == 0
    change_the_manifest(alone.parents[1] / "2026-01" / "mall")
    assert asked(alone)[0] == 1


def test_whoever_has_no_keys_file_names_the_key_or_is_told_that_only_the_chain_does(
    group: Group, asked: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    closed(group, "2026-01")
    good = tmp_path / "good.pem"
    shutil.copy(pack(group) / "signing_key.pem", good)
    group.settings.keys_file.unlink()
    assert "but only the chain says whose key that is" in asked(pack(group))[1]
    assert asked(pack(group), "--key", str(good))[1].endswith("the signature by s1 hold")
    sign_as_a_stranger(pack(group))
    assert asked(pack(group), "--key", str(good))[0] == 1
    status, line = asked(pack(group), "--key", str(tmp_path / "none.pem"))
    assert (status, "cannot read" in line) == (1, True)
    good.write_text("no key")
    status, line = asked(pack(group), "--key", str(good))
    assert (status, "is no Ed25519 public key" in line) == (1, True)


def test_the_key_before_signs_the_key_after_it(
    group: Group, asked: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    two_months(group, rotated())
    assert asked(pack(group, "2026-02"))[1].endswith("the signature by s2 hold")
    first = tmp_path / "first.pem"
    shutil.copy(pack(group) / "signing_key.pem", first)
    # Who knows the first key only trusts the second one by it.
    assert asked(pack(group, "2026-02"), "--key", str(first))[0] == 0
    assert verify_statements(group.lake).faults == ()
    shutil.copy(pack(group) / "manifest.json.sig", pack(group, "2026-02") / "signing_key.pem.sig")
    assert asked(pack(group, "2026-02"))[0] == 1


def test_a_stranger_cannot_go_on_with_a_chain(
    group: Group, asked: Callable[..., tuple[int, str]]
) -> None:
    two_months(group)
    sign_as_a_stranger(pack(group, "2026-02"))
    group.settings.keys_file.unlink()
    status, line = asked(pack(group, "2026-02"))
    assert status == 1
    assert (
        "signing_key.pem is another key than that of JS-2026-01-MALL-001-v1 before it, which has "
        "not signed it" in line
    )


def test_a_damaged_statement_is_put_back_under_the_key_it_was_signed_with(group: Group) -> None:
    two_months(group, rotated())
    for folder in (pack(group), pack(group, "2026-02")):
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        for harm in (touch_a_file, lose_the_signature):
            harm(folder)
            write_pack(group.settings, folder.parent.name)
            assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_statement_from_before_there_were_signatures_stays_and_the_next_one_is_signed(
    group: Group, asked: Callable[..., tuple[int, str]]
) -> None:
    closed(group, "2026-01")
    for party in ("fund", "hotel", "mall"):
        folder = pack(group, party=party)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        del manifest["signing_key_id"]
        kept = [entry for entry in manifest["files"] if entry["name"] != "signing_key.pem"]
        manifest["files"] = kept
        (folder / "manifest.json").write_text(json.dumps(manifest))
        for name in ("signing_key.pem", "manifest.json.sig"):
            (folder / name).unlink()
    assert verify_statements(group.lake).faults == ()
    assert asked(pack(group))[0] == 1
    group.publish(FEB_28, OWN)
    closed(group, "2026-02")
    assert asked(pack(group, "2026-02"))[0] == 0
    group.publish(MAR_31, replace(A, line_id="C", posted=MAR_31, business=MAR_31))
    closed(group, "2026-03")
    name_no_key(pack(group, "2026-03"))
    [fault] = [fault for fault in verify_statements(group.lake).faults if "signing" in fault]
    assert "names no signing key, and JS-2026-02-MALL-002-v1 before it does" in fault


def test_drafts_and_statements_under_review_are_not_signed_and_need_no_key(group: Group) -> None:
    group.settings.keys_file.unlink()
    through(group, "2026-01", "freeze", "review", "confirm")
    write_pack(group.settings, "2026-01")
    assert not list(group.lake.outbox.rglob("*.sig"))
    through(group, "2026-01", "close")
    with pytest.raises(Problem, match=r"keys file .* is missing"):
        write_pack(group.settings, "2026-01")
    replace_keys(group.settings.keys_file, replace(KEYS, sign_keys=()))
    with pytest.raises(Problem, match="has no key that signs statements; run python -m ingest k"):
        write_pack(group.settings, "2026-01")


def test_a_key_that_signed_and_is_gone_is_asked_for(group: Group) -> None:
    closed(group, "2026-01")
    replace_keys(group.settings.keys_file, replace(KEYS, sign_keys=rotated().sign_keys[1:]))
    group.publish(FEB_28, OWN)
    with pytest.raises(Problem, match="lacks s1, which signed statements; restore it"):
        closed(group, "2026-02")
