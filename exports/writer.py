"""How a folder of files and the pointer to it reach the disk whole or not at all.

Single files go through `ingest.core.lake`. A folder is filled under `<name>.tmp`, its manifest
written last, and renamed; the pointer is a symbolic link that is replaced, so a reader finds the
old folder or the new one.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from ingest.core.errors import Problem, one_line
from ingest.core.fail_points import fail_point
from ingest.core.fence import fenced
from ingest.core.lake import remove, rename, sync, write_bytes

TEMPORARY = ".tmp"


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON for people and programs."""
    write_bytes(path, json_bytes(content))


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8: one key a line, in the order given; dates as text."""
    text = json.dumps(content, ensure_ascii=False, indent=2, default=str) + "\n"
    return text.encode("utf-8")


@contextmanager
def filling(folder: Path) -> Iterator[Path]:
    """An empty temporary folder beside `folder`; taken away if the block ends with an error."""
    temporary = folder.with_name(folder.name + TEMPORARY)
    remove(temporary)
    with writing(temporary):
        temporary.mkdir(parents=True)
    try:
        yield temporary
    except BaseException:
        remove(temporary)
        raise


def put_folder(temporary: Path, folder: Path) -> None:
    """Give a filled folder its name. The files in it were synced when they were written."""
    with writing(folder):
        rename(temporary, folder, "folder")


def move_pointer(pointer: Path, target: str) -> None:
    """Let `pointer` name `target`, a folder beside it, in one step."""
    temporary = pointer.with_name(f".{pointer.name}{TEMPORARY}")
    remove(temporary)
    with writing(pointer):
        os.symlink(target, temporary)
        fail_point("before pointer")
        with fenced():
            os.replace(temporary, pointer)
        fail_point("after pointer")
        sync(pointer.parent)


def remove_folder(folder: Path) -> None:
    """Take a folder away; it loses its name first, so that half of it is never found under that
    name.
    """
    temporary = folder.with_name(folder.name + TEMPORARY)
    remove(temporary)
    with writing(folder), fenced():
        os.rename(folder, temporary)
    remove(temporary)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk or the engine refuses into a Problem that names the path."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise Problem(f"cannot write {path}: {reason}; check owner, mode and free space") from error
    except duckdb.Error as error:
        raise Problem(f"cannot write {path}: {one_line(error)}") from error
