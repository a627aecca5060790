"""Keys, tokens and seals: keyed tokens for the warehouse, sealed values for the few.

A token is an HMAC of the normal form, so equal people match and nobody can compute tokens without
the key (a plain hash of a mobile number is reversed in minutes). Values are sealed with AES-GCM
under a random key of their own person, which is wrapped by the master key (RFC 3394): whoever drops
the wrapped keys of a person has erased that person, also in every backup of the sealed values.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Keys:
    """The secrets of one installation; ids say which generation of a key made a value."""

    token_key_id: str
    token_key: bytes
    master_key_id: str
    master_key: bytes

    def __repr__(self) -> str:
        """Never show key material, not even in a traceback."""
        return f"Keys({self.token_key_id}, {self.master_key_id})"


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
    document = {
        "token_key_id": "t1",
        "token_key": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
        "master_key_id": "m1",
        "master_key": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
    except FileExistsError:  # another load made it first
        return False
    except OSError as error:
        raise Problem(f"cannot write the keys file {path}: {error.strerror}") from error
    return True


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
        keys = Keys(
            token_key_id=document["token_key_id"],
            token_key=base64.b64decode(document["token_key"], validate=True),
            master_key_id=document["master_key_id"],
            master_key=base64.b64decode(document["master_key"], validate=True),
        )
    except (OSError, ValueError, KeyError, TypeError):
        raise Problem(
            f"keys file {path} is damaged; restore it, its tokens cannot be made again"
        ) from None
    if len(keys.token_key) != KEY_BYTES or len(keys.master_key) != KEY_BYTES:
        raise Problem(f"keys file {path}: each key must be {KEY_BYTES} bytes in base64")
    return keys


def token(keys: Keys, kind: str, normal_form: str) -> str:
    """Keyed token of one normalised identifier: key id, colon, 32 hex digits.

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
    """The text of one sealed value; Problem if key, value or context do not belong together."""
    try:
        data_key = aes_key_unwrap(keys.master_key, wrapped_key)
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        return AESGCM(data_key).decrypt(nonce, body, context.encode()).decode()
    except (InvalidUnwrap, InvalidTag):
        raise Problem(
            f"sealed value of {context.partition('|')[0]} does not open with these keys"
        ) from None
