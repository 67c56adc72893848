"""The page of one entry: what is known of it now, above what its run says, which is made once and kept."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache as once
from pathlib import Path
from typing import Any

from rmbench.errors import RmbenchError
from rmbench.leaderboard.site import words
from rmbench.leaderboard.site.canary import canary
from rmbench.leaderboard.site.pages import environment, page_settings
from rmbench.leaderboard.types import SKILLS, TRUST, Board, Entry
from rmbench.ledger import Event
from rmbench.report.words import MISSING, TITLES, count, number, one_line, reward
from rmbench.scores import VERSION
from rmbench.types import Card

SUBMISSIONS = "leaderboard/submissions"
EVENTS = {
    "added": "added to the board",
    "rescored": "computed again",
    "verified": "verified",
    "withdrawn": "withdrawn",
    "disqualified": "disqualified",
    "heldout": "scored on held-out tasks",
}


@dataclass(frozen=True, slots=True)
class Body:
    """What a run says, as HTML, with its charts; or why nothing can be said (`problem`)."""

    html: str
    charts: Mapping[str, Any]
    sections: Sequence[Sequence[str]]
    problem: str | None = None


def body(
    folder: Path,
    key: str,
    suite: str,
    *,
    digest: str,
    settings: Mapping[str, Any],
    cards: Mapping[str, Card],
    cache: Path | None,
) -> Body:
    """The expensive part of a page, from `cache` if it is there. `settings` are those of the board's resampling.

    Of the tasks, the board's own `cards` speak, and not those that a stranger sent.
    """
    resampling = {name: settings[name] for name in ("bootstrap", "seed") if name in settings}
    known = None if cache is None else cache / f"{_identity(key, suite, digest, resampling, cards)}.json"
    if known is not None and (found := _kept(known)) is not None:
        return found
    made = _made(folder, key, suite, resampling, cards)
    if known is not None and made.problem is None:
        _keep(known, made)
    return made


def render(entry: Entry, board: Board, body: Body, files: Sequence[tuple[str, int]], *, home: str, against: str) -> str:
    """The page as text. `home` and `against` are the files of its board and of the page that compares."""
    from markupsafe import Markup

    page = page_settings(depth=2, home=home) | {
        "name": words.name(entry),
        "entry": entry,
        "board": board,
        "against": against,
        "canary": canary(board.cards.values()),
        "said": one_line(entry.settings.get("name", "")),
        "trust_means": TRUST[entry.trust],
        "level": words.LEVELS.index(entry.trust),
        "places": [
            (TITLES[name], entry.skills[name], words.rank(entry.ranks.get(name)), len(board.ranked))
            for name in ("overall", *SKILLS[:-1])
            if name in entry.skills
        ],
        "facts": _facts(entry),
        "held_place": words.places(entry.heldout) if entry.heldout else "",
        "held_attempts": words.attempts(entry.heldout) if entry.heldout else "",
        "without": _without(entry),
        "events": [_event(event) for event in entry.events],
        "files": [(name, f"{words.size(size)}B") for name, size in files],
        "command": f"rmbench evaluate {shlex.quote(f'{SUBMISSIONS}/{entry.key}/{entry.suite}')}",
        # Safe to leave unescaped: rendered by the report's own template, which escapes.
        "body": Markup(body.html),  # noqa: S704
        "sections": [("about", "About"), *body.sections],
        "problem": body.problem,
        # the report below tells of these itself
        "warnings": [w for w in entry.warnings if w.code not in ("failed", "truncated") or body.problem],
        "charts": body.charts,
    }
    return str(environment().get_template("entry.html.j2").render(page))


def _facts(entry: Entry) -> list[tuple[str, str]]:
    """What stands in the list beside the ranks; what has a link or a colour is written in the template."""
    told = entry.submission
    data = told.training_data
    return [
        ("Coverage", f"{words.coverage(entry)} of {count(entry.items)} items"),
        ("Parameters", words.size(entry.parameters)),
        ("Tokens read", words.size(entry.tokens)),
        ("Wall time", words.duration(entry.seconds)),
        *([("Price of this suite", words.price(entry.price))] if entry.price is not None else []),
        ("Track", f"{entry.track}{', trained on the training split of the worlds alone' * (entry.track == 'closed')}"),
        ("Licence", one_line(told.licence or MISSING)),
        ("Training data", "not declared" if data is None else "" if data else "none, as declared"),
        ("Run", f"{one_line(entry.created).replace('T', ' ').replace('+00:00', ' UTC')}, rmbench {entry.harness}"),
    ]


def _without(entry: Entry) -> list[tuple[str, Any, Any]]:
    """Title, skill with all items and skill without the overlapping ones."""
    found = entry.contamination.skills
    return [
        (TITLES[name], entry.skills[name], found[name]) for name in SKILLS if name in found and name in entry.skills
    ]


def _event(event: Event) -> dict[str, Any]:
    told = EVENTS.get(event.event, event.event)
    kind = event.facts.get("kind")
    if event.event == "heldout" and event.facts.get("failed"):
        told = "failed on held-out tasks"
    if event.event == "verified":
        told = {"spot": "spot-verified", "rerun": "re-run"}.get(kind, told) if isinstance(kind, str) else told
    facts = [f"{one_line(k)} {_short(v)}" for k, v in event.facts.items() if k not in ("kind", "skills", "canary")]
    skills = event.facts.get("skills", {})
    facts += [f"{name} {number(skills[name])}" for name in SKILLS if name in skills]
    return {
        "number": event.number,
        "time": event.time.replace("T", " ").replace("+00:00", " UTC"),
        "told": told,
        "by": one_line(event.by),
        "signed": event.signature is not None,
        "reason": one_line(event.reason or ""),
        "facts": ", ".join(facts),
    }


def _short(value: Any) -> str:
    if isinstance(value, float):
        return reward(value)
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    return one_line(text if len(text) <= 80 else f"{text[:79]}…")


def _made(folder: Path, key: str, suite: str, resampling: Mapping[str, int], cards: Mapping[str, Card]) -> Body:
    """One entry that cannot be shown never hides the others: its page says why."""
    from rmbench.report.page import build_page

    try:
        page = build_page(folder, None, cards=cards, **resampling)
    except RmbenchError as error:
        return Body("", {"config": {}, "charts": {}}, [], one_line(error).replace(str(folder), key))
    where = shlex.quote(f"{SUBMISSIONS}/{key}/{suite}")
    page["commands"] = f"rmbench evaluate {where}\nrmbench evaluate {where} --json\nrmbench report {where}"
    text = environment().get_template("run.html.j2").render(page)
    return Body(str(text), page["charts"], page["sections"])


def _identity(key: str, suite: str, digest: str, resampling: Mapping[str, Any], cards: Mapping[str, Card]) -> str:
    said = {name: card.model_dump(mode="json") for name, card in cards.items()}
    told = json.dumps([key, suite, digest, dict(resampling), said, VERSION, _code()], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


@once
def _code() -> str:
    """The digest of all that a report is made of: what other code made is made again."""
    import altair as alt
    import numpy as np

    root = Path(__file__).parents[2]
    whole = hashlib.sha256(f"{alt.__version__} {np.__version__}".encode())
    for path in sorted(path for path in root.rglob("*") if path.suffix in {".py", ".j2"}):
        place = path.relative_to(root)
        if place.parts[0] != "leaderboard":  # what stands above a report is not kept
            whole.update(place.as_posix().encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


def _kept(path: Path) -> Body | None:
    try:
        return Body(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None  # absent, or cut short: made again


def _keep(path: Path, made: Body) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    draft.write_text(json.dumps(asdict(made)), encoding="utf-8")
    draft.replace(path)
