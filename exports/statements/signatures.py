"""Detached signatures of closed statements: Ed25519 (RFC 8032) over the bytes of the manifest.

The manifest names the SHA-256 of the key's public part, which lies in the pack as PEM, so each key
stands in the chain of its party. A pack under another key than the one before it also holds the
earlier key's signature of the new one. Equal bytes give an equal signature. Anybody can check one:
openssl pkeyutl -verify -pubin -inkey signing_key.pem -rawin -in manifest.json
-sigfile manifest.json.sig
"""

from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from exports.folder import ExportFolder, Signature
from exports.reader import MANIFEST
from exports.statements.packs import PUBLIC_KEY, PUBLIC_KEY_SIGNATURE, SIGNATURE, Pack
from ingest.core.errors import Problem
from ingest.core.privacy import read_keys

Trusted = frozenset[bytes] | None  # public keys as PEM; None if only the chain vouches for its keys


class Signer:
    """Signs under one key of a keys file, the newest one unless another is named."""

    def __init__(self, keys_file: Path, key_id: str | None = None) -> None:
        """Problem if the file cannot be read, or holds no such key."""
        self._file = keys_file
        self._keys = {
            key.key_id: Ed25519PrivateKey.from_private_bytes(key.key)
            for key in read_keys(keys_file).sign_keys
        }
        if not self._keys:
            raise Problem(
                f"keys file {keys_file} has no key that signs statements; "
                "run python -m ingest keys, which adds one"
            )
        self.key_id = key_id or list(self._keys)[-1]
        self._own = self._key(self.key_id)

    def add_key(self, folder: ExportFolder, before: Pack | None) -> None:
        """Put the public key into a pack, signed by that of the one before it, if it is another."""
        pem = _pem(self._own)
        folder.add_bytes(PUBLIC_KEY, pem, rows=0, sum_fen=0)
        earlier = before.signing_key_id if before else None
        if earlier not in (None, self.key_id):
            handed_over = self._key(str(earlier)).sign(pem)
            folder.add_bytes(PUBLIC_KEY_SIGNATURE, handed_over, rows=0, sum_fen=0)

    @property
    def signature(self) -> Signature:
        """The signature's file, and what makes it, 64 bytes, of the bytes of a manifest."""
        return SIGNATURE, self._own.sign

    def _key(self, key_id: str) -> Ed25519PrivateKey:
        if key_id not in self._keys:
            raise Problem(
                f"keys file {self._file} lacks {key_id}, which signed statements; restore it from "
                "a backup"
            )
        return self._keys[key_id]


def trusted_keys(keys_file: Path) -> Trusted:
    """The public keys of a keys file; None if there is none here, or nothing in it signs."""
    if not keys_file.is_file():
        return None
    keys = read_keys(keys_file).sign_keys
    return frozenset(_pem(Ed25519PrivateKey.from_private_bytes(key.key)) for key in keys) or None


def trusted_key(path: Path) -> Trusted:
    """The one public key that a person was given; Problem if the file holds none."""
    try:
        pem = path.read_bytes()
    except OSError as error:
        raise Problem(f"cannot read {path}: {error.strerror}") from error
    if _public_key(pem) is None:
        raise Problem(f"{path} is no Ed25519 public key in PEM; take {PUBLIC_KEY} of a statement")
    return frozenset([pem])


def public_key(pack: Pack) -> bytes:
    """The key that a pack says it was signed by, as PEM; nothing if it holds none."""
    return _read(pack, PUBLIC_KEY)


def signature_faults(pack: Pack, before: Pack | None) -> Iterator[str]:
    """What is wrong with a pack's signature, or with its key after that of the one before it: a
    line naming the file. Whose key it is, is another question.
    """
    if pack.signing_key_id is None:
        if before is not None and before.signing_key_id is not None:
            name = pack.folder / MANIFEST
            yield f"{name} names no signing key, and {before.statement_no} before it does"
        return
    pem = public_key(pack)
    if not _is_signed(pem, _read(pack, SIGNATURE), (pack.folder / MANIFEST).read_bytes()):
        yield f"{pack.folder / SIGNATURE} is no signature of {MANIFEST} by {PUBLIC_KEY}"
    if before is None or before.signing_key_id is None or public_key(before) == pem:
        return
    if not _is_signed(public_key(before), _read(pack, PUBLIC_KEY_SIGNATURE), pem):
        yield (
            f"{pack.folder / PUBLIC_KEY} is another key than that of {before.statement_no} before "
            "it, which has not signed it"
        )


def _is_signed(pem: bytes, signature: bytes, content: bytes) -> bool:
    key = _public_key(pem)
    try:
        if key is not None:
            key.verify(signature, content)
    except InvalidSignature:
        return False
    return key is not None


def _public_key(pem: bytes) -> Ed25519PublicKey | None:
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _read(pack: Pack, name: str) -> bytes:
    """A small file of a pack; nothing if it is not there."""
    path = pack.folder / name
    return path.read_bytes() if path.is_file() else b""
