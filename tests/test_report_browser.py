"""The page in a real browser: every chart is drawn, nothing is fetched, nothing foreign runs."""

import itertools

import pytest
from report_runs import make_reports


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_reports(tmp_path_factory.mktemp("reports"))


class Visit:
    """An open page and all that it did."""

    def __init__(self, browser, path, width):
        self.page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="light")
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-drawn]", timeout=20_000)


@pytest.fixture(params=[1280, 390])
def visit(request, browser, root):
    visit = Visit(browser, root / "report.html", request.param)
    yield visit
    visit.page.close()


def test_draws_every_chart_and_stays_offline(visit, root):
    page = visit.page
    assert visit.said == []
    assert visit.asked == [(root / "report.html").as_uri()]
    assert page.evaluate("window.pwned") is None
    assert page.title().startswith("org/model")
    boxes = page.locator("[data-chart]")
    assert boxes.count() == 4  # gold and proxy, reliability, base and shift
    for i in range(boxes.count()):
        svg = boxes.nth(i).locator("svg.marks")
        assert svg.count() == 1
        assert svg.locator("path").count() > 5
        assert boxes.nth(i).get_attribute("aria-label")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_labels_of_the_gold_chart_do_not_touch(visit):
    boxes = visit.page.evaluate(
        "[...document.querySelectorAll('[data-chart^=gold] .mark-text text')].filter(t => t.textContent)"
        ".map(t => [t.textContent, t.getBoundingClientRect()]).map(([t, b]) => [t, b.left, b.right, b.top, b.bottom])"
    )
    assert {"1 nat", "n=4"} <= {box[0] for box in boxes}
    for (one, l1, r1, t1, b1), (two, l2, r2, t2, b2) in itertools.combinations(boxes, 2):
        assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1, (one, two)


def test_charts_follow_the_colour_scheme(visit):
    colour = "getComputedStyle(document.querySelector('svg.marks .role-axis-label text')).fill"
    light = visit.page.evaluate(colour)
    visit.page.emulate_media(color_scheme="dark")
    dark = visit.page.evaluate(colour)
    visit.page.emulate_media(color_scheme="dark", media="print")
    assert light != dark
    assert visit.page.evaluate(colour) == light  # paper is white


def test_headings_are_in_order(visit):
    levels = visit.page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_policy_stops_what_was_not_shipped(visit):
    visit.page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.pwned = 3'; document.body.append(s)"
    )
    assert visit.page.evaluate("window.pwned") is None
    assert any("Content Security Policy" in line for line in visit.said)


def test_tooltip_shows_numbers(visit):
    point = visit.page.locator("[data-chart^=gold] .mark-symbol path").first
    point.scroll_into_view_if_needed()
    point.hover(force=True)
    visit.page.wait_for_selector("#vg-tooltip-element.visible")
    assert "gold itself" in visit.page.locator("#vg-tooltip-element").inner_text()


def opened(visit):
    visit.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    return visit.page


@pytest.mark.parametrize("width", [1280, 700, 390])
def test_draws_what_optimisers_did(browser, root, width):
    visit = Visit(browser, root / "pursued.html", width)
    page = opened(visit)
    assert visit.said == []
    assert page.evaluate("window.pwned") is None
    assert page.locator("img").count() == 0
    boxes = page.locator("#overoptimization [data-chart]")
    assert boxes.count() == 6  # gold and proxy: on the pools, of policy gradient, of search
    for i in range(boxes.count()):
        assert boxes.nth(i).locator("svg.marks path").count() > 4
        assert boxes.nth(i).get_attribute("aria-label")
    test_labels_of_the_gold_chart_do_not_touch(visit)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5')].map(h => +h.tagName[1])")
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    visit.page.close()


def test_charts_of_a_task_stand_side_by_side(browser, root):
    visit = Visit(browser, root / "pursued.html", 1280)
    tops = visit.page.evaluate(
        "[...document.querySelectorAll('[data-chart^=gold]')].map(c => Math.round(c.getBoundingClientRect().top))"
    )
    assert len(tops) == 3
    assert len(set(tops)) == 1
    visit.page.close()


@pytest.mark.parametrize(("name", "charts"), [("lm_rl", 2), ("searched", 2), ("single", 2), ("dead", 0)])
def test_shows_optimisers_alone(browser, root, name, charts):
    visit = Visit(browser, root / f"{name}.html", 390)
    assert visit.said == []
    assert opened(visit).locator("[data-chart] svg.marks").count() == charts
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
    visit.page.close()


def test_shows_an_incomplete_run(browser, root):
    visit = Visit(browser, root / "broken.html", 390)
    assert visit.said == []
    assert visit.page.locator("[data-chart] svg.marks").count() == 3
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
    visit.page.close()
