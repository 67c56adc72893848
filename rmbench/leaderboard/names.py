"""How entries are called, so that a name is a safe folder, a safe file and a safe part of an address."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from rmbench.errors import SubmissionError

# Lower case alone: two names never differ by case only, which some file systems cannot hold apart.
SLUG = r"[a-z0-9](?:[a-z0-9.-]|_(?!_))*[a-z0-9]|[a-z0-9]"
LONGEST = 60
_KEY = re.compile(rf"({SLUG})__({SLUG})")
_SUITE = re.compile(r"[a-z][a-z0-9_]{0,30}@[1-9][0-9]{0,3}")
# What Windows keeps for itself, whatever the extension
_RESERVED = {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))}


def entry_key(organisation: str, model: str) -> str:
    """`org__model`, the name of an entry's folder. Raises SubmissionError for a name that is no safe one."""
    for what, name in (("organisation", organisation), ("model", model)):
        if problem := slug_problem(name):
            raise SubmissionError(f"the {what} is {name!r:.80}: {problem}")
    return f"{organisation}__{model}"


def slug_problem(name: str) -> str | None:
    """Why a text is no name of an organisation or a model, and what one is; None if it is one."""
    if len(name) > LONGEST or not re.fullmatch(SLUG, name) or ".." in name:
        return f"use 1 to {LONGEST} of a-z, 0-9, dot, dash and single underscores, with a letter or digit at both ends"
    if name.partition(".")[0] in _RESERVED:
        return "some systems keep this name for a device; choose another"
    return None


def _slug(name: str) -> str:
    if problem := slug_problem(name):
        raise ValueError(problem)
    return name


Slug = Annotated[str, AfterValidator(_slug)]


def split_key(key: str) -> tuple[str, str] | None:
    """Organisation and model of a folder's name; None if it is no entry's."""
    found = _KEY.fullmatch(key)
    return None if found is None or slug_problem(found[1]) or slug_problem(found[2]) else (found[1], found[2])


def is_suite(name: str) -> bool:
    """Whether a text is `name@version`."""
    return _SUITE.fullmatch(name) is not None


def slug_of(name: str) -> str:
    """A name made safe: what `rmbench submit` proposes where the model's own is not."""
    plain = re.sub(r"[^a-z0-9.]+", "-", name.lower())
    found = re.sub(r"\.{2,}", ".", plain).strip("-.")[:LONGEST].strip("-.") or "model"
    return f"{found[: LONGEST - 6]}-model" if slug_problem(found) else found
