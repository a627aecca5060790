"""Keys, tokens and seals: keyed tokens for the warehouse, sealed values for the few.

A token is an HMAC of the normal form, so equal people match and nobody can compute tokens without
the key (a plain hash of a mobile number is reversed in minutes). Values are sealed with AES-GCM
under a random key of their own person, which is wrapped by the master key (RFC 3394): whoever drops
the wrapped keys of a person has erased that person, also in every backup of the sealed values.

The keys file holds the keys in use and earlier generations of them. New values are sealed under the
newest master key, and open under any. Which token key makes a token, ingest.generations says. The
third kind signs statements (exports.statements.signatures).
"""

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

from ingest.core.errors import Problem

KEY_BYTES = 32
NONCE_BYTES = 12
KEY_REF_BYTES = 16
TOKEN_HEX_DIGITS = 32
ROW_HASH_BYTES = 16
OWNER_ONLY = 0o600
KINDS = ("token", "master", "sign")
KEY_ID = re.compile(r"[A-Za-z0-9_-]+")  # it names a file of the lake, and begins tokens


@dataclass(frozen=True)
class Key:
    """One generation of a key."""

    key_id: str
    key: bytes

    def __repr__(self) -> str:
        """Never show key material, not even in a traceback."""
        return f"Key({self.key_id})"


@dataclass(frozen=True)
class Keys:
    """The secrets of one installation; ids say which generation of a key made a value. Earlier
    generations are listed from the oldest on. A keys file from before statements were signed has no
    `sign_keys`; they are the seeds of Ed25519 private keys.
    """

    token_key_id: str
    token_key: bytes
    master_key_id: str
    master_key: bytes
    earlier_token_keys: tuple[Key, ...] = ()
    earlier_master_keys: tuple[Key, ...] = ()
    sign_keys: tuple[Key, ...] = ()

    @property
    def token_keys(self) -> tuple[Key, ...]:
        """All generations of the token key, oldest first."""
        return (*self.earlier_token_keys, Key(self.token_key_id, self.token_key))

    @property
    def master_keys(self) -> tuple[Key, ...]:
        """All generations of the master key, oldest first."""
        return (*self.earlier_master_keys, Key(self.master_key_id, self.master_key))

    def __repr__(self) -> str:
        """Never show key material, not even in a traceback."""
        return f"Keys({self.token_key_id}, {self.master_key_id})"


def with_keys(
    token_keys: Sequence[Key], master_keys: Sequence[Key], sign_keys: Sequence[Key] = ()
) -> Keys:
    """Keys of some generations, oldest first; the last of each kind is the one in use."""
    *earlier_tokens, by_token = token_keys
    *earlier_masters, by_master = master_keys
    return Keys(
        token_key_id=by_token.key_id,
        token_key=by_token.key,
        master_key_id=by_master.key_id,
        master_key=by_master.key,
        earlier_token_keys=tuple(earlier_tokens),
        earlier_master_keys=tuple(earlier_masters),
        sign_keys=tuple(sign_keys),
    )


def token_generations(keys: Keys) -> tuple[Keys, ...]:
    """The same keys with each earlier token key as the one in use, newest first."""
    return tuple(
        replace(keys, token_key_id=earlier.key_id, token_key=earlier.key, earlier_token_keys=())
        for earlier in reversed(keys.earlier_token_keys)
    )


@dataclass(frozen=True)
class Sealed:
    """Values sealed one key each; the three lists run in parallel."""

    key_refs: list[str]
    sealed: list[bytes]
    wrapped_keys: list[bytes]


def create_demo_keys(path: Path) -> bool:
    """Make a keys file that only its owner can read; False if there is one already.

    Meant for demonstrations and single machines: a group with a key service mounts its own file
    instead.
    """
    if path.exists():
        return False
    keys = Keys("t1", new_key(), "m1", new_key(), sign_keys=(Key("s1", new_key()),))
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_new(path, keys)
    except FileExistsError:  # another load made it first
        return False
    except OSError as error:
        raise _unwritable(path, error) from error
    return True


def replace_keys(path: Path, keys: Keys) -> None:
    """Put other keys into a keys file, whole or not at all, for its owner alone.

    Problem if it cannot be written, or if another command is doing so.
    """
    aside = path.with_name(f".{path.name}.new")
    try:
        _write_new(aside, keys)
    except FileExistsError:
        raise Problem(
            f"another command is changing {path}; if none is, remove {aside} and try again"
        ) from None
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise _unwritable(path, error) from error


def new_key() -> bytes:
    """Key material that nobody has seen."""
    return secrets.token_bytes(KEY_BYTES)


def _write_new(path: Path, keys: Keys) -> None:
    """Write a keys file where there is none, synced; OSError if that is not possible."""
    document: dict[str, Any] = {}
    kinds = (keys.token_keys, keys.master_keys, keys.sign_keys)
    for kind, generations in zip(KINDS, kinds, strict=True):
        if not generations:
            continue
        *earlier, newest = generations
        document[f"{kind}_key_id"] = newest.key_id
        document[f"{kind}_key"] = base64.b64encode(newest.key).decode()
        document[f"earlier_{kind}_keys"] = [
            {"id": key.key_id, "key": base64.b64encode(key.key).decode()} for key in earlier
        ]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def _unwritable(path: Path, error: OSError) -> Problem:
    return Problem(f"cannot write the keys file {path}: {error.strerror}")


def read_keys(path: Path) -> Keys:
    """Read the keys file; Problem if it is missing, open to others or not what it should be."""
    if not path.is_file():
        raise Problem(
            f"keys file {path} is missing; make one with `python -m ingest keys`, "
            "or set KEYS_FILE to the one that made this lake"
        )
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise Problem(
            f"keys file {path} can be read by others (mode {mode:o}); run `chmod 600 {path}`"
        )
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        has_signing = f"{KINDS[2]}_key" in document
        tokens, masters = (_generations(document, kind) for kind in KINDS[:2])
        signing = _generations(document, KINDS[2]) if has_signing else []
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise Problem(
            f"keys file {path} is damaged; restore it, its tokens cannot be made again"
        ) from None
    if any(len(key.key) != KEY_BYTES for key in (*tokens, *masters, *signing)):
        raise Problem(f"keys file {path}: each key must be {KEY_BYTES} bytes in base64")
    for kind, generations in zip(KINDS, (tokens, masters, signing), strict=True):
        if unusable := [key for key in generations if not KEY_ID.fullmatch(key.key_id)]:
            raise Problem(
                f"keys file {path}: key id '{unusable[0].key_id}' must be letters, digits, - and _"
            )
        if len({key.key_id for key in generations}) < len(generations):
            raise Problem(f"keys file {path}: a {kind} key id stands there twice; restore it")
    return with_keys(tokens, masters, signing)


def _generations(document: dict[str, Any], kind: str) -> list[Key]:
    """All generations of one kind of key in a keys file, oldest first."""
    pairs = [(entry["id"], entry["key"]) for entry in document.get(f"earlier_{kind}_keys", [])]
    pairs.append((document[f"{kind}_key_id"], document[f"{kind}_key"]))
    return [Key(str(key_id), base64.b64decode(text, validate=True)) for key_id, text in pairs]


def token(keys: Keys, kind: str, normal_form: str) -> str:
    """Keyed token of one normalised identifier under the token key in use: key id, colon, 32 hex
    digits.

    `kind` is the identifier type, so that a card number equal to a plate gives another token.
    """
    digest = hmac.digest(keys.token_key, f"{kind}\x1f{normal_form}".encode(), "sha256")
    return f"{keys.token_key_id}:{digest.hex()[:TOKEN_HEX_DIGITS]}"


def row_hashes(keys: Keys, rows: Sequence[str]) -> list[str]:
    """Keyed hash of the content of each row, 32 hex digits; nothing to guess without the key."""
    key = keys.token_key
    return [
        hashlib.blake2b(row.encode(), key=key, digest_size=ROW_HASH_BYTES).hexdigest()
        for row in rows
    ]


def seal(keys: Keys, texts: Sequence[str], contexts: Sequence[str]) -> Sealed:
    """Seal each text under a new random key, bound to its context: moved, it does not open."""
    key_refs, sealed, wrapped = [], [], []
    size = KEY_BYTES + NONCE_BYTES + KEY_REF_BYTES
    noise = secrets.token_bytes(size * len(texts))  # one call: a call a row costs more than sealing
    for number, (text, context) in enumerate(zip(texts, contexts, strict=True)):
        own = noise[number * size : (number + 1) * size]
        data_key, nonce = own[:KEY_BYTES], own[KEY_BYTES : KEY_BYTES + NONCE_BYTES]
        key_refs.append(own[-KEY_REF_BYTES:].hex())
        sealed.append(nonce + AESGCM(data_key).encrypt(nonce, text.encode(), context.encode()))
        wrapped.append(aes_key_wrap(keys.master_key, data_key))
    return Sealed(key_refs, sealed, wrapped)


def unseal(keys: Keys, wrapped_key: bytes, sealed: bytes, context: str) -> str:
    """The text of one sealed value, whichever master key wrapped its key; Problem if key, value or
    context do not belong together.
    """
    try:
        data_key = _opened(keys, wrapped_key)[1]
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return AESGCM(data_key).decrypt(nonce, body, context.encode()).decode()
    except (Problem, InvalidTag):
        raise Problem(
            f"sealed value of {context.partition('|')[0]} does not open with these keys"
        ) from None


def rewrap(keys: Keys, wrapped_key: bytes) -> bytes:
    """The same data key, wrapped by the master key in use; Problem if none of the keys opens it."""
    return aes_key_wrap(keys.master_key, _opened(keys, wrapped_key)[1])


def master_key_of(keys: Keys, wrapped_key: bytes) -> str:
    """Id of the master key that wrapped a data key; Problem if none of the keys opens it."""
    return _opened(keys, wrapped_key)[0]


def _opened(keys: Keys, wrapped_key: bytes) -> tuple[str, bytes]:
    """Id of the master key that opens a data key, and the data key."""
    for key in reversed(keys.master_keys):
        try:
            return key.key_id, aes_key_unwrap(key.key, wrapped_key)
        except InvalidUnwrap:  # unwrapping proves itself (RFC 3394), so the next one may be tried
            continue
    raise Problem("a wrapped key does not open with these keys; restore the keys file that did")
