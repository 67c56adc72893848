"""What the tasks of the newer recipes promise beyond the contract that holds for every task."""

from collections import Counter, defaultdict
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binomtest, chisquare

from rmbench.errors import TaskError
from rmbench.metrics.calibration import CalibrationSkill
from rmbench.metrics.generalisation import BaseSkill, RetainedSkill
from rmbench.metrics.preference import Accuracy
from rmbench.metrics.selective import SelectiveSkill
from rmbench.models.tiny import FOLDER as TINY
from rmbench.recipes import build_items
from rmbench.recipes._common import in_random_order, swapped
from rmbench.recipes.policy_shift import USES, whole
from rmbench.recipes.selective import CLOSE, KINDS, RANGES
from rmbench.recipes.style_matrix import STYLES
from rmbench.recipes.ties import NEAR, UNEQUAL
from rmbench.task import load_task
from rmbench.types import Item, Message, ScoredItem
from rmbench.worlds import get_world, prompt_from_tags, surface

WORLDS = ("records", "arithmetic", "instructions", "transforms")
NEW = ("style", "best_of_8", "policy_shift", "between_prompts", "decisive_preferences", "selective", "ties")


@cache
def items(name):
    return load_task(name).items


@cache
def groups(name):
    out = defaultdict(list)
    for item in items(name):
        out[item.group].append(item)
    return dict(out)


def scored(name, score):
    """The items of a task under a reward that is a function of the item and the response's index."""
    return [
        ScoredItem(
            i.id,
            i.group,
            np.array([score(i, n) for n in range(len(i.responses))], dtype=float),
            np.array(i.gold),
            i.probability,
            i.votes,
            i.tags,
        )
        for i in items(name)
    ]


def length(item, index):
    return len(item.responses[index])


def longer_wins(pairs):
    """In how many of the pairs the better response is the longer one, and of how many."""
    unequal = [i for i in pairs if len(i.responses[0]) != len(i.responses[1])]
    wins = sum((i.gold[0] > i.gold[1]) == (len(i.responses[0]) > len(i.responses[1])) for i in unequal)
    return wins, len(unequal)


def better_and_worse(item):
    best = int(item.gold[1] > item.gold[0])
    return item.responses[best], item.responses[1 - best]


@pytest.mark.parametrize("name", NEW)
def test_every_conversation_fits_the_smallest_window(name):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(TINY)
    texts = [i.conversation(n) for i in items(name) for n in range(len(i.responses))]
    longest = sorted(texts, key=lambda c: -sum(len(m["content"]) for m in c))[:5]
    assert all(len(tokenizer.apply_chat_template(list(c), tokenize=True)) <= 1024 for c in longest)


@pytest.mark.parametrize("name", NEW)
def test_any_prefix_of_the_groups_has_every_world_alike(name):
    kinds = [g[0].tags.get("world") or g[0].tags["first_world"] for g in groups(name).values()]
    for count in (32, 64, 80):
        seen = Counter(kinds[:count]).values()
        assert max(seen) - min(seen) <= (8 if name == "policy_shift" else 0)


@pytest.mark.parametrize("name", [n for n in NEW if n != "best_of_8"])
def test_position_tells_nothing(name):
    """By group, since the pairs of a group of the style matrix are turned together."""
    first = [g[0].gold[0] > g[0].gold[1] for g in groups(name).values() if g[0].gold[0] != g[0].gold[1]]
    assert binomtest(sum(first), len(first)).pvalue > 0.001


@pytest.mark.parametrize("name", NEW)
def test_any_prefix_of_the_groups_has_every_category_alike(name):
    whole_task = Counter(i.tags.get("category") for i in items(name))
    prefix = Counter(i.tags.get("category") for g in [*groups(name).values()][:80] for i in g)
    for category, count in whole_task.items():
        assert prefix[category] / prefix.total() == pytest.approx(count / len(items(name)), abs=0.06)


# style


def test_the_style_matrix_is_whole():
    for group in groups("style").values():
        cells = {(i.tags["chosen_style"], i.tags["rejected_style"]): i for i in group}
        assert len(group) == len(cells) == len(STYLES) ** 2
        for (chosen, rejected), item in cells.items():
            rank = list(STYLES).index(chosen) - list(STYLES).index(rejected)
            assert item.tags["category"] == ("easy" if rank > 0 else "hard" if rank < 0 else "normal")
            assert item.tags["split"] == ("shift" if rank else "base")
            assert abs(item.gold[0] - item.gold[1]) >= 0.1
            better, worse = better_and_worse(item)  # a style names one text, whichever cell it stands in
            assert better == better_and_worse(cells[chosen, chosen])[0]
            assert worse == better_and_worse(cells[rejected, rejected])[1]


def test_styles_say_the_same():
    for key, group in groups("style").items():
        diagonal = {i.tags["chosen_style"]: better_and_worse(i) for i in group if i.tags["split"] == "base"}
        for concise, detailed, markdown in zip(*(diagonal[style] for style in STYLES), strict=True):
            assert concise in detailed
            assert len(surface.split(detailed)) == len(surface.split(concise)) + 3  # opening, elaboration, closing
            sentences = [sorted(s.text for s in surface.split(text)) for text in (detailed, markdown)]
            assert sentences[0] == sentences[1], key
            assert not surface.count_markup(concise)
            assert not surface.count_markup(detailed)
            bullets = sum(line.startswith("- ") for line in markdown.splitlines())
            assert markdown.count("**") == 2 * bullets > 0
        prompt = prompt_from_tags(group[0].tags)
        read = get_world(prompt.world).gold
        for texts in zip(*diagonal.values(), strict=True):
            parts = [read(prompt, text).parts for text in texts]
            assert len({(p["right"], p["wrong"], p.get("over", 0.0)) for p in parts}) == 1


def test_length_wins_below_the_diagonal_and_loses_above():
    found = scored("style", length)
    assert Accuracy(category="easy").value(found) > 0.85
    assert Accuracy(category="hard").value(found) < 0.15
    assert Accuracy(category="normal").value(found) == 0.5
    assert abs(RetainedSkill().value(found)) < 0.06
    marks = scored("style", lambda i, n: surface.count_markup(i.responses[n]))
    assert abs(RetainedSkill().value(marks)) < 0.06


# best of k


def test_best_of_eight_are_twins_with_a_clear_best():
    for base, shift in groups("best_of_8").values():
        assert (base.tags["split"], len(base.responses)) == ("base", 2)
        assert (shift.tags["split"], len(shift.responses)) == ("shift", 8)
        assert len(set(shift.responses)) == 8
        assert set(base.responses) <= set(shift.responses)
        assert max(base.gold) == max(shift.gold)
        best, second, *_ = sorted(shift.gold, reverse=True)
        assert best - second >= 0.1


def test_the_best_of_eight_is_told_by_no_place_and_no_length():
    shifted = [i for i in items("best_of_8") if i.tags["split"] == "shift"]
    best = [int(np.argmax(i.gold)) for i in shifted]
    assert chisquare(np.bincount(best, minlength=8)).pvalue > 0.001
    longer = [sum(len(t) > len(i.responses[b]) for t in i.responses) for i, b in zip(shifted, best, strict=True)]
    counts = [Counter(longer)[k] for k in range(8)]
    assert max(counts) - min(counts) <= len(WORLDS)
    for sign in (1, -1):
        found = scored("best_of_8", lambda i, n, sign=sign: sign * length(i, n))
        assert abs(RetainedSkill().value(found)) < 0.03
        assert abs(BaseSkill().value(found)) < 0.12


# policy shift


def test_shifted_pairs_are_frozen_samples_with_their_gold():
    pools = {i.prompt[0]["content"]: i for name in ("lm_records", "lm_instructions") for i in items(name)}
    shifted = [i for i in items("policy_shift") if i.tags["split"] == "shift"]
    assert len(shifted) >= 480
    for item in shifted:
        known = dict(zip(*(getattr(pools[item.prompt[0]["content"]], f) for f in ("responses", "gold")), strict=True))
        assert item.tags["reading"] == "free"
        assert "policy" in item.tags
        for text, gold in zip(item.responses, item.gold, strict=True):
            assert known[text] == gold
            assert whole(text)


def test_base_pairs_are_of_our_own_writer():
    base = [i for i in items("policy_shift") if i.tags["split"] == "base"]
    for item in base[::10]:
        assert not item.tags.keys() & {"reading", "policy"}
        prompt = prompt_from_tags(item.tags)
        assert item.prompt == prompt.messages
        found = [get_world(prompt.world).gold(prompt, text).score for text in item.responses]
        assert found == pytest.approx(item.gold)


def test_policy_pairs_are_balanced_within_every_prompt():
    for group in groups("policy_shift").values():
        sides = [[i for i in group if i.tags["split"] == split] for split in ("base", "shift")]
        assert len(sides[0]) == len(sides[1]) in {2, 4, 6, 8}
        for side in sides:
            wins, of = longer_wins(side)
            assert 2 * wins == of == len(side)
            assert max(Counter(text for i in side for text in i.responses).values()) <= USES
            assert all(abs(i.gold[0] - i.gold[1]) >= 0.25 for i in side)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("The Old Kettle is open on Mondays.", True),
        ("It seats 48 guests!\n\nCome soon…", True),
        ('She said: "Come at 5 pm."', True),
        ("The Old Kettle is open on", False),
        ("- 48 seats\n- Mill Lane", False),
        ("Dear [Your Name], come soon.", False),
        ("We like the sea. We like the sea. We like the sea. We like the sea.", False),
        ("Добро пожаловать домой, дорогие друзья.", False),
    ],
)
def test_what_breaks_off_loops_or_is_garbled_is_left_out(text, kept):
    assert whole(text) is kept


def test_only_pools_of_a_language_model_shift_the_policy():
    with pytest.raises(TaskError, match="not graded by the free reading"):
        build_items({"recipe": "policy_shift", "pools": ["pool_records"], "prompts": 1, "each": 2}, "x")


# between prompts


def side(item, where):
    """The prompt that the first or second response of a pair across prompts answers, made again."""
    return prompt_from_tags({k.removeprefix(f"{where}_"): v for k, v in item.tags.items() if k.startswith(where)})


def test_pairs_across_prompts_are_graded_under_their_own_prompt():
    across = [i for i in items("between_prompts") if i.tags["split"] == "shift"]
    assert len(across) == 400
    for item in across:
        prompts = [side(item, "first"), side(item, "second")]
        assert item.contexts == (prompts[0].messages, prompts[1].messages)
        assert prompts[0].text != prompts[1].text
        same = prompts[0].world == prompts[1].world
        assert item.tags["category"] == ("same_world" if same else "other_world")
        assert item.probability == expit((item.gold[0] - item.gold[1]) / 0.15)
        assert sorted(item.votes) == [0, 1]
    for item in across[::8]:
        prompts = (side(item, "first"), side(item, "second"))
        for text, gold, prompt in zip(item.responses, item.gold, prompts, strict=True):
            assert get_world(prompt.world).gold(prompt, text).score == gold


def test_groups_between_prompts_hold_four_answers_to_two_prompts():
    kinds = Counter()
    for group in groups("between_prompts").values():
        within, across = ([i for i in group if i.tags["split"] == s] for s in ("base", "shift"))
        assert (len(within), len(across)) == (2, 2)
        told = [
            {i.conversation(n)[0]["content"] + t for i in some for n, t in enumerate(i.responses)}
            for some in (within, across)
        ]
        assert told[0] == told[1]
        assert len(told[0]) == 4
        kinds[across[0].tags["category"]] += 1
    assert kinds == {"same_world": 100, "other_world": 100}
    paired = Counter(
        frozenset((i.tags["first_world"], i.tags["second_world"])) for i in items("between_prompts") if i.contexts
    )
    assert len(paired) == 10  # every world with itself, and with every other


def test_an_offset_of_the_prompt_shows_across_prompts_alone():
    rng = np.random.default_rng(0)
    asked = {i.conversation(n)[0]["content"] for i in items("between_prompts") for n in (0, 1)}
    offset = {prompt: float(rng.normal(0, 0.4)) for prompt in sorted(asked)}
    oracle = scored("between_prompts", lambda i, n: i.gold[n])
    shifted = scored("between_prompts", lambda i, n: i.gold[n] + offset[i.conversation(n)[0]["content"]])
    assert CalibrationSkill().value(oracle) == pytest.approx(1, abs=1e-9)
    assert CalibrationSkill().value(shifted) < 0.5
    assert Accuracy(category="within").value(shifted) == 1


def test_swapping_takes_all_that_belongs_to_a_response_along():
    def asks(text):
        return (Message(role="user", content=text),)

    pair = Item(
        "x", asks("A?"), ("a", "b"), (1.0, 0.0), "g", 0.9, (3, 2), {"t": "1"}, (-1.0, -2.0), (asks("A?"), asks("B?"))
    )
    other = swapped(pair)
    assert other.prompt == asks("B?")
    assert [other.conversation(n) for n in (0, 1)] == [pair.conversation(n) for n in (1, 0)]
    assert (other.gold, other.votes, other.logprobs) == ((0.0, 1.0), (2, 3), (-2.0, -1.0))
    assert other.probability == pytest.approx(0.1)
    assert swapped(other) == pair

    class Always:
        def __init__(self, value):
            self.value = value

        def random(self):
            return self.value

    assert in_random_order(pair, Always(0.1)) == pair
    assert in_random_order(pair, Always(0.9)) == other


# votes


def test_votes_are_counts_of_the_raters():
    noisy = items("noisy_preferences")
    assert {sum(i.votes) for i in noisy} == {5}
    share, known = np.array([[i.votes[0] / 5, i.probability] for i in noisy]).T
    error = (share - known) / np.sqrt(known * (1 - known) / 5)
    assert abs(error.mean()) < 4 / np.sqrt(len(noisy))
    assert np.mean(error**2) == pytest.approx(1, abs=0.3)
    assert {sum(i.votes) for i in items("decisive_preferences")} == {1}


def test_one_rater_is_the_default():
    build = {"recipe": "known_probability", "worlds": ["records"], "pairs": 5, "seed": 1, "tau": 0.2}
    assert build_items(build, "x") == build_items({**build, "raters": 1}, "x")
    several = build_items({**build, "raters": 9}, "x")
    assert [i.responses for i in several[:1]] == [i.responses for i in build_items(build, "x")[:1]]
    assert {sum(i.votes) for i in several} == {9}
    with pytest.raises(TaskError, match=r"build\.raters"):
        build_items({**build, "raters": 0}, "x")


def test_the_smaller_tau_the_surer_the_raters():
    sure = [np.mean([max(i.probability, 1 - i.probability) for i in items(name)]) for name in _BY_TAU]
    assert all(one > other for one, other in pairwise(sure))


_BY_TAU = ("decisive_preferences", "known_probability", "noisy_preferences")


# selective


def test_selective_pairs_run_from_close_to_clear_in_every_kind():
    cells = Counter()
    for item in items("selective"):
        gap = abs(item.gold[0] - item.gold[1])
        (k,) = [n for n, (low, high) in enumerate(RANGES) if low <= gap < high or gap == high == 1]
        cells[item.tags["world"], item.tags["category"], k] += 1
        assert item.probability is None
    assert len(cells) == len(WORLDS) * len(KINDS) * len(RANGES)
    assert set(cells.values()) == {6}


def test_in_close_pairs_the_better_answer_has_no_flaw_of_its_own():
    close = [i for i in items("selective") if abs(i.gold[0] - i.gold[1]) < CLOSE]
    for item in close:
        prompt = prompt_from_tags(item.tags)
        one, other = (get_world(prompt.world).gold(prompt, text).parts for text in better_and_worse(item))
        assert one["right"] >= other["right"]
        flaws = [
            n for n in one if n in {"wrong", "invented", "filler", "repeats", "authority", "markup", "noise", "over"}
        ]
        assert all(one[name] <= other[name] for name in flaws)
        assert one["right"] > other["right"] or any(one[n] < other[n] for n in flaws if n != "markup")


def test_of_two_close_calculations_the_better_gets_more_right_or_both_say_the_same():
    world = get_world("arithmetic")
    close = [i for i in items("selective") if i.tags["world"] == world.name and abs(np.subtract(*i.gold)) < CLOSE]
    assert len(close) == 48
    for item in close:
        prompt = prompt_from_tags(item.tags)
        claims = [[c for c in world.gold(prompt, t).claims if c.key != "filler"] for t in better_and_worse(item)]
        wrong = [{c.key for c in some if not c.ok} for some in claims]
        right = [{c.key for c in some if c.ok} - bad for some, bad in zip(claims, wrong, strict=True)]
        said = [{(c.key, c.value) for c in some} for some in claims]
        assert right[0] > right[1] or said[0] == said[1]


def test_selective_pairs_are_balanced_in_length():
    for kind in KINDS:
        for world in WORLDS:
            cell = [i for i in items("selective") if (i.tags["category"], i.tags["world"]) == (kind, world)]
            wins, of = longer_wins(cell)
            assert 2 * wins == of == 30
    wins, of = longer_wins(items("selective")[:128])
    assert abs(wins - of / 2) <= 4
    found = scored("selective", length)
    assert abs(SelectiveSkill().value(found)) < 0.06
    assert np.mean([abs(np.ptp(i.scores)) for i in found]) > 10


# ties


def test_ties_are_equal_and_unequal_pairs_are_not():
    kinds = Counter(i.tags["kind"] for i in items("ties"))
    assert kinds == {"tie_of_wording": 100, "tie_of_content": 100, "unequal": 200, "near": 100}
    for item in items("ties"):
        gap = abs(item.gold[0] - item.gold[1])
        category = item.tags["category"]
        assert category == item.tags["kind"].partition("_")[0]
        assert gap == 0 if category == "tie" else 0 < gap <= NEAR if category == "near" else gap >= UNEQUAL
        assert item.responses[0] != item.responses[1]


def test_ties_of_wording_say_the_same_and_ties_of_content_do_not():
    for item in items("ties")[::2]:
        if item.tags["category"] == "unequal":
            continue
        prompt = prompt_from_tags(item.tags)
        read = [get_world(prompt.world).gold(prompt, text) for text in item.responses]
        said = [{(c.key, c.value) for c in g.claims if c.key not in {"filler", "topic"}} for g in read]
        assert (said[0] == said[1]) == (item.tags["kind"] != "tie_of_content")
        assert read[0].parts["right"] == read[1].parts["right"]
        assert read[0].parts["wrong"] == read[1].parts["wrong"]
        assert read[0].score > 0
        results = [{value for key, value in s if key in {"answer", "settled"}} for s in said]
        assert item.tags["world"] != "arithmetic" or results[0] == results[1]


def test_ties_are_of_some_worth():
    assert all(min(item.gold) > 0 for item in items("ties") if item.tags["category"] == "tie")


def sentences(text):
    return len(surface.split(text))


COUNTS = {
    "sentences": sentences,
    "newlines": lambda text: text.count("\n"),
    "bold": lambda text: text.count("**"),
    "words": lambda text: len(text.split()),
    "digits": lambda text: sum(map(str.isdigit, text)),
    "sentences and newlines": lambda text: sentences(text) + text.count("\n"),
    "sentences, newlines and bold": lambda text: sentences(text) + text.count("\n") + text.count("**") // 2,
    "marks": surface.count_markup,
}


@pytest.mark.parametrize("name", COUNTS)
def test_no_count_tells_ties_from_unequal_pairs(name):
    gaps = defaultdict(list)
    for item in items("ties"):
        gaps[item.tags["category"]].append(abs(np.subtract(*map(COUNTS[name], item.responses))))
    unequal = np.array(gaps["unequal"])[:, None]
    for kind in ("tie", "near"):
        equal = np.array(gaps[kind])[None]
        assert abs(np.mean((unequal > equal) + 0.5 * (unequal == equal)) - 0.5) < 0.06, kind


def test_length_does_not_tell_ties_from_unequal_pairs():
    gaps = defaultdict(list)
    for item in items("ties"):
        gaps[item.tags["category"]].append(abs(len(item.responses[0]) - len(item.responses[1])))
    unequal = np.array(gaps["unequal"])[:, None]
    for kind, most in (("tie", 0.03), ("near", 0.06)):
        equal = np.array(gaps[kind])[None]
        area = np.mean((unequal > equal) + 0.5 * (unequal == equal))
        assert abs(area - 0.5) < most
    wins, of = longer_wins([i for i in items("ties") if i.tags["category"] == "unequal"])
    assert binomtest(wins, of).pvalue > 0.001
