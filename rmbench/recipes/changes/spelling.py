"""Slips of the pen: letters swapped, doubled, or single that should be double; never in a word that decides.

A slip keeps the first and the last letter of a word of five letters or more, and never makes another word of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from random import Random

from rmbench.recipes.changes.base import Case, Change, Changed, on_prompt
from rmbench.worlds.base import Claim

Span = tuple[int, int]

LEAST = 5  # letters of a word that may be misspelt
PER_SLIP, FEWEST, MOST = 9, 2, 6  # words per slip; bounds
_WORD = re.compile(r"(?<![\w'’-])[a-z]+(?![\w'’-])")
_SHOWN = re.compile(r"^[\w -]+: .*$", re.MULTILINE)
_QUOTED = re.compile(r"\"[^\"]*\"")
# Slips that would be words of their own, or another spelling of the same.
WORDS = frozenset(
    """
    ample angel angle barely barley bared baring barred barring batted bated bellow below blots board bolts broad calm
    canned caned casual causal choose chose clam clots colts coma comma cooped coped coper copper dairy desert dessert
    diary diner dinner felt filed filled fired form fried from gird grid griped gripped hated hatted holly holy hoping
    hopping later latter lions loins loose lose marital martial mated matted moped mopped planed planned quiet quite
    rated ratted reserve reverse robbed robed rooted roted rudder ruder sacred salve scared scarred shoot shot signed
    silver singed slave sliver spilt split stared starred steal stoop stop striped stripped super supper taped tapped
    taper tapper there three tiled tilled tired trail trial tried united untied weird wired
    kilometers kilometres meters metres liters litres
    centimeters centimetres milliliters millilitres
    """.split()
)
_NUMBERS = frozenset(
    "seven eight eleven twelve three thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty"
    " fifty sixty seventy eighty ninety hundred first second third fourth fifth sixth seventh eighth ninth".split()
)


def misspell(word: str, rng: Random) -> str | None:
    """The word with one slip in it; None if there is none to be made."""
    inner = range(1, len(word) - 1)
    options = {word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in inner[:-1]}
    options |= {word[:i] + word[i] + word[i:] for i in inner}
    options |= {word[:i] + word[i + 1 :] for i in inner[:-1] if word[i] == word[i + 1]}
    fit = sorted(o for o in options - WORDS if o != word and not re.search(r"(.)\1\1", o))
    return rng.choice(fit) if fit else None


def slips(text: str, spans: Sequence[Span], count: int, rng: Random) -> str:
    """The text with a slip in `count` of the words that stand in the spans."""
    for start, end in sorted(rng.sample(list(spans), count), reverse=True):
        wrong = misspell(text[start:end], rng)
        text = text[:start] + (wrong or text[start:end]) + text[end:]
    return text


def free_words(text: str, case: Case, kept: Sequence[Span] = ()) -> list[Span]:
    """Words that may be misspelt: in small letters, out of quotes and of `kept`, and no value of the prompt's."""
    values = _values(case)
    shut = [*kept, *(m.span() for m in _QUOTED.finditer(text))]
    return [
        m.span()
        for m in _WORD.finditer(text)
        if len(m.group()) >= LEAST
        and m.group() not in values
        and m.group() not in _NUMBERS
        and all(m.end() <= start or end <= m.start() for start, end in shut)
    ]


def _values(case: Case) -> Collection[str]:
    """The words that the prompt's details, lists and constraints are made of."""
    data = {k: v for k, v in case.prompt.data.items() if k not in {"parts", "misreads", "carried", "kind"}}
    return set(re.findall(r"[a-z]+", repr(data).lower())) - {"kind", "value", "truth", "wrong"}


def _prompt_typos(case: Case, rng: Random) -> str | None:
    text = case.prompt.text
    # the lines of a record, and whatever else is shown as data, stay as they are
    shown = [m.span() for m in _SHOWN.finditer(text)] if case.world.name in {"records", "transforms"} else []
    spans = free_words(text, case, shown)
    words = len(text.split()) - sum(len(text[start:end].split()) for start, end in shown)
    count = min(MOST, words // PER_SLIP, len(spans))
    return slips(text, spans, count, rng) if count >= FEWEST else None


def _answer_typos(case: Case, rng: Random) -> Changed | None:
    """As many slips in one answer as in the other, so that they tell nothing."""
    open_words = [free_words(text, case, _decisive(case.claims(i), text)) for i, text in enumerate(case.texts)]
    count = min(4, *map(len, open_words))
    if count < FEWEST:
        return None
    one, other = (slips(t, spans, count, rng) for t, spans in zip(case.texts, open_words, strict=True))
    return Changed(case.prompt.messages, (one, other))


def _decisive(claims: Sequence[Claim], text: str) -> list[Span]:
    """Where the gold found something, but for sentences that are just on the topic; and the last words."""
    last = [m.start() for m in re.finditer(r"\S+", text)][-5:]
    return [*((c.start, c.end) for c in claims if c.key not in {"topic", "filler"}), (last[0], len(text))]


CHANGES = (
    Change("prompt_typos", "prompt", on_prompt(_prompt_typos)),
    # in the other worlds nearly every word of an answer belongs to something that is right or wrong
    Change("answer_typos", "both", _answer_typos, worlds=("arithmetic", "instructions")),
)
