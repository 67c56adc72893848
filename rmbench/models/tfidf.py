"""A linear Bradley-Terry model on TF-IDF features, trained in seconds on the training split of the worlds.

The baseline that any neural reward model should beat: it sees which words are used and how much of the prompt is
echoed, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import numpy as np

from rmbench.models.base import Adapter, ModelOptions
from rmbench.types import Conversation, Floats

PAIRS = 3000  # over all worlds; more adds seconds and next to no accuracy
PER_PROMPT = 4  # responses drawn per training prompt; all their pairs with different gold are used
_WORD = re.compile(r"\w+(?:[.:/-]\w+)*")


@dataclass(frozen=True)
class Tfidf:
    """score = w · (tf-idf of the response's words and word pairs, five counts against the prompt)."""

    vectorizer: Any
    scale: Floats
    weights: Floats
    settings: dict[str, Any] = field(default_factory=dict)

    def score(self, conversations: Sequence[Conversation]) -> list[float]:
        """One reward per conversation; only its last turn is the response, all before it the prompt."""
        if not conversations:
            return []
        texts = [(_prompt(c), c[-1]["content"]) for c in conversations]
        found = _features(self.vectorizer, self.scale, texts) @ self.weights
        return [float(x) for x in found]


def counts(prompt: str, response: str) -> list[float]:
    """Length of the response, and how its words and numbers stand to those of the prompt (log counts)."""
    asked = set(_WORD.findall(prompt.lower()))
    said = _WORD.findall(response.lower())
    fresh = {w for w in said if w not in asked}
    numbers = {w for w in said if w[0].isdigit()}
    raw = (len(said), len(set(said)) - len(fresh), len(fresh), len(numbers), len(numbers & fresh))
    return [float(x) for x in np.log1p(raw)]


@cache  # one training per process: it does not depend on anything that a user sets
def train(count: int = PAIRS) -> Tfidf:
    """Draw `count` pairs from the training split of the worlds and fit the model (3,000: ten seconds on one core)."""
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    from rmbench.worlds import worlds

    pairs = [pair for name in worlds() for pair in training_pairs(name, count // len(worlds()))]
    texts = [(prompt, text) for prompt, *both in pairs for text in both]
    every_word = r"(?u)\b\w+\b"  # the library's own pattern would drop single digits
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=3, sublinear_tf=True, token_pattern=every_word)
    vectorizer.fit(text for _, text in texts)
    scale = np.std([counts(*t) for t in texts], axis=0) + 1e-9
    found = sparse.csr_matrix(_features(vectorizer, scale, texts))
    margins = found[0::2] - found[1::2]
    # Bradley-Terry has no intercept; every pair stands in both orders, so that no order can be learned
    fit = LogisticRegression(fit_intercept=False, C=3.0, max_iter=1000)
    fit.fit(sparse.vstack([margins, -margins]), np.repeat([1, 0], len(pairs)))
    settings = {"name": "tfidf", "pairs": len(pairs), "worlds": [f"{n}@{w.version}" for n, w in worlds().items()]}
    return Tfidf(vectorizer, scale, fit.coef_[0], settings)


def training_pairs(world_name: str, count: int) -> Iterator[tuple[str, str, str]]:
    """`count` triples (prompt, better, worse) of one world's training split, the same ones every time."""
    from rmbench.worlds import get_world

    world, rng, done = get_world(world_name), Random(f"tfidf/{world_name}"), 0
    for seed in range(10 * count):
        prompt = world.prompt(seed, split="train")
        drawn = [world.render(prompt, world.sample(prompt, rng), k) for k in range(PER_PROMPT)]
        graded = sorted(((world.gold(prompt, text).score, text) for text in drawn), reverse=True)
        for i, (high, better) in enumerate(graded):
            for low, worse in graded[i + 1 :]:
                if high > low and done < count:
                    done += 1
                    yield prompt.text, better, worse
        if done >= count:
            return


def _prompt(conversation: Conversation) -> str:
    return "\n".join(message["content"] for message in conversation[:-1])


def _features(vectorizer: Any, scale: Floats, texts: Sequence[tuple[str, str]]) -> Any:
    from scipy import sparse

    words = vectorizer.transform([response for _, response in texts])
    against = np.array([counts(*t) for t in texts]) / scale
    return sparse.hstack([words, sparse.csr_matrix(against)], format="csr")


def load(_argument: str, _options: ModelOptions) -> Tfidf:
    return train()


ADAPTER = Adapter(
    "tfidf", "TF-IDF and logistic regression, trained on the worlds' training split", load, track="closed"
)
