"""From tasks and a model to raw scores: every distinct conversation once, in full batches, failures kept as such."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rmbench.engine.asking import ask_batch
from rmbench.engine.batches import plan_batches
from rmbench.engine.store import Score, ScoreStore
from rmbench.engine.work import Progress, Work
from rmbench.models.answers import checked, miscounted
from rmbench.models.base import Batch, TokenModel, Tokens, is_parallel, reads_tokens
from rmbench.scores import digest
from rmbench.types import Conversation, Failure, RewardModel, Task

Answer = tuple[Score, int]  # (score, tokens)
CHUNK = 64  # conversations per call of a model that does not read tokens


class Scored(NamedTuple):
    """`scores[task][i][j]`: response j of `task.items[i]`. `stats[task]`: seconds, tokens and truncated (always 0).

    `tokens` counts the tokens of every response with its prompt, also those that were scored only once for several;
    the seconds of the whole are shared out over the tasks in proportion to it.
    """

    scores: Mapping[str, Sequence[Sequence[Score]]]
    stats: Mapping[str, Mapping[str, float]]


def score_items(
    model: RewardModel, tasks: Sequence[Task], progress: Progress | None = None, store: ScoreStore | None = None
) -> Scored:
    """Score every response of every item; what the store holds is not asked again.

    Batches are made within a task, of its distinct conversations in an order of their own: neither the order of items
    nor the other tasks of a suite change a bit. A non-finite score becomes a Failure. Raises ModelError if the model
    breaks its contract.
    """
    began = time.perf_counter()
    keys = [[[digest(item.conversation(j)) for j in range(len(item.responses))] for item in t.items] for t in tasks]
    sets = [
        {key: i.conversation(j) for i, row in zip(t.items, rows, strict=True) for j, key in enumerate(row)}
        for t, rows in zip(tasks, keys, strict=True)
    ]
    orders = [sorted(unique) for unique in sets]
    asked = [[unique[key] for key in order] for unique, order in zip(sets, orders, strict=True)]
    scores: dict[str, list[list[Score]]] = {}
    tokens: dict[str, int] = {}
    for task, rows, order, found in zip(tasks, keys, orders, ask(model, asked, progress, store), strict=True):
        by_key = dict(zip(order, found, strict=True))
        scores[task.card.name] = [[by_key[key][0] for key in row] for row in rows]
        tokens[task.card.name] = sum(by_key[key][1] for row in rows for key in row)
    return Scored(scores, _stats(tokens, time.perf_counter() - began))


def ask(
    model: RewardModel,
    sets: Sequence[Sequence[Conversation]],
    progress: Progress | None = None,
    store: ScoreStore | None = None,
) -> list[list[Answer]]:
    """(score, tokens) per conversation of every set; tokens is 0 for a model that does not read tokens."""
    tell = progress or (lambda *_: None)
    tell(0, sum(map(len, sets)), 0)
    if reads_tokens(model):
        return _ask_tokens(model, sets, tell, store)
    return _ask_texts(model, sets, tell, store)


def _ask_texts(
    model: RewardModel, sets: Sequence[Sequence[Conversation]], tell: Progress, store: ScoreStore | None
) -> list[list[Answer]]:
    named = [[digest(conversation) for conversation in some] for some in sets]
    texts = {name: c for some, names in zip(sets, named, strict=True) for name, c in zip(names, some, strict=True)}
    orders = [sorted(set(names)) for names in named]
    plans = [[tuple(order[i : i + CHUNK]) for i in range(0, len(order), CHUNK)] for order in orders]
    work = Work(plans, named, lambda chunk: chunk, tell)

    def answers(rest: Sequence[tuple[str, ...]]) -> Iterator[tuple[int, list[Score]]]:
        for number, chunk in enumerate(rest):
            yield number, checked(model, model.score, [texts[name] for name in chunk])

    return [[(score, 0) for score in found] for found in work.carried_out(model, answers, store)]


def _ask_tokens(
    model: TokenModel, sets: Sequence[Sequence[Conversation]], tell: Progress, store: ScoreStore | None
) -> list[list[Answer]]:
    encoded = _encoded(model, sets)
    budget = token_budget(model, store)
    plans = [_plan(model, some, codes, budget) for some, codes in zip(sets, encoded, strict=True)]

    def answers(rest: Sequence[Batch]) -> Iterator[tuple[int, list[Score]]]:
        if is_parallel(model):
            return model.score_batches(rest)
        return ((number, ask_batch(model, batch)) for number, batch in enumerate(rest))

    found = Work(plans, encoded, lambda batch: batch.rows, tell).carried_out(model, answers, store)
    return [
        [(score, len(code.ids) if isinstance(code, Tokens) else 0) for code, score in zip(codes, scores, strict=True)]
        for codes, scores in zip(encoded, found, strict=True)
    ]


def token_budget(model: TokenModel, store: ScoreStore | None) -> int:
    """Tokens per batch: the model's own number, or what was measured for it the first time."""
    if store is None or not model.identity or not getattr(model, "measures_budget", False):
        return model.max_batch_tokens
    return store.budget(model.identity, lambda: model.max_batch_tokens)


def _encoded(model: TokenModel, sets: Sequence[Sequence[Conversation]]) -> list[list[Tokens | Failure]]:
    """All at once: the tokeniser works in parallel, and all that is too long is counted together."""
    conversations = [conversation for some in sets for conversation in some]
    codes = model.encode(conversations)
    if len(codes) != len(conversations):
        raise miscounted(model, len(codes), len(conversations))
    each = iter(codes)
    return [[next(each) for _ in some] for some in sets]


def _plan(
    model: TokenModel, conversations: Sequence[Conversation], codes: Sequence[Tokens | Failure], budget: int
) -> list[Batch]:
    prompts = {c: p for c, p in zip(codes, conversations, strict=True) if isinstance(c, Tokens)}
    distinct = sorted(prompts, key=lambda t: (t.ids, t.start))
    if not model.shares_prefixes:
        return plan_batches(distinct, budget)
    named = [digest(prompts[tokens][:-1]) for tokens in distinct]
    return plan_batches(distinct, budget, named, model.sharing_reach)


def _stats(tokens: Mapping[str, int], seconds: float) -> dict[str, dict[str, float]]:
    total = sum(tokens.values())
    shares = {name: n / total if total else 1 / len(tokens) for name, n in tokens.items()}
    return {n: {"seconds": seconds * shares[n], "tokens": float(tokens[n]), "truncated": 0.0} for n in tokens}
