"""The append-only record of what happened to entries: hash-chained, and signed where a word must be trusted."""

from rmbench.ledger.chain import append, extends, read_ledger
from rmbench.ledger.events import OWN, SIGNED, Event, Kind
from rmbench.ledger.signing import KEY, Signer, new_key, read_keys, signer_from_environment, unsigned

__all__ = [
    "KEY",
    "OWN",
    "SIGNED",
    "Event",
    "Kind",
    "Signer",
    "append",
    "extends",
    "new_key",
    "read_keys",
    "read_ledger",
    "signer_from_environment",
    "unsigned",
]
