"""What the serving benchmark takes as a result: figures of servers that answered, on a machine without other load."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench.serving.load import Figures, press, share_of_others
from tests.bench.serving.report import COMMAND, OURS, NoResultError, Result, write
from tests.bench.serving.running import measure
from tests.bench.serving.servers import Contestant, Running, seldon

SERVER = """
import asyncio, sys

async def answer(reader, writer):
    global left
    while line := await reader.readline():
        length = 0
        while (header := await reader.readline()).strip():
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        await reader.readexactly(length)
        left -= 1
        if left < 0:
            break
        writer.write(b"HTTP/1.1 200 OK\\r\\n" + after + b"content-length: 2\\r\\n\\r\\n{}")
        if after:
            break
    writer.close()

async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()

left = float(sys.argv[2])
after = f"{sys.argv[3]}\\r\\n".encode() if sys.argv[3] else b""
asyncio.run(main())
"""


def good(name: str = OURS, failed: int = 0, other_load: float = 0.01) -> Result:
    return Result(name, Figures(1000.0, 0.5, 2.0, failed), 30.0, 0.2, 80.0, 4.0, other_load)


def contestant(answers: str, after: str = "") -> Contestant:
    """A server that answers so many requests and closes every connection from then on.

    With the header `after`, it closes the connection after each answer.
    """
    words = [sys.executable, "-c", SERVER]
    return Contestant("tiny", lambda port: [*words, str(port), answers, after], "/", seldon, "/", batches=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for kind in ("row", "batch"):
        (tmp_path / f"{kind}.json").write_text(json.dumps({"names": ["a"], "rows": [[1]]}))
    return tmp_path


@pytest.fixture
def readme(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(f"before\n<!-- figures: {COMMAND} -->\nthe old table\n<!-- end of figures -->\nafter\n")
    return path


@pytest.fixture
def another_program() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    yield
    process.kill()
    process.wait()


@pytest.fixture(params=["wrk", "own"])
def generator(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both load generators: wrk where it is installed, and the benchmark's own."""
    if request.param == "own":
        monkeypatch.setattr(shutil, "which", lambda name: None)
    elif shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    return str(request.param)


@pytest.mark.usefixtures("generator")
def test_requests_without_an_answer_are_failures(folder: Path) -> None:
    running = Running(contestant("400"), folder / "server.log")
    try:
        figures = press(running.url + "/", folder / "row.json", 1)
    finally:
        running.stop()
    assert figures.failed >= 16
    assert good(failed=figures.failed).problems


@pytest.mark.usefixtures("generator")
def test_a_server_that_closes_each_connection_after_its_answer_has_no_failures(folder: Path) -> None:
    running = Running(contestant("inf", after="Connection: close"), folder / "server.log")
    try:
        figures = press(running.url + "/", folder / "row.json", 1)
    finally:
        running.stop()
    assert figures.rate > 50
    assert figures.failed == 0


@pytest.mark.usefixtures("another_program")
def test_load_of_another_program_is_seen_and_makes_it_no_result(folder: Path) -> None:
    result = measure(contestant("inf"), folder, 3)
    assert result.other_load > 0.1
    assert any("other programs used" in problem for problem in result.problems)


def test_the_load_of_the_measurement_itself_is_not_counted() -> None:
    assert share_of_others(busy=8.0, own=7.0, seconds=10, processors=2) == 0.05
    assert share_of_others(busy=7.0, own=7.1, seconds=10, processors=2) == 0


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (good("other", failed=16), "other: 16 requests failed"),
        (good("other", other_load=0.3), "other: other programs used 30% of the processors; at most 5% may be"),
    ],
)
def test_a_run_without_a_result_is_reported_and_keeps_the_old_table(readme: Path, wrong: Result, text: str) -> None:
    before = readme.read_text()
    with pytest.raises(NoResultError, match=text):
        write([good(), wrong], 3.0, readme, readme.with_name("plot.svg"))
    assert readme.read_text() == before
    assert not readme.with_name("plot.svg").exists()


def test_a_run_with_a_result_replaces_the_table(readme: Path) -> None:
    write([good(), good("other")], 3.0, readme, readme.with_name("plot.svg"))
    text = readme.read_text()
    assert "the old table" not in text
    assert "| modelserver, ONNX | 1,000 |  | 0.5 ms |" in text
    assert readme.with_name("plot.svg").exists()
