"""Landing files as the bytes inside them: what is opened, and what is refused before it is read."""

import contextlib
import gzip
import io
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import containers
from ingest.containers import Limits, opened
from ingest.core.errors import Problem

TEXT = "编号,金额\r\nR1,12.50\r\nR2,3.00\r\n".encode()
SMALL = settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])


def unpacked(path: Path, limits: Limits = containers.LIMITS) -> bytes:
    with opened(path, limits) as stream:
        return stream.read()


def delivered(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def zipped(*members: tuple[str, bytes], comment: bytes = b"", **info: int) -> bytes:
    """A zip of some members; `info` sets attributes of all of them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = comment
        for name, data in members:
            member = zipfile.ZipInfo(name)
            member.compress_type = zipfile.ZIP_DEFLATED
            for key, value in info.items():
                setattr(member, key, value)
            archive.writestr(member, data)
    return buffer.getvalue()


def refusal(path: Path, limits: Limits = containers.LIMITS) -> str:
    with pytest.raises(Problem) as caught:
        unpacked(path, limits)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.csv", bytes),
        ("a.csv.gz", gzip.compress),
        ("a.csv.GZ", gzip.compress),
        ("a.zip", lambda data: zipped(("a.csv", data))),
        ("a.csv.zip", lambda data: zipped(("out/编号.csv", data))),
        ("a.Zip", lambda data: zipped(("a.csv", data), compress_type=zipfile.ZIP_STORED)),
        ("b.zip", lambda data: zipped(("a.csv", data), comment=b"made by the till")),
    ],
)
@pytest.mark.parametrize("data", [b"", b"x", TEXT, os.urandom(700_000)])
def test_what_was_packed_comes_out(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes], data: bytes
) -> None:
    if data or not name.endswith(("gz", "GZ")):
        assert unpacked(delivered(tmp_path, name, pack(data))) == data


def test_an_empty_gzip_file_is_a_file_without_bytes(tmp_path: Path) -> None:
    assert unpacked(delivered(tmp_path, "a.csv.gz", gzip.compress(b""))) == b""


def test_a_gzip_of_several_members_is_read_to_its_end(tmp_path: Path) -> None:
    data = gzip.compress(b"one\n") + gzip.compress(b"") + gzip.compress(b"two\n") * 5000
    assert unpacked(delivered(tmp_path, "a.csv.gz", data)) == b"one\n" + b"two\n" * 5000


def test_a_streamed_zip_with_its_lengths_behind_the_data_is_read(tmp_path: Path) -> None:
    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            self.written = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            piece = bytes(data)  # type: ignore[call-overload]
            self.written += piece
            return len(piece)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[arg-type]
        archive.writestr("a.csv", TEXT)
    assert unpacked(delivered(tmp_path, "a.zip", bytes(pipe.written))) == TEXT


def test_a_plain_file_can_seek_and_a_workbook_is_a_plain_file(tmp_path: Path) -> None:
    with opened(delivered(tmp_path, "a.xlsx", zipped(("x.xml", TEXT)))) as stream:
        assert stream.read(2) == b"PK"
        assert stream.seek(0, os.SEEK_END) > 100


def test_the_stream_serves_readers_of_lines_and_of_arrow(tmp_path: Path) -> None:
    path = delivered(tmp_path, "a.csv.gz", gzip.compress(TEXT))
    with opened(path) as stream:
        assert list(io.TextIOWrapper(stream, "utf-8", newline="")) == TEXT.decode().splitlines(True)
    with opened(path) as stream:
        assert pyarrow.csv.read_csv(stream).column("编号").to_pylist() == ["R1", "R2"]


def test_a_problem_passes_through_arrow_as_itself(tmp_path: Path) -> None:
    rows = b"".join(b"%d,%d\n" % (i, i * i) for i in range(200_000))
    path = delivered(tmp_path, "a.csv.gz", gzip.compress(rows)[:-1])
    with pytest.raises(Problem, match="cut off"), opened(path) as stream:
        for _ in pyarrow.csv.open_csv(pa.PythonFile(stream, "r")):
            pass


def test_a_reader_that_stops_early_still_has_the_whole_file_checked(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(TEXT * 1000))
    data[-5] ^= 1
    path = delivered(tmp_path, "a.csv.gz", bytes(data))
    with pytest.raises(Problem, match="incorrect data check"), opened(path) as stream:
        assert stream.read(6) == TEXT[:6]


def test_what_the_reader_raises_is_what_comes_out(tmp_path: Path) -> None:
    path = delivered(tmp_path, "a.csv.gz", gzip.compress(TEXT)[:-1])
    with pytest.raises(KeyError), opened(path) as stream:
        {}[stream.read(1)]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.csv", gzip.compress(TEXT, mtime=0), "is packed (gzip)"),
        ("a.csv", zipped(("a.csv", TEXT)), "is packed (zip)"),
        ("a.xlsm", zipped(("a.csv", TEXT)), "is packed (zip)"),
        ("a.csv.xz", b"\xfd7zXZ\x00" + TEXT, "is packed (xz)"),
        ("a.csv.gz", TEXT, "is no gzip file"),
        ("a.csv.gz", b"", "is no gzip file"),
        ("a.csv.gz", zipped(("a.csv", TEXT)), "is no gzip file"),
        ("a.zip", TEXT, "is no zip file"),
        ("a.zip", gzip.compress(TEXT, mtime=0), "is no zip file"),
        ("a.zip", b"x" + zipped(("a.csv", TEXT)), "is no zip file"),
    ],
)
def test_name_and_content_must_agree(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    message = refusal(delivered(tmp_path, name, data))
    assert reason in message
    assert message.endswith("; the file was refused, ask for it again")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (zipped(), "holds no file"),
        (zipped(("out/", b"")), "holds no file"),
        (zipped(("a.csv", TEXT), ("b.csv", TEXT)), "holds 2 members, 1 are allowed"),
        (zipped(("out/", b""), ("out/a.csv", TEXT)), "holds 2 members"),
        (zipped(("../a.csv", TEXT)), "could leave its folder"),
        (zipped(("out/../../a.csv", TEXT)), "could leave its folder"),
        (zipped(("..\\a.csv", TEXT)), "could leave its folder"),
        (zipped(("/etc/a.csv", TEXT)), "could leave its folder"),
        (zipped(("\\a.csv", TEXT)), "could leave its folder"),
        (zipped(("C:a.csv", TEXT)), "could leave its folder"),
        (zipped(("a\n.csv", TEXT)), "could leave its folder"),
        (zipped(("a.csv", b"/etc"), external_attr=(stat.S_IFLNK | 0o777) << 16), "no plain file"),
        (zipped(("a.csv", b""), external_attr=(stat.S_IFIFO | 0o600) << 16), "no plain file"),
        (zipped(("a.csv", TEXT), compress_type=zipfile.ZIP_BZIP2), "packed by method 12"),
        (zipped(("a.csv", TEXT), compress_type=zipfile.ZIP_LZMA), "packed by method 14"),
        (zipped(("b.zip", zipped(("a.csv", TEXT)))), "holds another archive (zip)"),
        (zipped(("a.csv", gzip.compress(TEXT))), "holds another archive (gzip)"),
        (zipped(("a.csv", TEXT)) + b"\n", "goes on behind"),
        (zipped(("a.csv", TEXT)) + zipped(("b.csv", TEXT)), "something before"),
        (zipped(("a.csv", TEXT), comment=b"abc")[:-1], "cut off"),
    ],
)
def test_a_zip_is_refused_unless_it_is_one_plain_file(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    assert reason in refusal(delivered(tmp_path, "a.zip", data))


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.csv", TEXT)))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "is encrypted" in refusal(delivered(tmp_path, "a.zip", bytes(data)))


def test_bytes_hidden_between_a_member_and_the_list_of_members_are_refused(tmp_path: Path) -> None:
    data = zipped(("a.csv", TEXT))
    start = data.index(b"PK\x01\x02")
    moved = bytearray(data[:start] + b"hidden" + data[start:])
    moved[-6:-2] = (start + 6).to_bytes(4, "little")
    assert "something between" in refusal(delivered(tmp_path, "a.zip", bytes(moved)))


def test_a_gzip_in_a_gzip_is_refused(tmp_path: Path) -> None:
    data = gzip.compress(gzip.compress(TEXT))
    assert "another archive" in refusal(delivered(tmp_path, "a.gz", data))


@pytest.mark.parametrize("behind", [b"\n", b"\x00", b"\x00" * 512, TEXT, b"\x1f\x8b", b"\x1f"])
def test_what_stands_behind_a_gzip_is_refused(tmp_path: Path, behind: bytes) -> None:
    data = gzip.compress(TEXT) + behind
    assert "cannot be unpacked" in refusal(delivered(tmp_path, "a.csv.gz", data))


def test_a_zip_with_a_list_of_members_without_end_is_not_read_into_memory(tmp_path: Path) -> None:
    members = [(f"{number:05d}" + "x" * 60_000, b"") for number in range(40)]
    message = refusal(delivered(tmp_path, "a.zip", zipped(*members)))
    assert "holds 40 members" in message
    members = [(f"{number:05d}" + "x" * 60_000, b"") for number in range(80)]
    message = refusal(delivered(tmp_path, "a.zip", zipped(*members)))
    assert "list of members is too long" in message


def test_links_pipes_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    real = delivered(tmp_path, "real.csv", TEXT)
    link = tmp_path / "link.csv"
    link.symlink_to(real)
    assert "is a link" in refusal(link)
    (tmp_path / "lost.csv").symlink_to(tmp_path / "nowhere")
    assert "is a link" in refusal(tmp_path / "lost.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is no plain file" in refusal(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "is no plain file" in refusal(tmp_path / "folder.csv")
    assert "is missing; ask the business" in refusal(tmp_path / "missing.csv")


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.zip"])
def test_a_file_is_taken_up_to_its_limit_of_bytes_and_not_beyond(tmp_path: Path, name: str) -> None:
    data = {"gz": gzip.compress(TEXT), "zip": zipped(("a.csv", TEXT))}.get(name[-3:].strip("."))
    path = delivered(tmp_path, name, data or TEXT)
    size = path.stat().st_size
    assert unpacked(path, Limits(packed_bytes=size)) == TEXT
    message = refusal(path, Limits(packed_bytes=size - 1))
    assert f"has {size} bytes, {size - 1} are allowed" in message


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip"])
def test_a_file_is_unpacked_up_to_its_limit_and_not_beyond(tmp_path: Path, name: str) -> None:
    data = gzip.compress(TEXT) if name.endswith("gz") else zipped(("a.csv", TEXT))
    path = delivered(tmp_path, name, data)
    assert unpacked(path, Limits(unpacked_bytes=len(TEXT))) == TEXT
    message = refusal(path, Limits(unpacked_bytes=len(TEXT) - 1))
    assert f"unpacks to more than {len(TEXT) - 1} bytes" in message


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip"])
def test_a_file_may_grow_by_the_ratio_and_not_beyond(tmp_path: Path, name: str) -> None:
    def sized(count: int) -> Path:
        data = b"0" * count
        packed = gzip.compress(data) if name.endswith("gz") else zipped(("a.csv", data))
        return delivered(tmp_path, name, packed)

    path = sized(100_000)
    ratio = -(-100_000 // path.stat().st_size)  # rounded up
    assert len(unpacked(path, Limits(ratio=ratio, ratio_from_bytes=0))) == 100_000
    message = refusal(path, Limits(ratio=ratio - 1, ratio_from_bytes=0))
    assert f"more than {ratio - 1} times its size" in message
    assert len(unpacked(path, Limits(ratio=1, ratio_from_bytes=100_000))) == 100_000
    assert "1 times" in refusal(path, Limits(ratio=1, ratio_from_bytes=99_999))


@pytest.mark.parametrize("name", ["a.csv.gz", "a.zip"])
def test_ten_megabytes_of_zeros_are_a_bomb(tmp_path: Path, name: str) -> None:
    data = bytes(10 << 20)
    packed = gzip.compress(data) if name.endswith("gz") else zipped(("a.csv", data))
    assert "100 times its size" in refusal(delivered(tmp_path, name, packed))


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    data = bytearray(zipped(("a.csv", TEXT * 10)))
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = len(TEXT).to_bytes(4, "little")
    assert "Bad CRC-32" in refusal(delivered(tmp_path, "a.zip", bytes(data)))


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "a.csv.gz": gzip.compress,
    "a.zip": lambda data: zipped(("a.csv", data)),
    "b.zip": lambda data: zipped(("a.csv", data), compress_type=zipfile.ZIP_STORED),
    "c.zip": lambda data: zipped(("a.csv", data), comment=b"made by the till"),
}


@SMALL
@given(data=st.binary(max_size=60), name=st.sampled_from(sorted(PACKERS)))
def test_no_cut_of_a_packed_file_is_taken(tmp_path: Path, data: bytes, name: str) -> None:
    packed = PACKERS[name](data)
    for length in range(len(packed)):
        refusal(delivered(tmp_path, name, packed[:length]))


@SMALL
@given(data=st.binary(max_size=60), name=st.sampled_from(sorted(PACKERS)), flip=st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing(
    tmp_path: Path, data: bytes, name: str, flip: int
) -> None:
    packed = PACKERS[name](data)
    for place in range(len(packed)):
        changed = bytearray(packed)
        changed[place] ^= flip
        with contextlib.suppress(Problem):
            assert unpacked(delivered(tmp_path, name, bytes(changed))) == data, place
