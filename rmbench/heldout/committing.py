"""Commit to a season: one root over all of it, in public and signed, before the first model is scored."""

from __future__ import annotations

from pathlib import Path

from rmbench.errors import HeldOutError
from rmbench.heldout.merkle import root_of
from rmbench.heldout.public import Committed, PublicCard, PublicTask, commitment, facts_of, lines, write_public
from rmbench.heldout.season import Season, read_private
from rmbench.ledger import Signer, append, read_ledger
from rmbench.scores import VERSION

ATTEMPTS, DAYS = 3, 7


def commit(
    root: Path, name: str, key: str, ledger: Path, signer: Signer, *, attempts: int = ATTEMPTS, days: int = DAYS
) -> PublicCard:
    """Write card.json and leaves.json, and append a signed `committed` line; returns the card.

    The same season may be committed to again, which changes nothing. `attempts` and `days` are its rules for
    submitters. Raises HeldOutError where the ledger commits to another root or other rules.
    """
    season = read_private(root, name, key)
    leaves = season.leaves()
    card = public_card(season, leaves, attempts, days)
    events = read_ledger(ledger)
    known = [facts_of(event, Committed) for event in lines(events, name) if event.event == "committed"]
    if known and known[0].root != card.root:
        raise HeldOutError(
            f"the ledger commits to the root {known[0].root[:12]}… for {name}, and this one is {card.root[:12]}…;"
            f" a season is committed to once: choose another name"
        )
    if known:
        commitment(events, card)
    write_public(root, card, leaves)
    if not known:
        facts = Committed(season=name, root=card.root, card=card.digest, canary=card.canary)
        append(ledger, "committed", by=signer.name, facts=facts.model_dump(mode="json"), signer=signer)
    return card


def public_card(season: Season, leaves: list[bytes], attempts: int, days: int) -> PublicCard:
    """What is told of a season."""
    tasks = tuple(
        PublicTask(
            name=card.name,
            axis=card.axis,
            title=card.title,
            asks=card.asks,
            limits=card.limits,
            items=card.items,
            canary=card.canary,
        )
        for card in (task.card for task in season.tasks)
    )
    return PublicCard(
        season=season.name,
        canary=season.canary,
        rmbench=VERSION,
        root=root_of(leaves).hex(),
        leaves=len(leaves),
        attempts=attempts,
        days=days,
        tasks=tasks,
    )
