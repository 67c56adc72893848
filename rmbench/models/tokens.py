"""The half of a reward model that reads tokens: the chat template, the window, padding."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Self

from rmbench.errors import ModelError, TooLongError
from rmbench.models.base import ModelOptions, Tokens, TooLong
from rmbench.models.budget import measured_budget
from rmbench.models.hf import Loaded, computing
from rmbench.models.prefixes import Prefixes, pad
from rmbench.models.trial import Trial
from rmbench.rows import sha256
from rmbench.types import Conversation, Failure

__all__ = ["TokenScorer", "pad"]

# Tokens per batch, padding included. CPU: measured on 1M to 135M parameters, where 512 to 1,024 is best; larger batches
# of short texts fall out of the cache (60-token texts, 1M parameters: 33k tokens/s at 512, 28k at 1,024, 17k at 4,096).
# Other devices are measured: see `budget.py`.
CPU_BATCH_TOKENS = 1024
SCORING = 1  # raise it with any change of the code that could move a score: kept scores are then not used
# Some templates write the day's date, and would give other tokens tomorrow. This one is Llama 3's own fallback.
TEMPLATE_DATE = datetime(2024, 7, 26, tzinfo=UTC)
CODES = "%A %a %B %b %d %e %H %I %j %M %m %p %S %y %Y %Z".split()


class TokenScorer:
    """The token half of a reward model; a subclass adds `pieces` and `score_tokens`."""

    def __init__(self, loaded: Loaded, options: ModelOptions) -> None:
        self.model = loaded.model
        self.tokenizer = loaded.tokenizer
        self.settings: dict[str, Any] = loaded.settings
        self.measures_budget = options.max_batch_tokens is None and loaded.settings["device"] != "cpu"
        self._budget = options.max_batch_tokens
        self._window = (loaded.window, loaded.window_source)
        self._too_long: TooLong = options.too_long
        self._vocabulary: int | None = getattr(loaded.model.config.get_text_config(), "vocab_size", None)
        self._prefixes = Prefixes(loaded.model)
        self._template = with_fixed_date(str(loaded.tokenizer.get_chat_template()))

    def pieces(self, conversation: Conversation) -> tuple[str, ...]:
        """The texts to tokenise one by one and join. The score is about the last one."""
        raise NotImplementedError

    def score_tokens(self, batch: Sequence[Tokens], shared: Sequence[int] | None = None) -> list[float]:
        """One score per sequence, the same whatever else is in the batch; see TokenModel for `shared`."""
        raise NotImplementedError

    @property
    def window(self) -> int:
        """The longest conversation that the model reads, in tokens."""
        return self._window[0]

    @property
    def vocabulary(self) -> int:
        """How many tokens the model knows; 0 if it does not say."""
        return self._vocabulary or 0

    @property
    def max_batch_tokens(self) -> int:
        """As the user set it; else a fixed number on a CPU, and one that is measured on the first call elsewhere."""
        if self._budget is None:
            self._budget = (
                measured_budget(self, self.window, self._trial().rows) if self.measures_budget else CPU_BATCH_TOKENS
            )
        return self._budget

    @property
    def sharing_reach(self) -> int | None:
        """Prompt and response must together be shorter than this to share a prompt; None = any length will do."""
        return self._prefixes.reach

    @cached_property
    def shares_prefixes(self) -> bool:
        """Whether a prompt that was read once gives the scores of the plain path. It is tried out."""
        if not self._prefixes.usable or not self.vocabulary:
            return False
        trial = self._trial()
        return trial.agrees(
            lambda: self.score_tokens(trial.rows),
            lambda: self.score_tokens(trial.rows, trial.shared),
            lambda: self.score_tokens(trial.wrong),
            self.settings["dtype"],
        )

    @cached_property
    def causal(self) -> bool:
        """Whether no token sees what stands on its right, so that padding there needs no mask.

        All attention of the model must say so, and it is tried out.
        """
        said = {getattr(module, "is_causal", None) for module in self.model.modules()} - {None}
        if said != {True} or not self.vocabulary:
            return False
        trial = self._trial()

        def scores(*, causal: bool) -> list[float]:
            self.causal = causal
            return self.score_tokens(trial.rows)

        try:
            return trial.agrees(
                lambda: scores(causal=False),
                lambda: scores(causal=True),
                lambda: self.score_tokens(trial.wrong),
                self.settings["dtype"],
            )
        except Exception:  # the memory was full: what was assumed for the trial must not stay
            del self.causal
            raise

    def _trial(self) -> Trial:
        return Trial.of(self.vocabulary, self.tokenizer.all_special_ids)

    @cached_property
    def identity(self) -> str | None:
        """A digest of all that decides the scores: settings without names, the way of computing, and what computes."""
        apart = {"name", "revision", "too_long", "parameters"}
        settings = {key: value for key, value in self.settings.items() if key not in apart}
        return sha256([SCORING, settings, self.causal, self.shares_prefixes, computing(self.model.device)])

    def forget(self) -> None:
        """Give back memory that is not needed between two batches."""
        self._prefixes.forget()

    def inputs(
        self, batch: Sequence[Tokens], shared: Sequence[int] | None, pad_id: int
    ) -> tuple[Sequence[Tokens], dict[str, Any]]:
        """The rows that are left to read (all, or without their shared beginnings), and the model's arguments."""
        if shared is not None:
            return self._prefixes.inputs(batch, shared, pad_id)
        given = pad(batch, pad_id, self.model.device)
        if self.causal:  # what stands on the right is not seen anyway, and attention is twice as fast without a mask:
            given["attention_mask"].fill_(1)  # transformers makes none if all is to be seen
        return batch, given

    def score(self, conversations: Sequence[Conversation]) -> list[float | Failure]:
        """Score the conversations as one batch."""
        encoded = self.encode(conversations)
        batch = [e for e in encoded if isinstance(e, Tokens)]
        found = iter(self.score_tokens(batch) if batch else ())
        return [next(found) if isinstance(e, Tokens) else e for e in encoded]

    def encode(self, conversations: Sequence[Conversation]) -> list[Tokens | Failure]:
        """Tokens through the chat template, which writes all special tokens: none is added, none doubled.

        Nothing is truncated: beyond the window a conversation is a Failure, or TooLongError for too_long="stop".
        """
        texts = [self._pieces(c) for c in conversations]
        flat = [piece for found in texts if not isinstance(found, Failure) for piece in found]
        ids = iter(self.tokenizer(flat, add_special_tokens=False, verbose=False)["input_ids"] if flat else ())
        out: list[Tokens | Failure] = []
        for found in texts:
            if isinstance(found, Failure):
                out.append(found)
                continue
            parts = [next(ids) for _ in found]
            joined = tuple(i for part in parts for i in part)
            out.append(self._checked(Tokens(joined, start=len(joined) - len(parts[-1]))))
        if self._too_long == "stop":
            self._stop_if_too_long(out)
        return [_missing_if_long(e, self._window[0]) for e in out]

    def lenient(self) -> Self:
        """The same model for texts that nobody could foresee: one beyond the window is missing and stops nothing."""
        other = copy(self)
        other._too_long = "null"  # noqa: SLF001 - of its own kind
        return other

    def render(self, conversation: Conversation, *, prompt_only: bool = False) -> str:
        """The chat template's text; with `prompt_only`, up to where the assistant would begin."""
        return str(
            self.tokenizer.apply_chat_template(
                [dict(m) for m in conversation],
                tokenize=False,
                add_generation_prompt=prompt_only,
                chat_template=self._template,
            )
        )

    def _pieces(self, conversation: Conversation) -> tuple[str, ...] | Failure:
        from jinja2 import TemplateError

        try:
            found = self.pieces(conversation)
            "".join(found).encode()
        except TemplateError as error:
            return Failure(f"the chat template refuses it: {error}")
        except UnicodeEncodeError:
            return Failure("it holds half of a surrogate pair, which is no text")
        return found

    def _checked(self, tokens: Tokens) -> Tokens | Failure:
        if tokens.start == len(tokens.ids):
            return Failure("the response has no tokens")
        if self._vocabulary and (top := max(tokens.ids)) >= self._vocabulary:
            raise ModelError(
                f"{self.settings['name']}: the tokenizer gives token {top}, but the model knows only "
                f"{self._vocabulary} (vocab_size in config.json); model and tokenizer do not belong together",
                problem="vocabulary",
            )
        return tokens

    def _stop_if_too_long(self, encoded: Sequence[Tokens | Failure]) -> None:
        window, source = self._window
        lengths = [len(e.ids) for e in encoded if isinstance(e, Tokens)]
        over = [n for n in lengths if n > window]
        if over:
            raise TooLongError(
                f"{len(over)} of {len(lengths)} conversations do not fit {self.settings['name']}: the longest has "
                f"{max(over)} tokens, the window is {window} ({source}); pass --too-long null to count them as missing"
            )


def with_fixed_date(template: str) -> str:
    """The template with TEMPLATE_DATE as the only date that it can ask for.

    A macro stands in for the function of that name: whatever is handed to a template may be no function.
    """
    if "strftime_now" not in template:
        return template
    steps = "".join(f" | replace('{code}', '{TEMPLATE_DATE.strftime(code)}')" for code in CODES)
    # the empty text at the end keeps a line break that the template begins with
    return "{% macro strftime_now(format) %}{{ format" + steps + " }}{% endmacro %}{{ '' }}" + template


def _missing_if_long(encoded: Tokens | Failure, window: int) -> Tokens | Failure:
    if isinstance(encoded, Tokens) and len(encoded.ids) > window:
        return Failure(f"too long: {len(encoded.ids)} tokens, window {window}")
    return encoded
