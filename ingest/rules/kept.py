"""The rule books as a night had them, kept in the lake as one file a version.

Rule books are edited for as long as there are nights. Whoever derives an old night again needs the
books of that night, not today's: `python -m dags rebuild` reads them.
"""

import hashlib
import json
from pathlib import Path

from ingest.core.lake import Lake, write_bytes


def rules_version(rules: Path) -> str:
    """Digest over the names and bytes of all books in a folder, hexadecimal."""
    lines = [
        f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for name, path in _books(rules)
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def keep_books(lake: Lake, rules: Path, version: str) -> None:
    """Keep the books of a folder under their version, unless they are kept already."""
    path = lake.rule_books(version)
    if path.is_file():
        return
    books = {name: book.read_bytes().decode() for name, book in _books(rules)}
    document = json.dumps(books, ensure_ascii=False, indent=2) + "\n"
    write_bytes(path, document.encode())


def _books(rules: Path) -> list[tuple[str, Path]]:
    """Every book by its name within the folder, in order."""
    return [(path.relative_to(rules).as_posix(), path) for path in sorted(rules.rglob("*.yml"))]
