"""The page of a comparison in a real browser: nothing is fetched, nothing foreign runs, and all of it fits a phone."""

import itertools
from dataclasses import replace

import pytest
from report_runs import EVIL, MODEL, chat, make_run, make_tasks, scores_of

from rmbench.comparison import compare
from rmbench.report.comparison_page import PER_TASK, write_comparison
from rmbench.scores import write_run
from rmbench.task import read_task, write_task
from rmbench.types import Failure


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """`page.html` about two hostile runs, `same.html` about one twice, `bare.html` without texts, with holes."""
    import numpy as np

    root = tmp_path_factory.mktemp("comparison")
    tasks = make_tasks(root / "tasks")
    # one task whose pairs answer different prompts
    raw = tasks[2].card.model_dump(mode="json", exclude={"items", "sha256", "reference"}, exclude_none=True)
    raw |= {"name": "t_contexts", "title": f"Contexts {EVIL}"}
    items = [replace(item, contexts=(item.prompt, chat(f"the other prompt {EVIL}"))) for item in tasks[2].items]
    write_task(root / "tasks" / "t_contexts", raw, items)
    tasks.append(read_task(root / "tasks" / "t_contexts"))
    a = make_run(root / "a", tasks)
    rng = np.random.default_rng(7)
    more = {"suite": "test@1", "seed": 0, "limit": None, "environment": {}, "stats": {}}
    other = {t.card.name: scores_of(t, rng) for t in tasks}
    wild = {name: [[s + 2 * rng.normal() for s in row] for row in rows] for name, rows in other.items()}
    holes = wild | {"t_shift": [[Failure(EVIL)] * len(row) for row in wild["t_shift"]]}
    named = f"b {EVIL}"
    b = write_run(root / "b", settings={"name": named}, tasks=tasks, scores=wild, **more)
    c = write_run(root / "c", settings={"name": named}, tasks=tasks, scores=holes, **more)
    write_comparison(compare(a, b, bootstrap=500), root / "page.html", tasks_dir=root / "tasks")
    write_comparison(compare(a, a, bootstrap=500), root / "same.html", tasks_dir=root / "tasks")
    write_comparison(compare(a, c, bootstrap=500), root / "bare.html")
    return root


class Visit:
    """An open page, all details unfolded, and all that it did."""

    def __init__(self, browser, path, width):
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="light")
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-drawn]", timeout=20_000)
        self.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")


@pytest.mark.parametrize("name", ["page", "same", "bare"])
@pytest.mark.parametrize("width", [1280, 390])
def test_stays_offline_and_fits(browser, root, name, width):
    visit = Visit(browser, root / f"{name}.html", width)
    page = visit.page
    assert visit.said == []
    assert visit.asked == [(root / f"{name}.html").as_uri()]
    assert page.evaluate("window.pwned") is None
    assert page.locator("img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = "[...document.querySelectorAll('.versus-table')].filter(t => t.scrollWidth > t.parentElement.clientWidth)"
    assert page.evaluate(f"{cut}.length") == 0  # no verdict is out of sight
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    page.close()


def test_attack_names_are_text(browser, root):
    page = Visit(browser, root / "page.html", 1280).page
    title = page.locator("h1").inner_text()
    assert "[U+202E]" in title
    assert "\u202e" not in page.content()
    assert title.count("<img src=x onerror=") == 2
    assert "{{ 7*7 }}" in title
    texts = page.locator("#flips pre").all_inner_texts()
    assert any("</script><script>window.pwned=2</script>" in text for text in texts)
    assert any(MODEL.split()[0] in text for text in page.locator("h1 bdi").all_inner_texts())
    page.close()


def test_policy_stops_what_was_not_shipped(browser, root):
    visit = Visit(browser, root / "page.html", 1280)
    visit.page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.pwned = 3'; document.body.append(s)"
    )
    assert visit.page.evaluate("window.pwned") is None
    assert any("Content Security Policy" in line for line in visit.said)
    visit.page.close()


def test_shows_what_was_compared(browser, root):
    found = compare(root / "a", root / "b", bootstrap=500)
    page = Visit(browser, root / "page.html", 1280).page
    rows = page.locator("#differences .versus-table tbody tr:not(.axis)")
    assert rows.count() == len(found.tasks) == 4
    told = rows.all_inner_texts()
    for task in found.tasks.values():
        (mine,) = [text for text in told if text.startswith(task.card.title[:12])]
        assert task.headline.verdict in mine
        assert f"{abs(task.headline.difference.value):.2f}" in mine
    assert page.locator("#differences .card.skill").count() == 4
    plots = page.locator(".forest .range")
    assert plots.count() == 4 + 4
    assert all(plots.nth(k).bounding_box()["width"] > 0 for k in range(8))
    shown = page.locator("#flips details")
    assert shown.count() == sum(min(PER_TASK, len(task.flips)) for task in found.tasks.values())
    counts = page.locator("#flips .tally .num").all_inner_texts()
    assert [int(n) for n in counts] == [n for t in found.tasks.values() if t.flips for n in t.flipped]
    both = page.locator("#flips article", has_text="Contexts").locator("details").first.inner_text()
    assert "the other prompt" in both
    page.close()


def test_dots_stand_where_the_numbers_say(browser, root):
    """Right of 0 where A is better; all plots share one scale."""
    page = Visit(browser, root / "page.html", 1280).page
    found = compare(root / "a", root / "b", bootstrap=500)
    order = [
        t
        for axis in ("generalisation", "calibration", "overoptimization")
        for t in found.tasks.values()
        if t.card.axis == axis
    ]
    places = page.evaluate(
        "[...document.querySelectorAll('.versus-table .forest')].map(s => [s.querySelector('.dot'),"
        " s.querySelector('.zero')].map(e => { const b = e.getBoundingClientRect(); return b.left + b.width / 2 }))"
    )
    sizes = [(dot - zero) / task.headline.difference.value for (dot, zero), task in zip(places, order, strict=True)]
    assert all(size == pytest.approx(sizes[0], rel=0.15) for size in sizes)
    assert sizes[0] > 0
    page.close()


def test_says_where_there_is_nothing_to_say(browser, root):
    page = Visit(browser, root / "same.html", 1280).page
    assert page.locator("#differences .verdict", has_text="identical scores").count() == 8
    assert "on every item the two runs choose answers of equal gold" in page.locator("#flips").inner_text()
    page.close()
    page = Visit(browser, root / "bare.html", 1280).page
    text = page.locator("#differences").inner_text()
    assert "t_shift: no number, no item has all its scores in both runs" in text
    assert "Texts of t_pool are not shown" in page.locator("#flips").inner_text()
    page.close()


def test_follows_the_colour_scheme(browser, root):
    page = Visit(browser, root / "page.html", 1280).page
    colours = "[...document.querySelectorAll('.letter, .verdict')].map(e => getComputedStyle(e).color).join()"
    light = page.evaluate(colours)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colours) != light
    page.emulate_media(color_scheme="dark", media="print")
    assert page.evaluate(colours) == light
    page.close()
