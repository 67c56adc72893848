"""Where and what the model reads: the place of the score, the vocabulary, the window."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from rmbench.doctor.subject import EXAMPLE, Subject, Verdict
from rmbench.models.base import Tokens
from rmbench.models.tokens import TEMPLATE_DATE, TokenScorer
from rmbench.types import Conversation

# Two readings of one score, in standard deviations of the readings at all tokens. They come from the pass that gave the
# score, so one of them is equal to it, unless the model rounds what it returns: then the last one is in doubt first.
SAME = {"float32": 1e-3}
SAME_ROUGH = 0.02


def pooling(subject: Subject) -> Verdict | None:
    """A decoder's score is read at one token, which ought to be the last one."""
    example, scorer, reading = subject.example, subject.scorer, subject.reading
    if scorer is None or example is None or reading is None:
        return None
    strange = "the score is none of those that the head gives at the tokens: this model pools in its own way"
    if reading.outputs is None:
        return "note", strange
    distances = np.abs(reading.outputs - reading.score)
    spread = float(reading.outputs.std()) or 1.0
    place, last = int(distances.argmin()), len(example.ids) - 1
    near = distances[place] > 0 and distances[last] <= SAME.get(subject.dtype, SAME_ROUGH) * spread
    if near or distances[last] == distances[place]:
        place = last
    if distances[place] > 0.1 * spread:
        return "note", strange
    end = subject.say(example.ids[last:])
    if place == last:
        return "ok", f"the score is read at the last token, {end}"
    told = (
        f"the score is read at token {place + 1} of {last + 1}, {subject.say([example.ids[place]])!r}, not at the end"
    )
    pad = scorer.model.config.get_text_config().pad_token_id
    if pad != example.ids[last]:
        return "problem", f"{told}, {end!r}; go on with --allow pooling only if training read it there"
    return "problem", (
        f"{told}, {end!r}, since that is also the padding (pad_token_id {pad}); if the model was trained with TRL and "
        "pad = eos, it learnt this: go on with --allow pooling; else set pad_token_id to a token that ends no "
        "conversation"
    )


def clock(subject: Subject) -> Verdict | None:
    """A template that writes the date of the day would give other scores tomorrow."""
    if subject.scorer is None or "strftime_now" not in str(subject.scorer.tokenizer.chat_template):
        return None
    return "note", f"the template asks for the date; rmbench always gives {TEMPLATE_DATE:%d %b %Y}"


def vocabulary(subject: Subject) -> Verdict | None:
    """Every id of the tokenizer must be one that the model has learnt something about."""
    if subject.scorer is None:
        return None
    size = getattr(subject.scorer.model.config.get_text_config(), "vocab_size", None)
    if size is None:
        return None
    known = subject.scorer.tokenizer.get_vocab()
    beyond = sorted(token for token, i in known.items() if i >= size)
    if not beyond:
        return "ok", f"all {len(known)} tokens of the tokenizer are within the model's {size}"
    used = [
        token for token in beyond if any(_holds(subject.scorer, c, token) for c in (EXAMPLE, *subject.conversations))
    ]
    told = f"the tokenizer has {len(beyond)} tokens beyond the model's {size}: {', '.join((used or beyond)[:3])}"
    if used:
        return "problem", f"{told}, and ordinary texts hold them; model and tokenizer do not belong together"
    return "note", f"{told}; a text with one of them stops the run"


def _holds(scorer: TokenScorer, conversation: Conversation, token: str) -> bool:
    ids = scorer.tokenizer(scorer.render(conversation), add_special_tokens=False)["input_ids"]
    return scorer.tokenizer.convert_tokens_to_ids(token) in ids


def window(subject: Subject) -> Verdict | None:
    """How long a text may be, and that nothing is ever cut, whatever the tokenizer's files say."""
    if subject.scorer is None:
        return None
    limit, source = subject.scorer._window  # noqa: SLF001 - nobody else needs the source
    told = f"{limit} tokens ({source})" if limit else "no limit is known"
    tokenizer = subject.scorer.tokenizer
    saved, side = tokenizer.init_kwargs.get("max_length"), tokenizer.truncation_side
    if saved:
        return "note", (
            f"{told}; the tokenizer's files say to cut at {saved} tokens on the {side}, which is not obeyed: "
            "nothing is ever cut"
        )
    return "ok", f"{told}; nothing is ever cut (truncation_side {side} is not obeyed)"


def too_long(subject: Subject) -> Verdict | None:
    """Which part of the tasks does not fit the window."""
    limit = subject.model.settings.get("window")
    if subject.scorer is None or not subject.tasks:
        return None
    every = {_key(c): c for task in subject.tasks for item in task.items for c in _all(item)}
    lengths = [len(e.ids) for e in _unlimited(subject.scorer).encode(list(every.values())) if isinstance(e, Tokens)]
    over = sum(n > limit for n in lengths) if limit else 0
    longest = max(lengths, default=0)
    if over:
        return "problem", (
            f"{over} of {len(lengths)} conversations ({100 * over / len(lengths):.1f} %) do not fit the window of "
            f"{limit} tokens, the longest has {longest}; --too-long null leaves these out"
        )
    return "ok", f"the longest of {len(lengths)} conversations has {longest} tokens"


def _all(item: Any) -> list[Conversation]:
    return [item.conversation(j) for j in range(len(item.responses))]


def _key(conversation: Conversation) -> tuple[tuple[str, str], ...]:
    return tuple((message["role"], message["content"]) for message in conversation)


def _unlimited(scorer: TokenScorer) -> TokenScorer:
    other = copy(scorer)
    other._window = (10**12, "none")  # noqa: SLF001 - to count what would not fit
    return other
