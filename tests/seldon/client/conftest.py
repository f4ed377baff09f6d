"""The page as people meet it: a real model behind a real model server, the lab's gateway before it, and Chromium."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from tests.browser import driving
from tests.kit import serving
from tests.s2i.conftest import Server
from tests.s2i.flights import serving_model
from workshop.lab.gateway import build
from workshop.lab.routes import Backend, Routes, Target, client_path

KIT = Path(__file__).resolve().parents[3]
NAMESPACE, NAME = "user1-production", "flight-delay"
FLIGHT = "#origin=EWR&dest=ORD&carrier=UA&date=2026-11-27&sched_dep=18:30&sky=storm"
"""A Friday evening in November."""

in_a_browser = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not driving.HAVE_CHROMIUM, reason="chromium or chromedriver is not installed"),
]


@dataclass
class Site:
    """The page's address, and what is behind it."""

    gateway: str
    routes: Routes
    server: Server
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"{self.gateway}{client_path(NAMESPACE)}/"

    def serve(self, *, ready: bool = True) -> None:
        """Whether the deployment has a ready replica."""
        backends = (Backend("main-0", self.server.port),) if ready else ()
        self.routes.set(NAMESPACE, NAME, (Target("main", f"{NAME}-main", backends),))


@pytest.fixture(scope="package")
def _site() -> Iterator[Site]:
    server = Server(
        "FlightDelay", {"MODEL_DIR": str(serving_model()), "MODEL_SERVER_ACCESS_LOG": "false"}, KIT / "model"
    )
    server.wait_for("ready")
    routes = Routes()
    with serving(build(routes)) as url:
        yield Site(url, routes, server)
    server.stop()


@pytest.fixture
def site(_site: Site) -> Site:
    """The page with a model that answers."""
    _site.serve()
    return _site


class Tab:
    """A browser's tab on the page."""

    def __init__(self, driver: Any, url: str) -> None:
        self.driver, self.url = driver, url

    def look(self, width: int = 1280, height: int = 900, *, dark: bool = False) -> None:
        """Have a window of this size and the reader's preference."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        wish = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        calm = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [wish, calm]})

    def open(self, flight: str = "") -> None:
        """Load the page, with a flight filled in or none, and wait until it can be used."""
        self.driver.get("about:blank")
        self.driver.get(self.url + flight)
        self.until(lambda: len(self.select("origin").options) > 1)

    def until(self, holds: Any, seconds: float = 15) -> None:
        """Wait for something; the page's text says what was there instead."""
        try:
            WebDriverWait(self.driver, seconds, 0.05).until(lambda _: holds())
        except Exception as error:
            raise AssertionError(f"not in time; the page has the text:\n{self.text('body')}") from error

    def one(self, css: str) -> WebElement:
        found: WebElement = self.driver.find_element(By.CSS_SELECTOR, css)
        return found

    def all(self, css: str) -> list[WebElement]:
        found: list[WebElement] = self.driver.find_elements(By.CSS_SELECTOR, css)
        return found

    def text(self, css: str) -> str:
        return self.one(css).text

    def select(self, name: str) -> Select:
        return Select(self.one(f"#{name}"))

    def write(self, name: str, value: str) -> None:
        """Replace what a field of the assumed values holds."""
        if not self.one("details").get_attribute("open"):
            self.one("summary").click()
        field = self.one(f"#{name}")
        field.clear()
        field.send_keys(value)

    def ask(self) -> None:
        self.one("#ask").click()

    def answered(self) -> None:
        self.until(lambda: self.all(".feedback"))

    @property
    def focused(self) -> WebElement:
        element: WebElement = self.driver.switch_to.active_element
        return element

    def picture(self, width: int, *, dark: bool = False) -> bytes:
        """The whole page, as a PNG."""
        self.look(width, 900, dark=dark)
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.look(width, height, dark=dark)
        made = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        return base64.b64decode(made["data"])

    def complaints(self) -> list[str]:
        """What the browser's console holds: errors, and what the policy has blocked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="package")  # An open page uses the processor.
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    driver = driving.chromium(tmp_path_factory.mktemp("chromium"), "--hide-scrollbars", "--lang=en-US")
    yield driver
    driver.quit()


@pytest.fixture
def tab(chromium: Any, site: Site) -> Tab:
    """A tab of a desktop's size, in light colours, whose console is empty."""
    tab = Tab(chromium, site.url)
    tab.look()
    tab.complaints()
    return tab
