"""What the ledger says of each entry: which files it is, how far they are to be trusted, whether it is gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rmbench.leaderboard.types import Trust
from rmbench.ledger import OWN, Event
from rmbench.types import Estimate

ROUNDED = 5e-5  # skills stand in the ledger with four decimals


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one entry on one suite. `submission` is the digest that the ledger knows, `gone` why it is off the board."""

    submission: str | None = None
    trust: Trust = "self-reported"
    gone: Literal["withdrawn", "disqualified"] | None = None
    reason: str | None = None
    skills: Mapping[str, float | None] | None = None
    added: int = 0  # the line that the digest comes from
    events: tuple[Event, ...] = ()


def standings(events: Sequence[Event]) -> dict[tuple[str, str], Standing]:
    """(entry, suite) -> where it stands after the last line. What is verified is a set of files, and not a name."""
    out: dict[tuple[str, str], Standing] = {}
    for event in events:
        if event.entry is None or event.suite is None:
            continue
        key = (event.entry, event.suite)
        out[key] = _after(out.get(key, Standing()), event)
    return out


def _after(before: Standing, event: Event) -> Standing:
    now = replace(before, events=(*before.events, event))
    if event.event in ("added", "rescored"):
        if before.gone and event.signature is None:
            return now  # a tombstone is signed, and so must be what lifts it
        return Standing(event.submission, "recomputed", None, None, event.facts.get("skills"), event.number, now.events)
    if event.event in ("withdrawn", "disqualified"):
        return replace(now, gone=event.event, reason=event.reason)
    if event.event == "verified" and event.submission == before.submission:
        again = event.facts.get("kind") == "rerun" or before.trust == "re-run"
        return replace(now, trust="re-run" if again else "spot-verified")
    return now


def reserved(key: str, standing: Standing) -> str | None:
    """Why an entry may not use our name: baselines are those that the maintainers have put into the ledger."""
    if key.partition("__")[0] != OWN or standing.submission is not None:
        return None
    return (
        f"the organisation {OWN} is that of the baselines, which the maintainers accept themselves; use your own name"
    )


def contradiction(standing: Standing, digest: str, skills: Mapping[str, Estimate]) -> str | None:
    """Why files and ledger do not belong together; None where they do, or the ledger does not know the entry."""
    if standing.submission is None:
        return None
    if digest != standing.submission:
        return (
            f"its files are not those of line {standing.added} of the ledger: they were changed; a new run comes on the"
            " board by the maintainers, by `rmbench leaderboard accept`"
        )
    for name, stated in (standing.skills or {}).items():
        found = skills[name].value if name in skills else None
        apart = abs((found or 0.0) - (stated or 0.0))
        if (stated is None) != (found is None) or apart > ROUNDED + 1e-9:
            return f"line {standing.added} of the ledger states {name} {stated}, and its raw scores give {found}"
    return None


def stated(skills: Mapping[str, Estimate]) -> dict[str, float | None]:
    """Skills as they stand in the ledger."""
    return {name: None if e.value is None else round(e.value, 4) + 0.0 for name, e in skills.items()}
