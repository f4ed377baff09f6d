"""Which use cases a merge request changes, what its comment says when one fails, and where the comment goes.

The whole check of a use case is the test of the Task `check-merge-request`.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from delivery.__main__ import main
from delivery.commands.merge_request import COMMENT, MARKER, changed

NAMES = "package: p, experiment: p, image: p, overlays: ., task: regression, measure: rmse, target: grams"


def git(*words: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    return subprocess.run(["git", *identity, *words], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with two use cases, at the first commit of a branch."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_REPOSITORY", "CI_API_V4_URL", "DVC_REMOTE_URL"):
        monkeypatch.delenv(name, raising=False)
    git("init", "-q", "-b", "main")
    for folder in ("model", "usecases/é"):
        Path(folder).mkdir(parents=True)
        Path(folder, "usecase.yaml").write_text(f"{{deployment: {folder[:5]}, {NAMES}}}")
    Path(".gitignore").write_text(".cache/\n")
    commit()
    git("switch", "-q", "-c", "topic")
    return tmp_path


def commit(**files: str) -> None:
    for name, text in files.items():
        Path(name).write_text(text)
    git("add", ".")
    git("commit", "-q", "--allow-empty", "-m", "Change it")


def test_a_use_case_has_changed_when_a_file_in_it_has_since_the_branch_left(clone: Path) -> None:
    commit(**{"usecases/é/params.yaml": "a: 1", "README.md": "a", "models.txt": "a"})
    assert changed("main") == [Path("usecases/é")]
    git("switch", "-q", "main")
    commit(**{"model/params.yaml": "a: 1"})
    git("switch", "-q", "topic")
    assert changed("main") == [Path("usecases/é")], "main's own commits are not the branch's"


def test_without_a_change_there_is_nothing_to_post(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    COMMENT.parent.mkdir()
    COMMENT.write_text("of an earlier check")
    commit(**{"README.md": "a"})
    assert main(["merge-request", "--target", "main", "--results", str(clone)]) == 0
    assert Path("changed").read_text() == ""
    assert main(["merge-request", "--post", "1"]) == 0
    assert "changes no use case" in capsys.readouterr().out


def test_a_link_is_not_posted(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    COMMENT.parent.mkdir()
    COMMENT.symlink_to("/proc/self/environ")
    assert main(["merge-request", "--post", "1"]) == 0
    assert "changes no use case" in capsys.readouterr().out


def test_a_stage_that_fails_is_in_the_comment(clone: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Path("model/.dvc").mkdir()
    commit(**{"model/.dvc/config": "", "model/dvc.yaml": "stages: {train: {cmd: test -z $GIT_PASSWORD && false}}"})
    assert main(["merge-request", "--target", "main"]) == 1
    assert COMMENT.read_text() == f"{MARKER}\n\n### model: dvc repro failed\n"
    assert "error: model: dvc repro failed" in capfd.readouterr().err


def test_a_target_that_does_not_exist_is_an_error(clone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["merge-request", "--target", "none"]) == 1
    assert "none" in capsys.readouterr().err


@pytest.fixture
def gitlab(clone: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, str]]]:
    """The notes of a merge request, as GitLab's API has them: it answers a wrong token with 401."""
    notes: list[dict[str, str]] = []

    class Notes(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer([{"id": index + 7, "body": one["body"]} for index, one in enumerate(notes)])

        def do_POST(self) -> None:
            notes.append(self._body())
            self._answer({"id": len(notes) + 6, **notes[-1]})

        def do_PUT(self) -> None:
            notes[int(self.path.rpartition("/")[2]) - 7] = self._body()
            self._answer({"id": 7})

        def _body(self) -> dict[str, str]:
            assert self.path.partition("?")[0].startswith("/api/v4/projects/3/merge_requests/5/notes")
            found: dict[str, str] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            return found

        def _answer(self, content: object) -> None:
            self.send_response(200 if self.headers["PRIVATE-TOKEN"] == "t" else 401)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Notes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("CI_API_V4_URL", f"http://127.0.0.1:{server.server_address[1]}/api/v4")
    monkeypatch.setenv("CI_PROJECT_ID", "3")
    monkeypatch.setenv("GITLAB_TOKEN", "t")
    yield notes
    server.shutdown()
    server.server_close()


def test_gitlab_keeps_one_comment(
    clone: Path, gitlab: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    COMMENT.parent.mkdir()
    gitlab.append({"body": "of a person"})
    for text in ("first", "second"):
        COMMENT.write_text(f"{MARKER}\n{text}")
        assert main(["merge-request", "--post", "5"]) == 0
    assert gitlab == [{"body": "of a person"}, {"body": f"{MARKER}\nsecond"}]
    monkeypatch.setenv("GITLAB_TOKEN", "wrong")
    assert main(["merge-request", "--post", "5"]) == 1
    assert "answered 401" in capsys.readouterr().err
