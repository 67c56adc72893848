"""The sentences that a writer has at hand: what the picks call for, one line at a time. `draft` puts them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from rmbench.worlds.instructions.catalogue import BEGINNINGS, ENDINGS, KINDS, LINKERS, NAMES, NUMBERS
from rmbench.worlds.instructions.kinds import Kind, core

Picks = Mapping[str, str]
RESTATABLE = 3  # every text has this many sentences that can be said again: see surface.REPEATS
MAX_TOPICAL = 14  # a short text has no use for more


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence of the plan. `free` = it may be said again, moved, linked; `lower` = its capital is only a start."""

    text: str
    role: str
    free: bool = False
    lower: bool = True

    def behind(self, prefix: str) -> Line:
        """The line with words put in front of it."""
        first = self.text[0].lower() if self.lower else self.text[0]
        return replace(self, text=f"{prefix}{first}{self.text[1:]}")


@dataclass(frozen=True, slots=True)
class Shell:
    """The sentences around the content that the surface habits call for."""

    before: list[str]
    after: list[str]

    @property
    def size(self) -> int:
        return len(self.before) + len(self.after)

    @property
    def words(self) -> int:
        return sum(len(s.split()) for s in (*self.before, *self.after))


@dataclass(slots=True)
class Writer:
    """One text in the making."""

    data: Mapping[str, Any]
    picks: Picks
    rng: Random
    shell: Shell
    short: bool = False
    spare: dict[str, list[str]] = field(default_factory=dict)  # topical sentences not used yet, by word
    rules: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rules = {rule["kind"]: rule for rule in self.data["rules"]}
        self.spare = {word: self._shuffled(bank) for word, bank in self.kind.words.items()}

    @property
    def kind(self) -> Kind:
        return KINDS[self.data["kind"]]

    def asked(self, rule: str) -> bool:
        return rule in self.rules

    def keeps(self, rule: str) -> bool:
        return self.asked(rule) and self.picks[f"rule_{rule}"] == "keep"

    def breaks(self, rule: str) -> bool:
        return self.asked(rule) and not self.keeps(rule)

    def _shuffled(self, bank: Sequence[str]) -> list[str]:
        filled = [s.format(topic=self.data["topic"]) for s in bank]
        return sorted(filled, key=lambda s: -len(s.split())) if self.short else self.rng.sample(filled, len(filled))

    def choose(self, bank: Sequence[str], role: str, *, free: bool = False, **values: object) -> Line:
        template = min(bank, key=lambda s: len(s.split())) if self.short else self.rng.choice(bank)
        own = template.startswith(("{", "I ", "I'"))
        return Line(template.format(topic=self.data["topic"], **values), role, free=free, lower=not own)

    def topical(self, *words: str) -> Line:
        """A sentence of this kind of text about one of the words, or about any that the rules leave open."""
        shut = {self.rules[r]["value"] for r in ("use", "avoid", "count") if r in self.rules}
        if self.keeps("use"):
            shut -= {self.rules["use"]["value"]}
        pool = [w for w in (words or self.spare) if self.spare[w] and (words or w not in shut)]
        word = min(pool, key=lambda w: len(self.spare[w][-1].split())) if self.short else self.rng.choice(pool)
        text = self.spare[word].pop()
        return Line(text, "topic", free=not words or word not in shut, lower=not text.startswith("I "))

    def detail(self, key: str, state: str) -> Line:
        value = self.data["details"][key]
        slot = self.kind.slots[key]
        if state == "wrong":
            value = self.rng.choice([v for v in slot.values if v != value])
        if self.asked("caps") and self.rules["caps"]["value"] == key and self.keeps("caps"):
            value = value.replace(core(value), core(value).upper())
        return self.choose(slot.says, f"detail_{key}", free=True, v=value)

    def decoy(self, rule: str, pool: Sequence[Any]) -> Any:
        value = self.rules[rule]["value"]
        return value if self.keeps(rule) else self.rng.choice([v for v in pool if v != value])

    def forced(self) -> list[Line]:
        """The lines that details and rules call for, in no order. What is left out makes room for a topical line."""
        states = {k: self.picks[f"detail_{k}"] for k in self.data["details"]}
        lines = [self.detail(k, s) if s != "missing" else self.topical() for k, s in states.items()]
        if word := next((self.rules[r]["value"] for r in ("use", "avoid") if self.asked(r)), None):
            lines.append(self.topical(word) if self.keeps("use") or self.breaks("avoid") else self.topical())
        if self.asked("count"):
            rule = self.rules["count"]
            times = rule["n"] if self.keeps("count") else rule["near"]
            lines += [self.topical(rule["value"]) for _ in range(times)]
        if self.asked("name"):
            lines.append(self.choose(self.kind.names, "name", name=self.decoy("name", NAMES)))
        if self.asked("number"):
            lines.append(self.choose(self.kind.numbers, "number", n=self.decoy("number", NUMBERS)))
        lines += [self.topical() for _ in range(RESTATABLE - sum(line.free for line in lines))]
        return lines

    def question(self) -> Line | None:
        """The question line, if any: where it stands is decided later."""
        wanted = self.asked("question") or self.breaks("no_question")
        settled = self.short or self.asked("no_question") or self.asked("sentences")
        by_itself = not settled and self.rng.random() < 0.2
        return self.choose(self.kind.questions, "question") if wanted or by_itself else None

    def tail(self) -> Line | None:
        """The last words that a rule asks for: an end phrase or a postscript."""
        if self.asked("end"):
            mark = self.rng.choice(".!")
            return Line(f"{self.decoy('end', ENDINGS[self.kind.domain])}{mark}", "end")
        if self.keeps("ps") or self.breaks("no_ps"):
            return Line(f"PS: {self.topical().text}", "ps")
        return None

    def opener(self) -> str:
        """The word to begin with that a rule asks for, or another one, or none."""
        if not self.asked("begin") or (self.breaks("begin") and self.rng.random() < 0.3):
            return ""
        return f"{self.decoy('begin', BEGINNINGS[self.kind.domain])}, "

    def link(self, lines: list[Line], commas: int) -> None:
        """Put linking words in front of some lines: here and there, or until there are enough commas."""
        where = [i for i, line in enumerate(lines) if i and line.role != "question"]
        self.rng.shuffle(where)
        linkers = list(LINKERS) if self.short else self.rng.sample(LINKERS, len(LINKERS))
        for i in where:
            missing = sum(line.text.count(",") for line in lines) < commas
            by_itself = not self.short and lines[i].role == "topic" and self.rng.random() < 0.12
            if linkers and (missing or by_itself):
                lines[i] = lines[i].behind(linkers.pop(0))

    def exclaim(self, lines: list[Line], marks: int) -> None:
        """Turn full stops into exclamation marks until there are enough."""
        for i in self.rng.sample(range(len(lines)), len(lines)):
            if sum(line.text.count("!") for line in lines) < marks and lines[i].text.endswith("."):
                lines[i] = replace(lines[i], text=f"{lines[i].text[:-1]}!")
