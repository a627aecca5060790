"""Opens a landing file as the bytes inside it: plain, out of a gzip, or out of a zip of one file.

Name and content must agree on which of them it is. Everything is counted while it is unpacked; what
a header says of sizes is never believed, and nothing is ever written by the name that an archive
gives. Whoever leaves the block in peace has had the whole file checked, also if they read a part.
"""

import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ingest.core.errors import Problem, one_line

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PACKED_BYTES_READ = 1 << 15  # small: each gzip member copies what is left of it
PIECE_BYTES = 1 << 18
LIST_BYTES = 4 << 20  # the most that a zip's list of members may take: it is read at once
NAMED = {".gz": "gzip", ".zip": "zip"}
WORKBOOK = ".xlsx"  # a zip by nature, read as a plain file by ingest.workbook
MAGIC = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PK\x07\x08": "zip",
    b"BZh91AY&SY": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"(\xb5/\xfd": "zstd",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"Rar!\x1a\x07": "rar",
}
HEAD_BYTES = max(map(len, MAGIC))
ZIP_END, ZIP_END_BYTES, LOCAL_HEADER_BYTES = b"PK\x05\x06", 22, 30
DESCRIPTOR_FLAG, DESCRIPTOR_BYTES = 0x8, {12, 16, 20, 24}  # lengths behind a member's bytes
ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000
GZIP_WINDOW = 31  # zlib: a gzip member, its header and trailer checked
UNPACKING_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True)
class Limits:
    """What a landing file may cost. `ratio` is unpacked to packed, judged from so many bytes on."""

    packed_bytes: int = 8 << 30
    unpacked_bytes: int = 32 << 30
    ratio: int = 100
    ratio_from_bytes: int = 4 << 20


LIMITS = Limits()


@dataclass
class Meter:
    """Counts what really comes out of one landing file."""

    path: Path
    limits: Limits
    packed_bytes: int
    unpacked_bytes: int = 0

    def __post_init__(self) -> None:
        """Problem if the file is too large as it lies there."""
        most = self.limits.packed_bytes
        if self.packed_bytes > most:
            raise refused(self.path, f"has {self.packed_bytes} bytes, {most} are allowed")

    def count(self, unpacked_bytes: int) -> None:
        """Problem once more came out than the file may hold."""
        self.unpacked_bytes += unpacked_bytes
        limits = self.limits
        if self.unpacked_bytes > limits.unpacked_bytes:
            raise refused(self.path, f"unpacks to more than {limits.unpacked_bytes} bytes")
        if self.unpacked_bytes > max(limits.ratio_from_bytes, limits.ratio * self.packed_bytes):
            raise refused(self.path, f"unpacks to more than {limits.ratio} times its size")


def refused(path: Path, reason: str) -> Problem:
    """The Problem of a file that is not taken."""
    return Problem(f"{path} {reason}; the file was refused, ask for it again")


@contextmanager
def opened(path: Path, limits: Limits = LIMITS) -> Iterator[BinaryIO]:
    """The bytes inside a landing file, as a stream; only that of a plain file can seek.

    Raises Problem, also while the stream is read and at the end of the block, if the file is
    missing, a link, cut off, damaged, not what its name says or beyond the limits.
    """
    with _landing_file(path) as file:
        meter = Meter(path, limits, os.fstat(file.fileno()).st_size)
        kind = _kind(path, file)
        if kind is None:
            yield file
            return
        pieces = _single(_metered(_gzip(file) if kind == "gzip" else _zip(file, path), meter), path)
        yield io.BufferedReader(_Pieces(pieces), PIECE_BYTES)
        for _ in pieces:  # a reader may have stopped before the end, where the checksum is
            pass


def open_archive(file: BinaryIO, path: Path, most_members: int) -> zipfile.ZipFile:
    """A zip whose list of members is sound, from a stream that can seek; Problem otherwise."""
    try:
        archive = zipfile.ZipFile(_Capped(file))
        members = archive.infolist()
        file.seek(-ZIP_END_BYTES - len(archive.comment), os.SEEK_END)
        end = file.read(ZIP_END_BYTES)
    except UNPACKING_FAULTS as error:
        raise refused(path, f"is no whole zip archive ({one_line(error)})") from error
    if not end.startswith(ZIP_END) or end[-2:] != struct.pack("<H", len(archive.comment)):
        raise refused(path, "is cut off, or goes on behind the end of the zip archive")
    if len(members) > most_members:
        raise refused(path, f"holds {len(members)} members, {most_members} are allowed")
    if members and min(member.header_offset for member in members) != 0:
        raise refused(path, "has something before the zip archive")
    names: set[str] = set()
    for member in members:
        fault = "is there twice" if member.filename.lower() in names else _fault(member)
        if fault:
            raise refused(path, f"holds a member {member.orig_filename!r} that {fault}")
        names.add(member.filename.lower())
    return archive


def member_pieces(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, meter: Meter
) -> Iterator[bytes]:
    """The bytes of one member, piece by piece; its checksum is checked behind the last one."""
    return _metered(_member(archive, member), meter)


@contextmanager
def _landing_file(path: Path) -> Iterator[BinaryIO]:
    """The file itself, and no other to which a link could lead."""
    try:
        file = open(path, "rb", opener=_open_itself)  # noqa: SIM115, closed below
    except FileNotFoundError:
        raise Problem(
            f"{path} is missing; ask the business for the whole delivery and load again"
        ) from None
    except OSError as error:
        if path.is_symlink():
            raise refused(path, "is a link, which may lead anywhere") from None
        if path.is_dir():
            raise refused(path, "is no plain file") from None
        raise Problem(f"cannot read {path}: {error.strerror}") from error
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise refused(path, "is no plain file")
        yield file


def _open_itself(path: str, flags: int) -> int:
    """Open without following a link, nor waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _kind(path: Path, file: BinaryIO) -> str | None:
    """How the file is packed, if it is; Problem where name and content disagree."""
    found = _magic(file.read(HEAD_BYTES))
    file.seek(0)
    suffix = path.suffix.lower()
    named = NAMED.get(suffix)
    if suffix == WORKBOOK or named == found:
        return named
    if named is None:
        raise refused(path, f"is packed ({found}), which its name does not say")
    raise refused(path, f"is no {named} file, though its name says so")


def _magic(head: bytes) -> str | None:
    return next((kind for magic, kind in MAGIC.items() if head.startswith(magic)), None)


def _gzip(file: BinaryIO) -> Iterator[bytes]:
    """Every member of a gzip file; zlib checks their checksums and lengths.

    A file of several members, cut exactly between two, is a whole one: only the control file knows.
    """
    member = zlib.decompressobj(GZIP_WINDOW)
    packed = file.read(PACKED_BYTES_READ)
    while packed:
        yield member.decompress(packed, PIECE_BYTES)
        packed = member.unused_data or member.unconsumed_tail or file.read(PACKED_BYTES_READ)
        if member.eof and packed:
            member = zlib.decompressobj(GZIP_WINDOW)
    if not member.eof:
        raise EOFError("it is cut off")


def _zip(file: BinaryIO, path: Path) -> Iterator[bytes]:
    """The one file in a zip, which must hold nothing else."""
    with open_archive(file, path, most_members=1) as archive:
        if not archive.infolist() or archive.infolist()[0].is_dir():
            raise refused(path, "holds no file")
        member = archive.infolist()[0]
        file.seek(0)
        header = file.read(LOCAL_HEADER_BYTES)
        names = sum(struct.unpack_from("<HH", header, LOCAL_HEADER_BYTES - 4))
        unused = archive.start_dir - LOCAL_HEADER_BYTES - names - member.compress_size
        if unused not in (DESCRIPTOR_BYTES if member.flag_bits & DESCRIPTOR_FLAG else {0}):
            raise refused(path, "has something between its member and its list of members")
        yield from _member(archive, member)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _fault(member: zipfile.ZipInfo) -> str | None:
    """Why a member of a zip is not taken, whatever is in it; None if it is."""
    name, mode = member.orig_filename, stat.S_IFMT(member.external_attr >> 16)
    parts = re.split(r"[/\\]", name)
    if not name.isprintable() or not parts[0] or ".." in parts or ":" in name:
        return "could leave its folder"
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is no plain file"
    if member.flag_bits & ENCRYPTED_FLAGS:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is packed by method {member.compress_type}; only stored and deflated are taken"
    return None


def _metered(pieces: Iterator[bytes], meter: Meter) -> Iterator[bytes]:
    """The pieces that are not empty, counted; what is wrong with them becomes a Problem."""
    try:
        for piece in pieces:
            meter.count(len(piece))
            if piece:
                yield piece
    except UNPACKING_FAULTS as error:
        raise refused(meter.path, f"cannot be unpacked ({one_line(error)})") from error


def _single(pieces: Iterator[bytes], path: Path) -> Iterator[bytes]:
    """The pieces, unless they begin like yet another archive."""
    first = next(pieces, b"")
    inner = _magic(first)
    if inner:
        raise refused(path, f"holds another archive ({inner}); a file is packed once")
    yield first
    yield from pieces


class _Capped:
    """A file for zipfile that never gives much at once: the list of members is one read."""

    def __init__(self, file: BinaryIO) -> None:
        self.seek, self.tell, self.seekable, self._file = file.seek, file.tell, file.seekable, file

    def read(self, size: int = -1) -> bytes:
        """Bytes of the file; BadZipFile for more than any sound list of members takes."""
        if size > LIST_BYTES:
            raise zipfile.BadZipFile("its list of members is too long")
        return self._file.read(size)


class _Pieces(io.RawIOBase):
    """Pieces of bytes as a stream."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fill as much of `buffer` as is at hand; 0 at the end."""
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        given = self._rest[: len(memoryview(buffer))]
        memoryview(buffer)[: len(given)] = given
        self._rest = self._rest[len(given) :]
        return len(given)
