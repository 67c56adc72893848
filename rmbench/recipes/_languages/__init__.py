"""Notices in several languages. A language is a file of our own templates, `<code>.yaml`, and a line in `values.py`."""

from __future__ import annotations

from functools import cache

from rmbench.errors import TaskError
from rmbench.recipes._languages.base import load
from rmbench.recipes._languages.notice import Notices
from rmbench.recipes._languages.values import SHOW

CODES = tuple(SHOW)


@cache
def notices(code: str) -> Notices:
    """The notices of a language. Raises TaskError naming the languages that exist."""
    if code not in CODES:
        raise TaskError(f"there is no bank of templates for the language {code!r}; there are {', '.join(CODES)}")
    return Notices(load(code))
