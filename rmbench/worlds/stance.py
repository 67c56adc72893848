"""Whether a sentence states what it mentions, or denies, supposes, asks or quotes it.

What is denied or supposed must earn nothing. But a stray "never" must not make a false statement vanish either, or
noise could be added to a wrong answer to gain by it: so what is merely clouded can only hurt.
"""

from __future__ import annotations

import re
from typing import Literal

# stated: counts. clouded: counts if it is false. denied: its opposite is said. open: nothing is said.
Stance = Literal["stated", "clouded", "denied", "open"]

_NO = (
    r"not|never|no longer|nobody|no[ -]one|none|neither|nor|nothing|nowhere|cannot|hardly|barely|refus\w+"
    r"|false|falsely|untrue|wrong|wrongly|incorrect\w*|inaccurate|mistaken\w*|myth|lies?|lying|doubt\w*"
    r"|den(?:y|ies|ied)"
)
_WORSE = (
    r"(?:not (?:true|right|correct|the case)|n['’]t (?:true|right|correct)|false|untrue|wrong|incorrect|a lie|a joke"
    r"|nonsense)"
)
_IF = r"if|unless|whether|suppos(?:e|ing)|assum(?:e|ing)|imagin(?:e|ing)|pretend(?:ing)?"
_SAID = (
    r"said|says?|wrote|writes?|claim(?:s|ed)?|ask(?:s|ed)?(?=:|\W(?:that|whether|if)\b)|told|thinks?|thought|believes?"
    r"|believed|allegedly|supposedly|reportedly|rumou?rs?"
)
_DOUBT = r"perhaps|maybe|possibly|jok(?:e|ing)|kidding|opposite"


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# Cheap: without any of these a sentence states what it says.
_TRIGGER = _words(rf"[?\"“«]|n['’]t\b|\b(?:{_NO}|{_IF}|{_SAID}|{_DOUBT})\b")
_DENIAL = _words(rf"\b(?:{_NO})\b|n['’]t\b")
# What sounds like denial or condition and is neither.
_IDIOM = _words(
    r"\b(?:no|without(?: any| a)?|beyond(?: any| all)?) doubt\b|\bnot (?:only|bad|least|to mention)\b|\bnever mind\b"
    r"|\bnot \d[\d.,:]*|(?:\b(?:not|never)|n['’]t) (?:be )?(?:wrong|false|mistaken|lie)\b"
    r"|\bmay or may not\b|\b(?:may|might|could) be (?:\w+ )?(?:mistaken|wrong)\b"
    r"|\bif (?:i|you) (?:may|ask|like|will|wish|want|prefer|must|recall|remember)\b"
)
_AFTERWARDS = _words(rf"(?:\b(?:which|that|this|it)\W+|^\W*)(?:is|was)\s*{_WORSE}|^\W*(?:not|never|no)\b\W*$")
_QUOTED = _words(
    rf"(?<!\bas )\b(?:you|users?|they|he|she|people|someone|somebody|prompt|question)\s+(?:\w+\s+)?(?:{_SAID})\b"
    r"|\b(?:allegedly|supposedly|reportedly|rumou?rs?)\b"
)
_SUPPOSED = _words(rf"^\W*(?:(?:and|but|or|so|even|only)\W+)?(?:{_IF})\b|\b(?:whether|if)\s*$")
_CLOUD = _words(rf"\b(?:{_IF}|{_DOUBT})\b|\?")
_BREAK = re.compile(r"[.!?;:—\v](?=[\s,]|$)")
_CLAUSE = re.compile(r"[,;:–—(\v](?=[^,;:–—(\v]*$)")
_OPENING_QUOTE = re.compile(r"[\"“«](?=[^\"”»]*$)")
_CLOSING_QUOTE = re.compile(r"[\"”»]")
_NEGATED = _words(
    r"\b(?P<does>do|does|did)(?:\s+not|n['’]t)\s+(?P<verb>[a-z]+)\b"
    r"|\b(?P<be>is|are|was|were|has|have|can|will)(?:\s+not|n['’]t|\s+never)\b|\b(?:cannot|can['’]t)\b"
    r"|\b(?:never|no longer|in no way)\s+(?P<then>[a-z]+)\b"
)
_IT = (
    r"(?:of )?(?:this|that|it|these|those|(?:the )?(?:above|below|following)|here|i (?:said|say|wrote)"
    r"|in (?:this|my) \w+)"
)
_IS = r"(?:\w+ ){0,3}(?:is|are|was|were)"
_RETRACTION = _words(
    rf"\b(?:all|everything|each|every word|most|any) {_IT} {_IS} (?!not (?:false|wrong))(?:\w+ ){{0,2}}"
    r"(?:false|untrue|wrong|incorrect|made up|invented|a lie|lies|a joke|fiction|not true|not correct)\b"
    rf"|\b(?:none|nothing) {_IT} {_IS} (?:\w+ )?(?:true|correct|accurate|right)\b"
    rf"|^\W*(?:no\W+)?(?:that|this|it|which) (?:is|was) (?:all )?{_WORSE}\W*$"
    r"|\bjust kidding\b|\bi (?:have )?made (?:all )?(?:of )?(?:this|that|it) up\b"
)


def plain(sentence: str) -> bool:
    """Whether no word of the sentence can keep it from stating what it says. Quick; most sentences are plain."""
    return _TRIGGER.search(sentence) is None


def stance(before: str, after: str) -> Stance:
    """How a statement is meant, from what stands between it and its neighbours (or the ends) in its sentence."""
    if re.match(r"\W*\?", after) or _is_quote(before, after):
        return "open"
    before = _IDIOM.sub("", before[max((m.end() for m in _BREAK.finditer(before)), default=0) :])
    after = _IDIOM.sub("", _BREAK.split(after, maxsplit=1)[0] if not re.match(r"\W*$", after) else after)
    if _SUPPOSED.search(before) or _QUOTED.search(before[-80:]):
        return "open"
    cut = _CLAUSE.search(before)
    if _DENIAL.search(before[cut.end() :] if cut else before) or _AFTERWARDS.search(after):
        return "denied"
    return "clouded" if any(p.search(s) for p in (_DENIAL, _CLOUD) for s in (before, after)) else "stated"


def _is_quote(before: str, after: str) -> bool:
    """Whether quotation marks that begin within the sentence hold the statement. A sentence in quotes is no quote."""
    opened = _OPENING_QUOTE.search(before)
    return bool(opened and re.search(r"\w", before[: opened.start()]) and _CLOSING_QUOTE.search(after))


def undenied(sentence: str) -> str | None:
    """The sentence with negated verbs made positive ("does not have" -> "has"); None if no verb is negated."""
    changed = _NEGATED.sub(_positive, sentence)
    return None if changed == sentence else changed


def _positive(found: re.Match[str]) -> str:
    if found["does"]:
        return found["verb"] if found["does"].lower() == "do" else _third_person(found["verb"])
    return found["be"] or found["then"] or "can"


def _third_person(verb: str) -> str:
    low = verb.lower()
    if low == "have":
        return "has"
    if low.endswith("y") and low[-2:-1] not in set("aeiou"):
        return f"{verb[:-1]}ies"
    return f"{verb}es" if low.endswith(("s", "sh", "ch", "x", "o")) else f"{verb}s"


def retracts(sentence: str) -> bool:
    """Whether a sentence takes back what the text says."""
    return _RETRACTION.search(sentence) is not None
