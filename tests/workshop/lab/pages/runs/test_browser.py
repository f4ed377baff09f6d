"""A run's page in a browser: the graph is drawn, the log is read, and the page follows without a reload."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.workshop.lab.pages.fixtures import LOADED, dom, in_a_browser, lab_of, pipeline_run, served, task_run
from workshop.manifests.objects import Object

TASKS: list[Object] = [{"name": "fetch"}, {"name": "lint"}, {"name": "gate", "runAfter": ["fetch", "lint"]}]
PAGE = "/runs/user1-dev/run-a"


@pytest.mark.parametrize("_", [pytest.param(0, marks=in_a_browser, id="chromium")])
def test_the_graph_is_drawn_and_the_failing_log_is_read(tmp_path: Path, _: int) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", TASKS, status="False", reason="Failed")
    log = "working 10%\rworking 100%\n\x1b[31merror: no <luck>\x1b[0m\n"
    task_run(about, run, "fetch", {"clone": 1}, logs={"clone": log})
    with served(about, released=lambda asked: any(path.endswith("step-clone/events") for path in asked)) as lab:
        page = dom(f"{lab.url}{PAGE}", tmp_path, wait=LOADED)
    places = {key: int(float(top)) for key, top in re.findall(r'id="node-([a-z]+)".*?top: ([\d.]+)px', page)}
    assert places["fetch"] == places["lint"] < places["gate"]
    assert page.partition('id="arrows"')[2].partition("</svg>")[0].count("<path") == 2
    assert re.search(r'<pre class="log"[^>]*>working 100%\nerror: no &lt;luck&gt;\n</pre>', page)


@pytest.mark.parametrize("_", [pytest.param(0, marks=in_a_browser, id="chromium")])
def test_an_open_page_follows_its_run_and_shows_that_it_does(tmp_path: Path, _: int) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", TASKS)
    asked_again = 0

    def released(asked: list[str]) -> bool:
        """Let the run go on when the page has begun to follow, and the page load when it has asked for that."""
        nonlocal asked_again
        parts = asked.count(f"{PAGE}?part=live")
        if parts and not asked_again:
            asked_again = parts
            task_run(about, run, "lint", {"flake": None})
        return parts > asked_again > 0

    with served(about, released=released) as lab:
        page = dom(f"{lab.url}{PAGE}", tmp_path, wait=LOADED)
    assert 'data-state="Running"' in page.partition('id="node-lint"')[2].partition(">")[0]
    assert re.search(r'id="announced"[^>]*>[^<]*lint: Running', page), "announced to screen readers"
    assert 'data-task="lint"' in page, "the page looks at what runs"
