"""Streams of an open page: notifications of changes and logs, for fast, slow and vanished readers."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import time
from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.kit import until
from tests.workshop.lab.pages.fixtures import Served, browser, lab_of, pipeline_run, pod_of, served
from workshop.lab.kinds import built_in
from workshop.lab.lab import Lab
from workshop.lab.pages.runs import logs, streams

POD = "run-a-fetch-pod"
LOG = logs.Container("user1-dev", POD, "step-clone")


def _events(raw: bytes) -> list[tuple[str, str, Any]]:
    """Name, id and data of each event."""
    found = []
    for block in raw.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "data" in fields:
            found.append((fields.get("event", ""), fields.get("id", ""), json.loads(fields["data"])))
    return found


async def _all(stream: AsyncGenerator[bytes]) -> bytes:
    async with asyncio.timeout(10):
        return b"".join([chunk async for chunk in stream])


def _log(about: Lab, text: bytes, code: int | None = 0) -> Path:
    pod_of(about, POD, {"clone": code}, {"clone": ""})
    path = about.paths.container_log("user1-dev", POD, "step-clone")
    path.write_bytes(text)
    return path


def _ends(about: Lab, code: int) -> None:
    kind = built_in("Pod")
    pod = about.store.get(kind, "user1-dev", POD)
    pod["status"]["containerStatuses"] = [{"name": "step-clone", "state": {"terminated": {"exitCode": code}}}]
    about.store.update_status(kind, pod)


def test_a_log_that_has_ended_is_sent_and_ended_with_its_exit_code(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    _log(about, "één\n".encode(), code=3)
    found = _events(asyncio.run(_all(logs.log_events(about.store, about.paths, LOG, None))))
    assert found == [("start", "0", {"skipped": 0}), ("", "6", "één\n"), ("end", "6", {"exitCode": 3})]


def test_a_log_goes_on_from_an_offset(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    _log(about, b"one\ntwo\n")
    client = browser(about)
    url = f"/logs/user1-dev/{POD}/step-clone/events"
    for answer in (client.get(url, headers={"Last-Event-ID": "4"}), client.get(f"{url}?at=4")):
        assert answer.headers["content-type"] == "text/event-stream"
        assert _events(answer.content)[0] == ("", "8", "two\n")
    assert _events(client.get(f"{url}?at=99").content)[0][0] == "start", "another file than before"


def test_a_log_is_followed_until_its_step_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "POLL", 0.01)
    about = lab_of(tmp_path)
    path = _log(about, b"one\n", code=None)

    async def follow() -> list[tuple[str, str, Any]]:
        stream = logs.log_events(about.store, about.paths, LOG, None)
        seen = b""
        async with asyncio.timeout(10):
            async for chunk in stream:
                seen += chunk
                if chunk.endswith(b'"one\\n"\n\n'):
                    with path.open("ab") as file:
                        file.write("tw\u00f6".encode()[:-1])
                elif b'"tw"' in chunk:
                    with path.open("ab") as file:
                        file.write("\u00f6".encode()[-1:])
                elif b"\\u00f6" in chunk:
                    _ends(about, 1)
        return _events(seen)

    texts = [data for name, _, data in asyncio.run(follow()) if name in ("", "end")]
    assert texts == ["one\n", "tw", "ö", {"exitCode": 1}], "a character is not cut in two"


def test_a_long_log_begins_near_its_end_at_a_line(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    _log(about, b"".join(b"line %07d\n" % n for n in range(60_000)))
    found = _events(asyncio.run(_all(logs.log_events(about.store, about.paths, LOG, None))))
    text = "".join(data for name, _, data in found if not name)
    assert found[0][2]["skipped"] > 400_000
    assert text.startswith("line ") and text.endswith("line 0059999\n") and len(text) <= logs.TAIL


def test_a_reader_that_lags_is_moved_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LAG", 300_000)
    monkeypatch.setattr(logs, "TAIL", 50_000)
    about = lab_of(tmp_path)
    _log(about, b"x" * 99 + b"\n" + (b"y" * 99 + b"\n") * 20_000)
    found = _events(asyncio.run(_all(logs.log_events(about.store, about.paths, LOG, 0))))
    assert [name for name, _, _ in found].count("start") == 1
    assert sum(len(data) for name, _, data in found if not name) < 400_000


def test_a_url_names_no_file_but_a_containers_log(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    _log(about, b"x")
    client = browser(about)
    for pod, name in (("ghost", "step-clone"), (POD, "step-other"), ("..", "step-x")):
        path = about.paths.container_log("user1-dev", pod, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("secret")
        assert logs.container(about.store, "user1-dev", pod, name) is None
        answer = client.get(f"/logs/user1-dev/{pod}/{name}")
        assert answer.status_code == 404 and "secret" not in answer.text


def test_a_step_that_prints_nothing_is_asked_for_in_vain(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    pod_of(about, POD, {"clone": 0}, {})
    found = _events(asyncio.run(_all(logs.log_events(about.store, about.paths, LOG, None))))
    assert [name for name, _, _ in found] == ["start", "end"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ok\nTraceback (most recent call last):\n  File\nKeyError: 'x'\n", "KeyError: 'x'"),
        ("a\nfatal: repository 'x' not found\nlast\n", "fatal: repository 'x' not found"),
        ("collected 3\nE       assert 1 == 2\nFAILED test_x\n", "E       assert 1 == 2"),
        (
            'E     File "a.py", line 8\nE       x =\nE   SyntaxError: invalid syntax\n',
            "E   SyntaxError: invalid syntax",
        ),
        ("no errors so far\nthe gate said no\n", "the gate said no"),
        ("bash: line 3: dvc: command not found\nbye\n", "bash: line 3: dvc: command not found"),
        ("\x1b[31mERROR: red\x1b[0m\n", "ERROR: red"),
        ("", ""),
    ],
)
def test_the_line_that_says_why_is_found(tmp_path: Path, text: str, line: str) -> None:
    path = tmp_path / "x.log"
    path.write_text(text)
    assert logs.error_line(path) == line


# -- notifications


def test_changes_at_the_same_time_are_one_notification(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "GATHER", 0.1)
    about = lab_of(tmp_path)

    async def follow() -> int:
        stream = streams.notifications(about.store, lambda record: record.kind.kind == "PipelineRun")
        async with asyncio.timeout(10):
            assert b"changed" in await anext(stream), "at once, for a page that comes back"
            for n in range(50):
                pipeline_run(about.store, f"run-{n}", [])
            assert b"changed" in await anext(stream)
            about.store.close()
            return len([chunk async for chunk in stream])

    assert asyncio.run(follow()) == 0, "the stream ends with the store"


def test_a_silent_stream_sends_keepalives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "KEEP_ALIVE", 0.01)
    about = lab_of(tmp_path)

    async def follow() -> bytes:
        stream = streams.notifications(about.store, lambda _: True)
        await anext(stream)
        said = await anext(stream)
        await stream.aclose()
        return said

    assert asyncio.run(follow()).startswith(b":")


def _watches(lab: Served, about: Lab) -> int:
    return lab.call(lambda: len(about.store._watches))


def test_an_open_page_is_notified_and_leaves_no_subscription(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    pipeline_run(about.store, "run-a", [])
    with served(about) as lab:
        host = urlsplit(lab.url)
        connection = http.client.HTTPConnection(host.hostname or "", host.port or 0, timeout=10)
        connection.request("GET", "/runs/user1-dev/run-a/events")
        answer = connection.getresponse()
        while not answer.readline().startswith(b"data"):
            pass
        lab.call(lambda: pod_of(about, "other", {"x": 0}, {}))
        run = lab.call(lambda: about.store.get(built_in("PipelineRun"), "user1-dev", "run-a"))
        run["status"]["conditions"][0]["message"] = "other"
        lab.call(lambda: about.store.update_status(built_in("PipelineRun"), run))
        while not (line := answer.readline()).startswith(b"data"):
            pass
        assert int(line.split()[1]) == about.store.version
        assert _watches(lab, about) == 1
        answer.close()
        connection.close()
        until(lambda: _watches(lab, about) == 0)


def test_a_hundred_open_pages_that_never_read_do_not_block_others(tmp_path: Path) -> None:
    about = lab_of(tmp_path)
    run = pipeline_run(about.store, "run-a", [{"name": "fetch"}])
    with served(about) as lab:
        address = urlsplit(lab.url)
        lines = [socket.create_connection((address.hostname, address.port)) for _ in range(100)]
        for line in lines:
            line.sendall(b"GET /runs/user1-dev/run-a/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        until(lambda: _watches(lab, about) == 100)
        for n in range(200):
            run["status"]["conditions"][0]["message"] = f"step {n}"
            run = lab.call(partial(about.store.update_status, built_in("PipelineRun"), run)).object()
        began = time.monotonic()
        connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=10)
        connection.request("GET", "/runs/user1-dev/run-a?part=live")
        assert connection.getresponse().status == 200
        assert time.monotonic() - began < 2
        connection.close()
        for line in lines:
            line.close()
        until(lambda: _watches(lab, about) == 0)
