"""From a kind of text, details and constraints to the user's request. The shifted split words everything anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from rmbench.worlds.instructions.constraints import GROUPS, ORDINALS, Rule, compatible
from rmbench.worlds.instructions.kinds import Kind

# {v} is the rule's value, {w} its second value (count in words, other detail), {v1} one less or one more.
WORDINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "base": {
        "words_max": ("Use at most {v} words.", "Keep it to {v} words or fewer.", "No more than {v} words."),
        "words_min": ("Use at least {v} words.", "It should have {v} words or more.", "No fewer than {v} words."),
        "sentences": (
            "Write exactly {v} sentences.",
            "It should have exactly {v} sentences.",
            "Exactly {v} sentences.",
        ),
        "lower": ("Write everything in lower case.", "Do not use any capital letters."),
        "upper": ("Write everything in capital letters.", "Use capital letters only."),
        "caps": ("Write the {w} in capital letters.", "Put the {w} in capitals."),
        "no_commas": ("Do not use any commas.", "No commas.", "Avoid commas altogether."),
        "commas": ("Use at least {v} commas.", "There should be {v} commas or more."),
        "no_exclamations": ("Do not use exclamation marks.", "No exclamation marks."),
        "exclamations": ("Use at least {v} exclamation marks.", "Put in {v} or more exclamation marks."),
        "question": ("Make the {w} sentence a question.", "The {w} sentence should be a question."),
        "no_question": ("Do not ask any questions.", "No question marks."),
        "ps": ("Add a PS.", "Include a PS at the end.", "Close with a PS."),
        "no_ps": ("Do not add a PS.", "No PS."),
        "use": ('Use the word "{v}".', 'Include the word "{v}" somewhere.', 'The word "{v}" must appear.'),
        "avoid": ('Do not use the word "{v}".', 'Avoid the word "{v}".', 'The word "{v}" must not appear.'),
        "count": ('Use the word "{v}" exactly {w}.', 'The word "{v}" should appear exactly {w}.'),
        "name": ("Mention {v}.", "Mention {v} by name.", "The name {v} should appear."),
        "number": ("Include the number {v}.", "Mention the number {v} somewhere."),
        "begin": ('Begin with the word "{v}".', 'The first word should be "{v}".'),
        "end": ('End with the words "{v}".', 'Finish with "{v}".', 'The last words should be "{v}".'),
        "order": ("State the {v} before the {w}.", "Give the {v} first and the {w} later."),
    },
    "held_out": {
        "words_max": ("{v} words is the absolute limit.", "Stay within {v} words."),
        "words_min": ("Anything under {v} words is too short.", "I need {v} words as a minimum."),
        "sentences": ("The number of sentences has to be {v}.", "{v} sentences, not one more or less."),
        "lower": ("Small letters only, even at the start of a sentence.", "All letters must be small ones."),
        "upper": ("All caps, please.", "Every letter must be upper case."),
        "caps": ("The {w} must stand out in all caps.", "Use upper case for the {w}."),
        "no_commas": ("It has to work without a single comma.", "Leave commas out."),
        "commas": ("I want to see a minimum of {v} commas.", "Have {v} commas in it, or more."),
        "no_exclamations": ("Leave exclamation marks out.", "Not a single exclamation mark, please."),
        "exclamations": (
            "I want to see a minimum of {v} exclamation marks.",
            "Have {v} exclamation marks in it, or more.",
        ),
        "question": ("Sentence number {v} has to end with a question mark.", "Phrase sentence {v} as a question."),
        "no_question": ("Nothing in it may be a question.", "Leave questions out."),
        "ps": ("There has to be a postscript (PS).", "I would like a PS after the text."),
        "no_ps": ("Leave out any PS.", "I do not want a PS."),
        "use": ('Work in the word "{v}".', '"{v}" has to occur in it.'),
        "avoid": ('Steer clear of the word "{v}".', 'I do not want to read the word "{v}".'),
        "count": ('"{v}" has to occur {w}, no more and no less.', 'Work in the word "{v}" {w} precisely.'),
        "name": ("{v} has to be named.", "Bring in {v} by name."),
        "number": ("Work in the number {v}.", "The figure {v} has to occur in it."),
        "begin": ('Open with "{v}".', '"{v}" has to be the very first word.'),
        "end": ('Let it close on "{v}".', 'The very last words have to be "{v}".'),
        "order": ("The {v} has to come ahead of the {w}.", "I want to read the {v} ahead of the {w}."),
    },
}
TIMES = {1: "once", 2: "twice"}
STARTS = {
    "base": ("Write {request}.", "Please write {request}.", "Can you write {request}?", "I need {request}."),
    "held_out": ("Draft {request}.", "Could you come up with {request}?", "Help me with this text: {request}."),
}
COVERS = {
    "base": ("Say that {points}.", "Make clear that {points}.", "It should say that {points}."),
    "held_out": ("Readers must learn that {points}.", "Get across that {points}."),
}
LISTS = {"base": ("Please follow these rules:", "Rules:"), "held_out": ("What matters to me:", "My conditions:")}
POINTS = {"base": ("Points to cover:", "Details to mention:"), "held_out": ("Facts to get in:", "Needed facts:")}


def wording(rule: Rule, kind: Kind, rng: Random) -> str:
    """The constraint as a sentence of the prompt."""
    value, second = rule["value"], ""
    match rule["kind"]:
        case "caps":
            second = _noun(kind, value)
        case "question":
            second = ORDINALS[value - 1]
        case "count":
            second = TIMES[rule["n"]]
        case "order":
            value, second = _noun(kind, value), _noun(kind, rule["then"])
    return rng.choice(WORDINGS[kind.domain][rule["kind"]]).format(v=value, w=second)


def _noun(kind: Kind, key: str) -> str:
    return kind.slots[key].noun


def request(kind: Kind, data: Mapping[str, Any], rng: Random) -> str:
    """The whole prompt: what to write, the details to cover, and the constraints, as prose or as lists."""
    start = rng.choice(STARTS[kind.domain]).format(request=rng.choice(kind.requests).format(topic=data["topic"]))
    rules = [wording(rule, kind, rng) for rule in data["rules"]]
    rng.shuffle(rules)
    listed = rng.random() < 0.5
    points = _points(kind, data["details"], rng, listed=listed and rng.random() < 0.5)
    if listed:
        return "\n".join([f"{start} {points}", rng.choice(LISTS[kind.domain]), *(f"- {rule}" for rule in rules)])
    return " ".join([start, points, *rules])


def _points(kind: Kind, details: Mapping[str, str], rng: Random, *, listed: bool) -> str:
    keys = list(details)
    rng.shuffle(keys)
    if listed:
        lines = "; ".join(f"{kind.slots[k].noun}: {details[k]}" for k in keys)
        return f"{rng.choice(POINTS[kind.domain])} {lines}."
    return rng.choice(COVERS[kind.domain]).format(points=_enumerate(kind, details, keys, rng))


def _enumerate(kind: Kind, details: Mapping[str, str], keys: Sequence[str], rng: Random) -> str:
    *others, last = (f"that {rng.choice(kind.slots[k].asks).format(v=details[k])}" for k in keys)
    clauses = f"{', '.join(others)} and {last}" if others else last
    return clauses.removeprefix("that ")


def choose_rules(kind: Kind, details: Mapping[str, str], count: int, rng: Random) -> list[str]:
    """Names of `count` constraints that can be kept together: at most one per group, none that clash."""
    plain = [k for k in details if kind.slots[k].plain]
    while True:
        groups = rng.sample(sorted(GROUPS), count)
        kinds = [rng.choice(GROUPS[g]) for g in groups]
        if compatible(kinds) and (plain or "caps" not in kinds):
            return kinds
