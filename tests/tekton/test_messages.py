"""A container's log has the message of the program that failed first, and then what to do."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.tekton.scripts import run_script, scripts, tasks

HIDES = re.compile(
    r"""
    [&12]?>\s*/dev/null                   # a message that goes nowhere
  | \|\|\s*(true|:)(\s|;|'|$)           # a failure that nobody sees
  | \bdvc\b[^\n|;&]*\s(-q|--quiet)\b    # DVC writes no errors then
  | \bset\s\+e\b
""",
    re.VERBOSE,
)
ALLOWED = {"s2i/bin/assemble": ["command -v uv >/dev/null"]}
"""Questions whose answer is the exit code."""


@pytest.mark.parametrize(("where", "script"), scripts().items(), ids=scripts())
def test_no_script_hides_what_a_program_says(where: str, script: str) -> None:
    for question in ALLOWED.get(where, []):
        script = script.replace(question, "")
    found = [line.strip() for line in script.splitlines() if HIDES.search(line) and not line.strip().startswith("#")]
    assert not found, where


@pytest.mark.parametrize(
    "line", ["dvc pull -q data", "x 2>/dev/null", "x >/dev/null || true", "a || :", "x &> /dev/null"]
)
def test_what_hides_a_message_is_recognised(line: str) -> None:
    assert HIDES.search(line)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with a pointer to one file of data, which is not there."""
    folder = tmp_path / "clone"
    (folder / "data").mkdir(parents=True)
    (folder / ".dvc").mkdir()
    (folder / ".dvc" / "config").write_text("")
    (folder / "data" / "month.csv.dvc").write_text(
        "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  size: 3\n  hash: md5\n  path: month.csv\n"
    )
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


@pytest.mark.parametrize(
    ("remote", "reason"),
    [
        ("{empty}", "missing-files"),
        ("http://127.0.0.1:1/data", "/data does not answer: <urlopen error [Errno 111]"),
    ],
    ids=["the remote lacks the data", "the remote does not answer"],
)
def test_data_that_cannot_be_fetched_is_told_in_dvcs_words_and_then_ours(
    clone: Path, tmp_path: Path, remote: str, reason: str
) -> None:
    (tmp_path / "empty").mkdir()
    url = remote.format(empty=tmp_path / "empty")
    script = tasks()["fetch-data"]["spec"]["steps"][0]["script"]
    done = run_script(script, clone, {"DVC_REMOTE_URL": url, "HOME": str(tmp_path)})
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    theirs, ours = said.index(reason), said.index("ERROR: dvc pull failed, see above")
    assert theirs < ours, said
    assert f"remote: {url}" in said and "dvc push data/*.dvc" in said


@contextmanager
def remote(code: int) -> Iterator[str]:
    """An HTTP remote that answers the same status to all requests for its folder, and 404 for each file."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code if self.path == "/" or code >= 500 else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def test_the_403_of_a_remote_that_lists_no_folders_is_no_reason(clone: Path, tmp_path: Path) -> None:
    script = tasks()["fetch-data"]["spec"]["steps"][0]["script"]
    with remote(403) as url:
        done = run_script(script, clone, {"DVC_REMOTE_URL": url, "HOME": str(tmp_path)})
    said = done.stdout + done.stderr
    assert done.returncode == 1 and "missing-files" in said and "dvc push data/*.dvc" in said, said
    assert "answers 403" not in said, "nginx answers so to each GET of the folder"


def test_the_503_of_a_remote_is_told(clone: Path, tmp_path: Path) -> None:
    script = tasks()["fetch-data"]["spec"]["steps"][0]["script"]
    with remote(503) as url:
        done = run_script(script, clone, {"DVC_REMOTE_URL": url, "HOME": str(tmp_path)})
    assert done.returncode == 1 and f"{url} answers 503" in done.stderr, done.stdout + done.stderr
