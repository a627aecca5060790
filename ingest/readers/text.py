"""Text files as they come: decoded strictly in the encoding of the contract, part by part."""

import codecs
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ingest.core.errors import Problem

CHUNK_BYTES = 1 << 22


class TextStream(io.RawIOBase):
    """The UTF-8 bytes of a text file in any encoding.

    Reading raises Problem where the file is not of its encoding, and at its end if the last line
    has no line end: it was cut off; or if it all was UTF-8 although another encoding was declared,
    for almost any bytes are GB18030, but hardly any Chinese text in it is UTF-8.

    The last `kept_lines` lines are never given out; at the end they are in `kept`.
    """

    def __init__(self, file: BinaryIO, encoding: str, path: Path, kept_lines: int = 0) -> None:
        super().__init__()
        self._file, self._path, self._encoding = file, path, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._is_utf_8 = codecs.lookup(encoding).name == "utf-8"
        self._other_text = None if encoding.lower().startswith("utf") else _Utf8Check()
        self._line_count = 0
        self._waiting = b""
        self._is_done = False
        self._last_byte = b""
        self._kept_lines = kept_lines
        self.kept = b""
        self.tail = b""  # the last bytes given out so far
        self.has_nul = False

    def readable(self) -> bool:
        """It is."""
        return True

    def first_line(self) -> str:
        """The first line without its line end; what is read later begins after it."""
        while b"\n" not in self._waiting and (chunk := self._chunk()):
            self._waiting += chunk
        line, _, self._waiting = self._waiting.partition(b"\n")
        return line.decode().removesuffix("\r")

    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        self._waiting = self._waiting or self._chunk()
        return not self._waiting

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all that is left if it is negative; none at the end."""
        if size < 0:
            return b"".join(self.chunks())
        if self.is_at_end():
            return b""
        given, self._waiting = self._waiting[:size], self._waiting[size:]
        return given

    def chunks(self) -> Iterator[bytes]:
        """All that is left, piece by piece."""
        while chunk := self._waiting or self._chunk():
            self._waiting = b""
            yield chunk

    def lines(self) -> Iterator[list[str]]:
        """All that is left as lines without their line ends, many at a time.

        Only a line feed ends a line: values may hold other separators.
        """
        rest = ""
        for chunk in self.chunks():
            *whole, rest = (rest + chunk.decode()).split("\n")
            yield [line.removesuffix("\r") for line in whole]

    def _chunk(self) -> bytes:
        """The next piece, never half a character nor a line that is kept; empty at the end."""
        while piece := self._decoded():
            given = self._all_but_kept(piece)
            if given:
                self.tail = (self.tail + given[-16:])[-16:]
                return given
        return b""

    def _all_but_kept(self, piece: bytes) -> bytes:
        """What can be given out for sure, now that a piece has come."""
        if self._kept_lines == 0:
            return piece
        waiting = self.kept + piece
        end = len(waiting)
        for _ in range(self._kept_lines + 1):  # the end of the line before those that are kept
            end = waiting.rfind(b"\n", 0, max(end, 0))
        self.kept = waiting[end + 1 :]
        return waiting[: end + 1]

    def _decoded(self) -> bytes:
        """The next piece of the file, never half a character; empty at the end."""
        while not self._is_done:
            data = self._file.read(CHUNK_BYTES)
            self._is_done = not data
            try:
                text = self._decoder.decode(data, final=self._is_done)
            except UnicodeError as error:
                start = error.start if isinstance(error, UnicodeDecodeError) else 0
                line = self._line_count + data.count(b"\n", 0, start) + 1
                raise Problem(
                    f"{self._path}: line {line} is not {self._encoding}; "
                    "the file was refused, ask for it in the encoding of the contract"
                ) from error
            is_as_read = self._is_utf_8 and len(text) == len(data)
            piece = data if is_as_read else text.encode()
            self._line_count += piece.count(b"\n")
            self.has_nul = self.has_nul or b"\0" in piece
            if self._other_text is not None and not self._other_text.goes_on(data):
                self._other_text = None
            if piece:
                self._last_byte = piece[-1:]
                return piece
        if self._other_text is not None and self._other_text.is_beyond_ascii:
            raise Problem(
                f"{self._path} is utf-8, not {self._encoding}; "
                "the file was refused, ask for it in the encoding of the contract"
            )
        if self._last_byte not in (b"", b"\n"):
            raise Problem(
                f"{self._path} is cut off: its last line has no line end; ask for the file again"
            )
        return b""


class _Utf8Check:
    """Whether all bytes so far could be UTF-8, and are more than ASCII."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self.is_beyond_ascii = False

    def goes_on(self, data: bytes) -> bool:
        """False once they cannot be."""
        try:
            self._decoder.decode(data, final=not data)
        except UnicodeDecodeError:
            return False
        self.is_beyond_ascii = self.is_beyond_ascii or not data.isascii()
        return True
