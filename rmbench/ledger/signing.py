"""Who may speak in the ledger: Ed25519 keys. The private one comes from the environment, the public ones lie beside."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmbench.bounded import read_json
from rmbench.errors import LedgerError, SubmissionError, UsageError
from rmbench.ledger.events import SIGNED, Event

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY = "RMBENCH_SIGNING_KEY"  # NAME:BASE64 of the 32 bytes of the private key
LARGEST = 100_000
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}"


@dataclass(frozen=True, slots=True)
class Signer:
    """A name and its private key."""

    name: str
    key: Ed25519PrivateKey

    def sign(self, text: str) -> str:
        """The signature of a text, base64."""
        return base64.b64encode(self.key.sign(text.encode())).decode()

    @property
    def public(self) -> str:
        """The public key, base64."""
        return base64.b64encode(self.key.public_key().public_bytes_raw()).decode()


def new_key(name: str) -> tuple[str, str]:
    """A fresh key: the value of the environment variable (secret), and the public key for the list of keys."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not re.fullmatch(NAME, name):
        raise UsageError(f"a key's name is letters, digits, dot, dash and underscore, at most 60, not {name!r:.80}")
    key = Ed25519PrivateKey.generate()
    secret = base64.b64encode(key.private_bytes_raw()).decode()
    return f"{name}:{secret}", Signer(name, key).public


def signer_from_environment() -> Signer:
    """The signer that the environment names. Raises UsageError where there is none, or one that is no key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    value = os.environ.get(KEY, "")
    name, _, secret = value.partition(":")
    if not value:
        raise UsageError(
            f"this line must be signed: put NAME:KEY into {KEY}; `rmbench leaderboard keygen NAME` makes one"
        )
    try:
        key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(secret, validate=True))
    except ValueError:  # binascii.Error is one
        key = None
    if key is None or not re.fullmatch(NAME, name):
        raise UsageError(f"{KEY} does not hold NAME:KEY as `rmbench leaderboard keygen` prints it")
    return Signer(name, key)


def read_keys(path: Path) -> dict[str, str]:
    """Name -> public key (base64) of those who may sign; none where the file is absent. Raises LedgerError."""
    if not path.exists():
        return {}
    try:
        found = read_json(path, LARGEST)
    except SubmissionError as error:
        raise LedgerError(str(error)) from None
    if not isinstance(found, dict) or not all(re.fullmatch(NAME, k) and isinstance(v, str) for k, v in found.items()):
        raise LedgerError(f"{path} must hold one JSON object: name of the signer -> public key in base64")
    return found


def unsigned(events: Sequence[Event], keys: Mapping[str, str]) -> list[str]:
    """What is wrong with the signatures, one sentence a line: one is missing, of nobody known, or false."""
    return [problem for event in events if (problem := _problem(event, keys))]


def _problem(event: Event, keys: Mapping[str, str]) -> str | None:
    where = f"line {event.number} ({event.event})"
    if event.signature is None:
        return f"{where} is not signed, and {event.event} must be" if event.event in SIGNED else None
    if event.by not in keys:
        return f"{where} is signed by {event.by!r}, whose key is not in the list of keys"
    if not _holds(keys[event.by], event.signature, event.hash):
        return f"{where}: the signature is not that of {event.by!r}"
    return None


def _holds(public: str, signature: str, text: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key: Any = Ed25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        key.verify(base64.b64decode(signature, validate=True), text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
