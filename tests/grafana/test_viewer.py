"""The lab's viewer with real data in a browser: light and dark, on a desktop, on a phone, and with a keyboard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from grafana.config import FEWEST_ROWS
from grafana.render import RENDERED
from tests.browser.driving import HAVE_CHROMIUM, chromium, serious
from tests.grafana.boards import load, panels
from tests.grafana.conftest import COUNT, REQUESTS, SHARES, Stack
from tests.kit import until
from tests.workshop.lab.pages.fixtures import TOKEN, lab_of, served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("grafana"),
    pytest.mark.skipif(not HAVE_CHROMIUM, reason="chromium or chromedriver is not installed"),
]
UIDS = {path.stem: load(path)["uid"] for path in RENDERED.glob("*.json")}
CHARTS = ("barchart", "heatmap", "timeseries")


class Page:
    """A browser that has logged in, on the dashboards."""

    def __init__(self, browser: Chrome, base: str) -> None:
        self.browser, self.base = browser, base

    def open(self, name: str, query: str = "from=now-5m&var-window=2m&var-compare=5m") -> None:
        self.browser.get(f"{self.base}/dashboards/{UIDS[name]}?{query}")
        self.settled()

    def settled(self) -> None:
        """Every panel has been filled once and nothing is asked for."""
        WebDriverWait(self.browser, 60).until(
            lambda b: b.find_element(By.ID, "panels").get_attribute("aria-busy") == "false"
        )

    def all(self, css: str) -> list[Any]:
        return self.browser.find_elements(By.CSS_SELECTOR, css)

    def panel(self, title: str) -> Any:
        return next(p for p in self.all(".panel") if p.find_element(By.CSS_SELECTOR, "h3").text == title)

    def asked(self) -> list[str]:
        """The queries that went to Prometheus since the page was opened."""
        found: list[str] = self.browser.execute_script(
            "return performance.getEntriesByType('resource').map((e) => e.name)"
            ".filter((n) => n.includes('/api/query')).map((n) => new URL(n).searchParams.get('query'))"
        )
        return found

    def look(self, *, dark: bool, width: int = 1400, height: int = 1000) -> None:
        wish = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [wish]})
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


@pytest.fixture(scope="module")
def page(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    # The page asks for a whole number of the lab's scrapes, up to 5 s ago: all traffic has to be there by then.
    stack.until(f"sum({COUNT} offset 6s) >= {REQUESTS}")
    folder = tmp_path_factory.mktemp("viewer")
    about = lab_of(folder, prometheus_url=stack.prometheus_url, token=TOKEN)
    with served(about, gate=True) as lab:
        browser = chromium(folder / "chromium")
        try:
            browser.get(f"{lab.url}/dashboards/#token={TOKEN}")
            WebDriverWait(browser, 30).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".card"))
            yield Page(browser, lab.url)
        finally:
            browser.quit()


@pytest.mark.parametrize("name", sorted(UIDS))
def test_every_panel_shows_data_in_light_and_dark(page: Page, name: str, tmp_path: Path) -> None:
    for dark in (False, True):
        page.look(dark=dark)
        page.open(name)
        shown = {panel["title"] for panel in panels(RENDERED / f"{name}.json") if "$" not in panel["title"]}
        assert shown <= {each.find_element(By.CSS_SELECTOR, "h3").text for each in page.all(".panel")}
        notes = [note.text for note in page.all(".note:not([hidden])")]
        # Nothing was there five minutes ago, and the schema of the cars refuses what training did not have.
        allowed = {"Nothing to compare with: no requests 5m ago"}
        allowed |= {"Training had every value"} if name == "regression" else set()
        assert set(notes) <= allowed, notes
        for chart in (c for kind in CHARTS for c in page.all(f".type-{kind}:not(.empty) canvas")):
            assert _painted(page, chart) > 500, "an empty canvas"
        theme = "dark" if dark else "light"
        # For people to look at: pytest keeps the last three runs.
        page.look(dark=dark, height=2000)
        page.settled()
        page.browser.save_screenshot(str(tmp_path / f"{name}-{theme}.png"))
        assert serious(page.browser) == [], theme
    page.look(dark=False)


def test_the_worst_value_of_a_slice_comes_first_and_too_few_rows_are_no_value(page: Page) -> None:
    page.open("quality")
    rows = [
        [cell.text for cell in row.find_elements(By.CSS_SELECTOR, "td")]
        for row in page.panel("Quality by carrier").find_elements(By.CSS_SELECTOR, "tbody tr")
    ]
    assert {len(row) for row in rows} == {3}
    for missed, _, counted in rows:
        assert (missed == "too few") == (float(counted) < FEWEST_ROWS), rows
    shares = [float(missed.rstrip("%")) for missed, *_ in rows if missed != "too few"]
    assert len(shares) > 3 and shares == sorted(shares, reverse=True)
    assert [missed == "too few" for missed, *_ in rows] == sorted(missed == "too few" for missed, *_ in rows)


def _painted(page: Page, canvas: Any) -> int:
    """Pixels that are not transparent."""
    count: int = page.browser.execute_script(
        "const c = arguments[0]; const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 3; i < d.length; i += 4) if (d[i]) n++; return n;",
        canvas,
    )
    return count


def test_figures_are_those_of_prometheus(page: Page, stack: Stack) -> None:
    def counted() -> list[float]:
        rows = stack.query("sum by (actual, predicted) (increase(model_feedback_total[5m]))")
        return sorted(float(one["value"][1]) for one in rows)

    # What was counted moves as it is extrapolated to the window: the page's lie between those before and after it.
    before = counted()
    page.open("quality")
    cells = sorted(int(cell.text) for cell in page.panel("Confusion matrix").find_elements(By.CSS_SELECTOR, "td"))
    for low, shown, high in zip(before, cells, counted(), strict=True):
        slack = max(5, high / 50)
        assert min(low, high) - slack <= shown <= max(low, high) + slack
    table = page.panel("Champion against challenger")
    assert [row.text for row in table.find_elements(By.CSS_SELECTOR, "tbody th")] == sorted(SHARES)
    head = [cell.text for cell in table.find_elements(By.CSS_SELECTOR, "thead th")]
    assert head == ["Predictor", "Rows", "Accuracy", "Precision", "Recall", "F1", "Balanced accuracy"]


def test_a_latency_outside_the_buckets_is_shown_as_a_bound(page: Page) -> None:
    page.open("serving")
    field = next(p for p in load(RENDERED / "serving.json")["panels"] if p["title"] == "Latency")["fieldConfig"][
        "defaults"
    ]
    shown = page.browser.execute_async_script(
        "const [field, values, done] = arguments;"
        "import('/static/dashboard/fields.js').then(({ text }) => done(values.map((value) => text(field, value))))",
        field,
        [0.0001, 0.0004, 10],
    )
    assert shown == ["≤ 0.1 ms", "400 µs", "≥ 10 s"]


def test_predictors_are_chosen_with_the_keyboard_and_kept_in_the_address(page: Page) -> None:
    page.open("serving")
    choice = next(one for one in page.all(".several") if one.text.startswith("Predictor"))
    choice.find_element(By.CSS_SELECTOR, "summary").send_keys(Keys.ENTER)
    box = choice.find_element(By.CSS_SELECTOR, "input[value=canary]")
    box.send_keys(Keys.SPACE)
    page.settled()
    choice.find_element(By.CSS_SELECTOR, "input[value='$__all']")
    assert "var-predictor=canary" in page.browser.current_url or "canary" in page.browser.current_url
    names = [each.text for each in page.panel("Requests by predictor").find_elements(By.CSS_SELECTOR, ".legend button")]
    WebDriverWait(page.browser, 20).until(
        lambda _: (
            [b.text for b in page.panel("Requests by predictor").find_elements(By.CSS_SELECTOR, ".legend button")]
            == ["canary"]
        ),
        f"the legend says {names}",
    )
    assert any('predictor_name=~"canary"' in query for query in page.asked())
    page.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert not choice.get_attribute("open")


def test_a_value_with_special_characters_is_escaped_in_queries(page: Page) -> None:
    page.open("serving", 'from=now-5m&var-predictor=a.b"c&var-predictor=main')
    wanted = 'predictor_name=~"(a\\\\.b\\"c|main)"'
    assert any(wanted in query for query in page.asked())
    assert not [note.text for note in page.all(".note:not([hidden])") if "parse error" in note.text]


def test_a_time_between_two_moments_is_kept_in_the_address(page: Page) -> None:
    page.open("serving")
    Select(page.browser.find_element(By.NAME, "range")).select_by_value("between")
    page.settled()
    start, end = (page.browser.find_element(By.NAME, name) for name in ("from", "to"))
    assert start.is_displayed() and end.get_attribute("value")
    again = page.browser.current_url
    page.browser.get(again)
    page.settled()
    assert page.browser.find_element(By.NAME, "range").get_attribute("value") == "between"
    page.browser.find_element(By.NAME, "back").click()
    page.settled()
    assert "to=now" in page.browser.current_url and not start_is_shown(page)


def start_is_shown(page: Page) -> bool:
    return bool(page.browser.find_element(By.NAME, "from").is_displayed())


def test_a_panel_is_enlarged_and_put_back_with_the_keyboard(page: Page) -> None:
    page.open("serving")
    panel = page.panel("Latency")
    small = panel.size["width"]
    panel.find_element(By.CSS_SELECTOR, ".enlarge").send_keys(Keys.ENTER)
    assert panel.size["width"] > 2 * small
    canvas = panel.find_element(By.CSS_SELECTOR, "canvas")
    WebDriverWait(page.browser, 10).until(lambda _: canvas.size["width"] > 2 * small * 0.8, "the plot grows too")
    panel.find_element(By.CSS_SELECTOR, ".enlarge").send_keys(Keys.ESCAPE)
    assert panel.size["width"] == small


def test_a_panel_shows_its_description_and_its_query(page: Page) -> None:
    page.open("serving")
    panel = page.panel("Failed")
    panel.find_element(By.CSS_SELECTOR, "details summary").send_keys(Keys.ENTER)
    about = panel.find_element(By.CSS_SELECTOR, ".about").text
    assert "A caller's mistake (4xx) is not one." in about
    assert 'code=~"5.."' in about and "$" not in about


def test_a_series_is_hidden_and_shown_from_the_legend(page: Page) -> None:
    page.open("serving")
    for shown in ("hidden", "req/s"):
        until(lambda: _pressed(page, "400"), what="the series is in the legend")
        # In one call, because the panel is drawn again while its text is read.
        read = "return [...arguments[0].querySelectorAll('.legend li')].map(one => one.innerText)"
        items: list[str] = page.browser.execute_script(read, page.panel("Requests by status"))
        assert [one for one in items if "400" in one and shown in one]


def _pressed(page: Page, series: str) -> bool:
    """Press Enter on a series of the legend; False if the panel was drawn again before the key arrived."""
    try:
        buttons = page.panel("Requests by status").find_elements(By.CSS_SELECTOR, ".legend button")
        next(one for one in buttons if one.text == series).send_keys(Keys.ENTER)
    except (StaleElementReferenceException, StopIteration):
        return False
    return True


def test_a_phone_scrolls_down_and_not_sideways(page: Page) -> None:
    page.look(dark=False, width=390, height=844)
    try:
        for name in UIDS:
            page.open(name)
            wide = page.browser.execute_script(
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert wide <= 0, name
            narrow = [each for each in page.all(".panel") if each.size["width"] < 150]
            assert not narrow
            assert serious(page.browser) == [], name
    finally:
        page.look(dark=False)


def test_another_dashboard_keeps_the_time_and_the_choice(page: Page) -> None:
    page.open("serving", "from=now-15m&var-predictor=main")
    next(link for link in page.all("[data-dashboard]") if link.text == "Model quality").click()
    page.settled()
    assert "from=now-15m" in page.browser.current_url and "var-predictor=main" in page.browser.current_url
    assert page.browser.find_element(By.NAME, "range").get_attribute("value") == "now-15m"


def test_a_page_stays_light(page: Page) -> None:
    """A room of thirty looks at once: no framework, few files, and as many questions as there are queries."""
    for name in UIDS:
        page.open(name)
        sizes: list[dict[str, Any]] = json.loads(
            page.browser.execute_script(
                "return JSON.stringify(performance.getEntriesByType('resource')"
                ".map((e) => ({name: e.name, size: e.decodedBodySize})))"
            )
        )
        files = [one for one in sizes if "/static/" in one["name"]]
        assert sum(one["size"] for one in files) < 200_000, "bytes of scripts and styles"
        board = load(RENDERED / f"{name}.json")
        targets = sum(len(panel["targets"]) for panel in panels(RENDERED / f"{name}.json"))
        asked = [one for one in sizes if "/api/query" in one["name"]]
        assert len(asked) <= targets + len(board["annotations"]["list"]), "each query once"
