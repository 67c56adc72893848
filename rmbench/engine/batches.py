"""Which sequences share a batch. The plan depends on the sequences and the budget alone: every run makes the same one.

Costs are counted in tokens: rows x widest row, padding included, what attention adds, and something for every forward
pass. Sequences of one prompt may share it: the prompt is then read once, and the rest of each goes on from there.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from rmbench.models.base import Batch, Tokens

LEAST_SHARED = 16  # tokens: what is shorter is not worth a pass of its own
WORTH = 0.9  # sharing must cost less than this part of not sharing: it has costs of its own that are not counted
# What attention costs for one query and one key, in tokens of all the rest. Measured on SmolLM2-135M (a sixth of the
# time at 512 tokens); it is less in larger models. Causal attention skips half of the keys, but not behind a prompt.
ATTENTION = 1 / 1400
STEP = 8  # tokens: rests of one prompt that differ by less stand side by side


@dataclass(frozen=True, slots=True)
class _Row:
    tokens: Tokens
    prompt: Hashable
    shared: int = 0

    @property
    def length(self) -> int:
        return len(self.tokens.ids) - self.shared

    @property
    def prefix(self) -> tuple[int, ...]:
        return self.tokens.ids[: self.shared]


def plan_batches(
    sequences: Sequence[Tokens],
    max_tokens: int,
    prompts: Sequence[Hashable] | None = None,
    reach: int | None = None,
) -> list[Batch]:
    """Put every sequence into one batch of at most `max_tokens` tokens, padding included; a longer one stands alone.

    `prompts[i]` names the prompt of sequence i; None where the model cannot share prompts. A prompt and what follows
    are shorter than `reach` tokens together, padding included, where they are read apart. Longest first: what does not
    fit the memory shows at once. Equal lengths keep their order.
    """
    rows = [_Row(tokens, prompt) for tokens, prompt in zip(sequences, prompts or sequences, strict=True)]
    if prompts is None:
        return [_batch(part) for part in _filled(rows, max_tokens)]
    parts: list[list[list[_Row]]] = []  # what stands together stays together: its prompt is then still in memory
    plain: list[_Row] = []
    small: list[_Row] = []
    for group in _by_prompt(rows):
        shared, alone = _parted(group, max_tokens, reach)
        plain += alone
        if sum(row.length for row in shared) < max_tokens:
            small += shared
        else:
            parts.append(_filled(shared, max_tokens))
    parts += [[part] for part in _cheaper(small, max_tokens)]
    parts += [[part] for part in _filled(plain, max_tokens)]
    parts.sort(key=lambda some: -max(len(row.tokens.ids) for row in some[0]))
    return [_batch(part) for some in parts for part in some]


def _batch(rows: Sequence[_Row]) -> Batch:
    shared = tuple(row.shared for row in rows)
    return Batch(tuple(row.tokens for row in rows), shared if any(shared) else None)


def _by_prompt(rows: Sequence[_Row]) -> list[list[_Row]]:
    groups: dict[Hashable, list[_Row]] = {}
    for row in rows:
        groups.setdefault(row.prompt, []).append(row)
    return list(groups.values())


def _parted(group: Sequence[_Row], max_tokens: int, reach: int | None) -> tuple[list[_Row], list[_Row]]:
    """The rows of one prompt that gain by sharing it, and those that do not: a long rest loses more in attention."""
    shared = _beginning(group)
    half = 10**9 if reach is None else reach // 2  # so the sum keeps within, whatever else a batch holds
    if len(group) == 1 or not LEAST_SHARED <= shared < half:
        return [], list(group)
    behind = [_Row(row.tokens, row.prompt, shared) for row in group]
    gains = [
        _reading(row.length) - _reading(after.length, shared) if after.length < half else 0.0
        for row, after in zip(group, behind, strict=True)
    ]
    if sum(gain for gain in gains if gain > 0) <= _reading(shared) + _pass(max_tokens):
        return [], list(group)
    pairs = list(zip(group, behind, gains, strict=True))
    return [after for _, after, gain in pairs if gain > 0], [row for row, _, gain in pairs if gain <= 0]


def _beginning(group: Sequence[_Row]) -> int:
    """How many leading tokens all rows have in common.

    One token at least is left to read of each, and one before what the score is about: it predicts the first of that.
    """
    most = min(row.tokens.start - 1 if row.tokens.start else len(row.tokens.ids) - 1 for row in group)
    first, last = min(row.tokens.ids for row in group), max(row.tokens.ids for row in group)
    return next((i for i in range(most) if first[i] != last[i]), most)  # all others lie between these two


def _cheaper(rows: Sequence[_Row], max_tokens: int) -> list[list[_Row]]:
    """Batches that share prompts, or such that do not, if these are hardly dearer."""
    apart = _filled([_Row(row.tokens, row.prompt) for row in rows], max_tokens)
    together = _filled(rows, max_tokens)
    return together if _cost(together, max_tokens) < WORTH * _cost(apart, max_tokens) else apart


def _filled(rows: Sequence[_Row], max_tokens: int) -> list[list[_Row]]:
    """Longest first. A batch is full, too, when its padding is worth a pass of its own."""
    numbers = {row.prompt: number for number, row in enumerate(rows)} if any(row.shared for row in rows) else {}
    batches: list[list[_Row]] = []
    width, padding, prefixes = 0, 0, _Prefixes(max_tokens)
    for row in sorted(rows, key=lambda r: (-(r.length // STEP), numbers[r.prompt]) if numbers else -r.length):
        fits = batches and (len(batches[-1]) + 1) * max(width, row.length) <= max_tokens and prefixes.take(row)
        padding += max(width, row.length) - row.length
        if fits and padding <= _pass(max_tokens):
            batches[-1].append(row)
            width = max(width, row.length)
        else:
            batches.append([row])
            width, padding, prefixes = row.length, 0, _Prefixes(max_tokens)
            prefixes.take(row)
    return batches


class _Prefixes:
    """The different prompts of one batch, which are read in one go, too."""

    def __init__(self, max_tokens: int) -> None:
        self._max = max_tokens
        self._known: set[tuple[int, ...]] = set()
        self.width = 0

    def take(self, row: _Row) -> bool:
        """Whether the row's prompt is here, or still fits."""
        if not row.shared or row.prefix in self._known:
            return True
        width = max(self.width, row.shared)
        if self._known and (len(self._known) + 1) * width > self._max:
            return False
        self._known.add(row.prefix)
        self.width = width
        return True

    def cost(self) -> float:
        return len(self._known) * _reading(self.width)


def _cost(batches: Sequence[Sequence[_Row]], max_tokens: int) -> float:
    total, before = 0.0, None
    for batch in batches:
        prefixes = _Prefixes(10**9)
        for row in batch:
            prefixes.take(row)
        now = {row.prefix for row in batch}
        if prefixes.width and now != before:  # else they are still in memory
            total += prefixes.cost() + _pass(max_tokens)
        before = now
        total += len(batch) * _reading(max(row.length for row in batch), prefixes.width) + _pass(max_tokens)
    return total


def _reading(tokens: int, behind: int = 0) -> float:
    """What it costs to read so many tokens behind others that have been read."""
    keys = behind + tokens if behind else tokens / 2
    return tokens * (1 + ATTENTION * keys)


def _pass(max_tokens: int) -> float:
    """What a forward pass costs beside its tokens, in tokens."""
    return max_tokens / 16
