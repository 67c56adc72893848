"""Reading through what is done to a text's looks: noise that a careful user minds a little, and idle line breaks.

Everything here keeps the length of the text, so that offsets stay true.
"""

from __future__ import annotations

import re

_HIDDEN = "[\x01-\x08\x0e-\x1f\x7f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ufe00-\ufe0f]+"
_SPACE = "[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
_EMOJI = "[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff\U000e0020-\U000e007f]+"
# What is written for machines, not for the user: tags, comments, labels, records.
_CODE = r"</?[a-zA-Z|][\w|-]{0,20}/?>|<!--[^\n]{0,200}?-->|\[\w{1,20}: ?[\w -]{1,30}\]|\{\"[^{}\n]{1,120}\}"
_TABLE = r"^[ \t]*+\|(?:[ \t]*+\d{1,2}[ \t]*+\|)?|\|"
_SHOUT = r"\b[A-Z]{2,30}(?:[^\w.!?]{1,3}[A-Z\d]{1,30}\b){2,7}"
_NOISE = re.compile(
    rf"(?P<hidden>{_HIDDEN})|(?P<space>{_SPACE})|(?P<code>{_CODE})"
    rf"|(?P<blank>{_EMOJI}|`+|~~|^[ \t]*+(?:>[> \t]*+|[-=_*~]{{3,}}+[ \t]*+$)|{_TABLE})"
    rf"|^[ \t]*+[-*•][ \t]*+$|(?<=\S)[ \t][-*•][ \t](?=(?:\*\*)?[A-Z])|[!?]{{2,9}}|\.{{2,9}}|{_SHOUT}|[a-z][A-Z]",
    re.MULTILINE,
)
_CODE_COST = 4  # as much as an empty sentence
# Cheap: a text without any of these has no noise.
_MARKS = re.compile(rf"{_HIDDEN}|{_SPACE}|{_EMOJI}|[`|<>{{\[~*=_]|[!?.][!?.]|[-•](?=\s|$)")
_CAPITALS = re.compile(r"[A-Z](?<=[A-Za-z][A-Z])")
# A line break inside a sentence: no stop before it; no list mark, table or heading after it.
_SOFT = re.compile(r"(?<=[^\s.!?])[ \t\r]*+\n[ \t]*+(?!\s|[|>\0]|(?:[-*•]|#{1,6})[ \t]|\d{1,2}[.)][ \t])")
# Where a sentence goes on for sure, a number at the start of the next line is no list mark.
_GOES_ON = re.compile(
    r"(?:,|\b(?:and|or|is|are|by|to|of|in|on|at|gives?|leaves|makes?|has|with))[ \t]*+\n[ \t]*+(?=\d{1,2}[.)][ \t])"
)


def tidy(text: str) -> tuple[str, int]:
    """The text with emoji, tags, code marks, quote marks and table rules blanked, and how much noise there was.

    Runs of "!", "?" and ".", words in capitals (three or more in a row) and capitals within words count as noise too;
    they are left as they are. Hidden characters become NUL, which no reader sees.
    """
    if not _MARKS.search(text) and not _CAPITALS.search(text):
        return text, 0
    count, hidden = 0, False

    def replaced(found: re.Match[str]) -> str:
        nonlocal count, hidden
        run, kind = found.group(), found.lastgroup
        hidden = hidden or kind == "hidden"
        if kind == "code":
            count += _CODE_COST
        elif kind not in {"hidden", "space"} and run != "|":  # a table counts by its lines
            count += 1
        return run if kind is None else ("\0" if kind == "hidden" else " ") * len(run)

    return _NOISE.sub(replaced, text), count + hidden


def unwrap(text: str) -> str:
    """The text with line breaks inside sentences turned into vertical tabs: still white space, no longer an end."""
    if "\n" not in text:
        return text
    joined = _GOES_ON.sub(lambda found: found.group().replace("\n", "\v"), text)
    return _SOFT.sub(lambda found: "\v" * len(found.group()), joined)
