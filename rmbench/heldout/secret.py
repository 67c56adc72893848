"""The secrets of a season: the salt that everything follows from, and the key that its files are encrypted with."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rmbench.bounded import parse_json, read_json
from rmbench.errors import HeldOutError, SubmissionError
from rmbench.items import replace_file
from rmbench.ledger.signing import KEY as SIGNING_KEY
from rmbench.rows import canonical

KEY = "RMBENCH_HELDOUT_KEY"
BITS = 256
LARGEST = 256_000_000  # bytes of an encrypted file; a season takes some megabytes
UNPACKED = 1_000_000_000
DOMAIN = "rmbench/heldout/1"


def new_salt() -> bytes:
    """256 bits from the system's source of randomness."""
    return secrets.token_bytes(BITS // 8)


def derived(salt: bytes, *names: str) -> bytes:
    """32 bytes for a purpose: HMAC-SHA256 of the salt (RFC 2104). One tells nothing of the salt, nor of another."""
    return hmac.digest(salt, canonical([DOMAIN, *names]).encode(), "sha256")


def seed_of(salt: bytes, task: str) -> int:
    """The seed that a task is built with, of 256 bits. Recipes put it into the texts that seed `random.Random`, which
    hashes all of a text: nothing of the entropy is lost.
    """
    return int.from_bytes(derived(salt, "seed", task))


def new_key() -> str:
    """A fresh key for the environment variable."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def key_from_environment() -> str:
    """The key that the environment holds. Raises HeldOutError where there is none, or one that is no key."""
    from cryptography.fernet import Fernet

    key = os.environ.get(KEY, "")
    if not key:
        raise HeldOutError(f"held-out files are encrypted: put the key into {KEY}; `rmbench heldout keygen` makes one")
    try:
        Fernet(key)
    except ValueError:  # binascii.Error is one
        raise HeldOutError(f"{KEY} does not hold a key as `rmbench heldout keygen` prints it") from None
    return key


@contextmanager
def hidden_keys() -> Iterator[None]:
    """Take the keys out of the environment, so that a model that is asked does not find them there."""
    kept = {name: os.environ.pop(name) for name in (KEY, SIGNING_KEY) if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def seal(path: Path, head: Mapping[str, Any], content: Mapping[str, Any], key: str) -> None:
    """Write JSON content encrypted and authenticated (Fernet), in one step. `head` (with the canary) stays readable,
    and is under the cipher once more. Raises HeldOutError where the file cannot be written.
    """
    from cryptography.fernet import Fernet

    plain = zlib.compress(canonical({"head": dict(head), "content": dict(content)}).encode(), 6)
    envelope = {**head, "sealed": Fernet(key).encrypt(plain).decode()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, (json.dumps(envelope, indent=2) + "\n").encode())
    except OSError as error:
        raise HeldOutError(f"{path} cannot be written: {error.strerror}; nothing was kept") from error


def unseal(path: Path, head: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The content of a sealed file whose head must hold what `head` says.

    Raises HeldOutError, each with its own sentence: the file is missing or damaged, the key is another, the file was
    changed, or it is another file than its place says.
    """
    from cryptography.fernet import Fernet, InvalidToken

    if not path.exists() and not path.is_symlink():
        raise HeldOutError(f"{path} is missing; restore it from a backup, without it the season cannot go on")
    try:
        envelope = read_json(path, LARGEST)
    except SubmissionError as error:
        raise HeldOutError(str(error)) from None
    if not isinstance(envelope, dict) or not isinstance(token := envelope.pop("sealed", None), str):
        raise HeldOutError(f"{path} is not a file that `rmbench heldout` wrote: it has no text `sealed`")
    try:
        packed = Fernet(key).decrypt(token.encode())
    except InvalidToken:
        raise HeldOutError(
            f"{path} does not open: {KEY} holds another key than it was written with, or the file was changed"
        ) from None
    inside, content = _opened(packed, path)
    if inside != envelope:
        raise HeldOutError(f"{path}: its readable head was changed after it was sealed; restore it")
    if wrong := [name for name, value in head.items() if envelope.get(name) != value]:
        name = wrong[0]
        raise HeldOutError(
            f"{path} is of another {name}: {envelope.get(name)!r:.80}, not {head[name]!r}; put the right file there"
        )
    return content


def _opened(packed: bytes, path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Head and content."""
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(packed, UNPACKED)
        if unpacking.unconsumed_tail:
            raise HeldOutError(f"{path} unfolds into more than {UNPACKED:,} bytes, which no season does")
        found = parse_json(plain, str(path))
        return dict(found["head"]), dict(found["content"])
    except (zlib.error, SubmissionError, KeyError, TypeError, ValueError):
        raise HeldOutError(f"{path} opens, but was not written by `rmbench heldout`; restore it") from None
