"""Begin and end marks: does the chat template write each where the tokenizer and the other turns have it, and once?

The template writes all special tokens; what the tokenizer adds by itself is never added. So what the authors' own
pipeline may have had is compared with what the template gives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from rmbench.doctor.subject import EXAMPLE, Subject, Verdict, common
from rmbench.models.tokens import TokenScorer
from rmbench.types import Conversation

LATER: Conversation = (
    *EXAMPLE,
    {"role": "user", "content": "What did it compute?"},
    {"role": "assistant", "content": "It gave Bernoulli numbers."},
)
PLAIN = "Hello"


def doubled_bos(subject: Subject) -> Verdict | None:
    """BOS twice at the start: each way of writing it was taken."""
    bos = _bos(subject)
    if bos is None or subject.example is None or subject.example.ids[:1] != (bos,):
        return None
    if subject.example.ids[1:2] == (bos,):
        return "problem", f"the template writes {subject.say([bos])} twice at the start; drop one from the template"
    return "ok", f"one {subject.say([bos])} at the start"


def missing_bos(subject: Subject) -> Verdict | None:
    """The tokenizer puts BOS before any plain text, and the template leaves it out."""
    if subject.scorer is None or subject.example is None:
        return None
    lead, _ = own_marks(subject.scorer.tokenizer)
    if not lead:
        return "ok", "the tokenizer adds no mark at the start by itself"
    if subject.example.ids[: len(lead)] == lead:
        return "ok", f"the template begins with {subject.say(lead)}, as the tokenizer by itself does"
    return "problem", (
        f"the tokenizer begins plain text with {subject.say(lead)}, the template does not; begin the template with it, "
        "unless the model was trained without"
    )


def doubled_eos(subject: Subject) -> Verdict | None:
    """The same mark twice at the end."""
    ids = _scored_ids(subject)
    if ids is None or ids[-1] not in specials(subject):
        return None
    if ids[-2:-1] == ids[-1:]:
        return "problem", f"the conversation ends with {subject.say(ids[-1:])} twice; drop one from the template"
    return "ok", f"one {subject.say(ids[-1:])} at the end"


def missing_eos(subject: Subject) -> Verdict | None:
    """No end mark after the last turn, where the tokenizer or the earlier turns have one."""
    ids = _scored_ids(subject)
    if ids is None or subject.scorer is None:
        return None
    _, tail = own_marks(subject.scorer.tokenizer)
    if tail and ids[-len(tail) :] != tail:
        return "problem", (
            f"the tokenizer ends plain text with {subject.say(tail)}, the template does not; end the template with it, "
            "unless the model was trained without"
        )
    turns = turns_of(subject.scorer)
    earlier = turns.end_of_earlier if turns else ""
    marked = set(subject.scorer.tokenizer(earlier, add_special_tokens=False)["input_ids"]) & specials(subject)
    last = turns.after_last if turns else _text_after(subject.scorer, EXAMPLE)
    if marked and not last:
        return "problem", f"earlier answers end with {earlier}, the last one does not; write it there too"
    if last or ids[-1] in specials(subject):
        return "ok", f"the last answer ends with {last or subject.say(ids[-1:])}"
    return "note", "the template writes no end mark: the score is read at the last word of the answer"


def generation_prompt(subject: Subject) -> Verdict | None:
    """A finished conversation that ends with the header of one more answer."""
    if subject.scorer is None or _scored_ids(subject) is None:
        return None
    turns = turns_of(subject.scorer)
    header = turns.header if turns else _added_header(subject.scorer)
    last = turns.after_last if turns else _text_after(subject.scorer, EXAMPLE)
    if header and last.endswith(header):
        return "problem", (
            f"the conversation ends with the header of a further answer, {_line(header)}; write that only "
            "{% if add_generation_prompt %}"
        )
    return "ok", "nothing of a further turn follows the last answer"


@dataclass(frozen=True, slots=True)
class Turns:
    """What the template writes around the answers of a longer conversation, without space at both ends.

    `end_of_earlier` follows an answer before the next question begins, `after_last` the last answer; `header` comes
    before an answer and not before a question.
    """

    end_of_earlier: str
    after_last: str
    header: str


def turns_of(scorer: TokenScorer) -> Turns | None:
    """None where the template refuses several turns, or does not write them as they are."""
    gaps = _gaps(scorer, LATER)
    if gaps is None:
        return None
    first, answer, question, _, last = (_words(scorer.tokenizer, gap) for gap in gaps)
    end = question[: len(question) - common(first[::-1], question[::-1])]
    header = answer[common(answer, question) :]
    return Turns(*("".join(part).strip() for part in (end, last, header)))


def own_marks(tokenizer: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """What the tokenizer by itself puts before and after a plain text."""
    plain = tokenizer(PLAIN, add_special_tokens=False)["input_ids"]
    full = tokenizer(PLAIN)["input_ids"]
    at = next((i for i in range(len(full)) if full[i : i + len(plain)] == plain), 0)
    return tuple(full[:at]), tuple(full[at + len(plain) :])


def specials(subject: Subject) -> set[int]:
    """The ids that the tokenizer keeps apart from ordinary text."""
    return set(_specials(subject.scorer.tokenizer)) if subject.scorer else set()


def _specials(tokenizer: Any) -> dict[int, str]:
    added = {i: str(token) for i, token in tokenizer.added_tokens_decoder.items() if token.special}
    return added | dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True))


def _bos(subject: Subject) -> int | None:
    """What begins a text: what the tokenizer adds, else what it calls BOS."""
    if subject.scorer is None:
        return None
    lead, _ = own_marks(subject.scorer.tokenizer)
    found: int | None = lead[0] if lead else subject.scorer.tokenizer.bos_token_id
    return found


def _scored_ids(subject: Subject) -> tuple[int, ...] | None:
    """The example without space at its end; None where the score is about a part of it, so that no end counts."""
    if subject.example is None or subject.example.start or subject.scorer is None:
        return None
    ids = list(subject.example.ids)
    while len(ids) > 1 and ids[-1] not in specials(subject) and not subject.say(ids[-1:]).strip(" ⏎\t"):
        ids.pop()
    return tuple(ids)


def _gaps(scorer: TokenScorer, conversation: Conversation) -> list[str] | None:
    """What the template writes before, between and after the messages."""
    try:
        rest = scorer.render(conversation)
    except Exception:  # noqa: BLE001 - a template is a program of anybody's, and may take one exchange only
        return None
    gaps: list[str] = []
    for message in conversation:
        before, found, rest = rest.partition(message["content"])
        if not found:
            return None
        gaps.append(before)
    return [*gaps, rest]


def _text_after(scorer: TokenScorer, conversation: Conversation) -> str:
    gaps = _gaps(scorer, conversation)
    return gaps[-1].strip() if gaps else ""


def _added_header(scorer: TokenScorer) -> str:
    """What add_generation_prompt adds to a question."""
    asked, plain = (scorer.render(EXAMPLE[:1], prompt_only=only) for only in (True, False))
    return asked.removeprefix(plain).strip() if asked.startswith(plain) else ""


def _words(tokenizer: Any, text: str) -> list[str]:
    """Special tokens, words, blanks and signs, which make up the text."""
    marks = sorted(_specials(tokenizer).values(), key=len, reverse=True)
    return re.findall("|".join([*map(re.escape, marks), r"\w+", r"\s+", "."]), text)


def _line(text: str) -> str:
    return text.replace("\n", "⏎")
