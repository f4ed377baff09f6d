"""Names and links that lead out of their folder: in Git, in DVC files and in the files of a build.

A canary is a file next to the lab's folder. No answer and no image may have its content, and nothing may be written
beside it.
"""

from __future__ import annotations

import io
import json
import os
import secrets
import shlex
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit import until
from tests.soak.lab import Lab
from tests.soak.load import NAMESPACE, PAGES
from workshop.cluster.jsonhttp import ask
from workshop.lab.participant import clone_folder
from workshop.manifests.objects import status_of

BRANCH = "hostile"
BUILD_SECONDS = 120.0
PLAIN = "plain"
"""The archive without anything hostile, whose build must succeed; else the others would show nothing."""
LINKED = (".tekton/hostile.yaml", "model/usecase.yaml", "model/hostile.dvc", "README.md", "model/data")
DVC_PATHS = (
    "../../../escaped",
    "../../../../escaped",
    "/escaped",
    "link/../../../escaped",
    "link/escaped",
    "../link/escaped",
    "../.git/hooks/x",
)
Done = subprocess.CompletedProcess[bytes]
CHECK = "from pathlib import Path; from delivery.repository import refuse_links; refuse_links(Path())"
MD5 = "d41d8cd98f00b204e9800998ecf8427e"
"""Of an empty file."""


class Canary:
    """A file that nothing may read, in a folder that nothing may write to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "canary"
        self.folder.mkdir(exist_ok=True)
        self.file = self.folder / "secret"
        self.text = secrets.token_hex(16)
        self.file.write_text(self.text)

    def check(self, texts: Iterator[tuple[str, str]]) -> list[str]:
        """Where the secret was found, and what was written beside it."""
        found = [f"{where} has the content of a file outside" for where, text in texts if self.text in text]
        more = sorted(path.name for path in self.folder.iterdir() if path != self.file)
        if more or self.file.read_text() != self.text:
            found.append(f"{self.folder} was written to: {more or self.file.name}")
        return found


@contextmanager
def git(lab: Lab) -> Iterator[None]:
    """Push links, wrong names and wrong trees; read every page and the API; nothing may follow a link."""
    canary = Canary(lab.state.root.parent)
    clone = clone_folder(lab.state)
    env = {**lab.env, "GIT_TERMINAL_PROMPT": "0"}

    def run(*words: str, given: bytes = b"", check: bool = True, at: Path = clone) -> Done:
        return subprocess.run(["git", *words], cwd=at, env=env, input=given, capture_output=True, check=check)

    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        run("clone", "--quiet", str(clone), str(work))
        url = run("remote", "get-url", "origin").stdout.decode().strip()
        run("remote", "set-url", "origin", _with_token(url, lab.token), at=work)
        run("checkout", "--quiet", "-b", BRANCH, at=work)
        for name in LINKED:
            path = work / name
            if path.is_dir():
                path.rename(path.with_name("moved"))
            path.parent.mkdir(exist_ok=True)
            path.unlink(missing_ok=True)
            path.symlink_to(canary.file)
        identity = ("-c", "user.name=Hostile", "-c", "user.email=hostile@example.com")
        run("add", "--all", at=work)
        run(*identity, "commit", "--quiet", "-m", "<script>alert(1)</script> $(touch x)", at=work)
        options = ("-o", "merge_request.create", "-o", "merge_request.title=<img src=x onerror=alert(1)>")
        run("push", "--quiet", *options, "origin", f"HEAD:refs/heads/{BRANCH}", at=work, check=False)
        # Trees that no checkout may write.
        blob = run("hash-object", "-w", "--stdin", given=b"x", at=work).stdout.strip()
        for entry in (b"..", b".git", b"a/b", b".GIT"):
            tree = b"100644 " + entry + b"\0" + bytes.fromhex(blob.decode())
            made = run("hash-object", "-t", "tree", "-w", "--stdin", "--literally", given=tree, at=work).stdout.strip()
            commit = run(*identity, "commit-tree", "-m", "x", made.decode(), at=work).stdout.strip().decode()
            pushed = run("push", "origin", f"{commit}:refs/heads/tree", at=work, check=False)
            if pushed.returncode == 0:
                wrong.append(f"a tree with the name {entry.decode()} was accepted")
        for ref in ("refs/heads/../../escaped", "refs/heads/-x", "../escaped"):
            if run("push", "origin", f"HEAD:{ref}", at=work, check=False).returncode == 0 and ".." in ref:
                wrong.append(f"a push to {ref} was accepted")
        time.sleep(2)
        wrong += canary.check(_answers(lab, url))
        run("push", "--quiet", "origin", "--delete", BRANCH, "-x", at=work, check=False)
    yield
    assert not wrong, "; ".join(wrong)


def _answers(lab: Lab, url: str) -> Iterator[tuple[str, str]]:
    """What the console, the Git server and the objects say about the repository."""
    api = url.rpartition("/")[0] + "/api/v1/repos/user1/mlops-workshop"
    for address in (f"{api}/pulls", f"{api}/pulls/1", *(lab.endpoint("console") + path for path in PAGES)):
        answer = ask(address, token=lab.token)
        assert answer.status < 500, f"{address} answers {answer.status}: {answer.text}"
        yield address, answer.body.decode(errors="replace")
    for kind in ("pipelineruns", "events"):
        yield kind, json.dumps(lab.client().list(kind, NAMESPACE))


def _with_token(url: str, token: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://user1:{token}@{rest}"


@contextmanager
def dvc(lab: Lab) -> Iterator[None]:
    """Pull DVC files whose outputs lie outside of the project, as fetch-data does; nothing may be written there."""
    canary = Canary(lab.state.root.parent)
    wrong: list[str] = []
    tools = Path(sys.executable).parent
    with tempfile.TemporaryDirectory(dir=canary.folder.parent) as folder:
        for number, path in enumerate(DVC_PATHS):
            project = Path(folder) / str(number) / "sub" / "project"
            project.mkdir(parents=True)
            remote = Path(folder) / f"remote{number}"
            (remote / "files/md5/d4").mkdir(parents=True)
            (remote / "files/md5/d4" / MD5[2:]).touch()
            _quiet([tools / "python", "-m", "dvc", "init", "--no-scm", "-q"], project)
            _quiet([tools / "python", "-m", "dvc", "remote", "add", "-f", "-d", "r", str(remote)], project)
            (project / "link").symlink_to(canary.folder)
            (project / "data").mkdir()
            (project / "data" / "link").symlink_to(canary.folder)
            out = {"md5": MD5, "size": 0, "hash": "md5", "path": path}
            (project / "data" / "x.dvc").write_text(json.dumps({"outs": [out]}))
            # As the Task fetch-data does.
            command = f'python -c "{CHECK}" && dvc pull data/*.dvc'
            _quiet(["bash", "-c", f"PATH={shlex.quote(str(tools))}:$PATH; {command}"], project)
            inside = {p for p in Path(folder).rglob("escaped") if not p.is_symlink()}
            if any(project not in one.parents for one in inside) or Path("/escaped").exists():
                wrong.append(f"dvc pull wrote {path} outside of the project")
        wrong += canary.check(iter(()))
    yield
    assert not wrong, "; ".join(wrong)


def _quiet(command: list[Path | str], folder: Path) -> None:
    env = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    words = [str(word) for word in command]
    subprocess.run(words, cwd=folder, env=env, capture_output=True, check=False, timeout=120)


@contextmanager
def image(lab: Lab) -> Iterator[None]:
    """Start builds with archives whose names and links lead outside; each ends, and none reads or writes there."""
    canary = Canary(lab.state.root.parent)
    client = lab.client()
    wrong: list[str] = []
    for name, archive in archives(canary.file).items():
        config = f"hostile-{name}"
        client.apply(_build_config(config))
        # What `oc start-build --from-archive` sends.
        path = f"/apis/build.openshift.io/v1/namespaces/{NAMESPACE}/buildconfigs/{config}/instantiatebinary"
        authority = str(lab.state.tls / "ca.crt")
        answer = ask(lab.endpoint("api") + path, archive, token=client.config.token or "", authority=authority)
        if answer.status >= 300:
            wrong.append(f"{name}: {answer.status}: {answer.text}")
        else:
            wrong += _ended(lab, answer.json["metadata"]["name"], name)
        client.delete("buildconfigs", NAMESPACE, config)
    images = lab.state.root / "images"
    found = [path for path in images.rglob("stolen*") if path.is_file() and not path.is_symlink()]
    wrong += canary.check((str(path), path.read_text(errors="replace")) for path in found)
    yield
    assert not wrong, "; ".join(wrong)


def _ended(lab: Lab, build: str, name: str) -> list[str]:
    """Wait for a build; the problems of its log and its reason."""
    client = lab.client()
    ended = ("Complete", "Failed", "Error", "Cancelled")
    try:
        found = until(
            lambda: (one := client.get("build", NAMESPACE, build)) and status_of(one).get("phase") in ended and one,
            BUILD_SECONDS,
            f"{name}: the build ends",
            0.3,
        )
    except AssertionError as e:
        return [str(e)]
    log = client.logs(NAMESPACE, f"{build}-build", "docker-build")
    problems = [f"{name}: the log of the build has a traceback"] if "Traceback" in log else []
    status = status_of(found)
    if status.get("reason") == "GenericBuildFailed" or (name == PLAIN and status["phase"] != "Complete"):
        problems.append(f"{name}: {status['phase']}: {status.get('message')}: {log[-300:]}")
    return problems


def _build_config(name: str) -> dict[str, object]:
    return {
        "apiVersion": "build.openshift.io/v1",
        "kind": "BuildConfig",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"source": {"type": "Binary", "binary": {}}, "strategy": {"dockerStrategy": {}}},
    }


DOCKERFILE = b"FROM model-builder\nCOPY . /opt/app-root/src\nCOPY file /opt/app-root/src/file\nRUN true\n"


def archives(outside: Path) -> dict[str, bytes]:
    """Archives by name. `outside` is a file that no build may read."""

    def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
        made = tarfile.TarInfo(name)
        made.type, made.linkname = kind, to
        return made

    pipe = tarfile.TarInfo("pipe")
    pipe.type = tarfile.FIFOTYPE
    device = tarfile.TarInfo("device")
    device.type, device.devmajor, device.devminor = tarfile.CHRTYPE, 1, 3
    folder = str(outside.parent)
    return {
        PLAIN: _tar(),
        "parent": _tar(("../escaped", b"x"), ("../../../../escaped", b"x")),
        "absolute": _tar((f"{folder}/escaped", b"x")),
        "through-link": _tar(link("way", folder), ("way/escaped", b"x")),
        "file-link": _tar(link("stolen", str(outside)), link("file", str(outside))),
        "hard-link": _tar(link("stolen", str(outside), tarfile.LNKTYPE)),
        "folder-link": _tar(link("stolen", folder)),
        "pipe": _tar(pipe),
        "device": _tar(device),
        "loop": _tar(link("a", "b"), link("b", "a")),
        "dockerfile-link": _tar(link("Dockerfile", str(outside)), dockerfile=b""),
        "long": _tar(("a/" * 120 + "b" * 200, b"x")),
        "no-tar": b"no tar archive",
        "cut": _tar(("file", b"x" * 100_000))[:20_000],
    }


def _tar(*entries: tarfile.TarInfo | tuple[str, bytes], dockerfile: bytes = DOCKERFILE) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        first = [("Dockerfile", dockerfile), ("file", b"x")] if dockerfile else [("file", b"x")]
        named = {one.name for one in entries if isinstance(one, tarfile.TarInfo)}
        for one in (*(pair for pair in first if pair[0] not in named), *entries):
            if isinstance(one, tarfile.TarInfo):
                tar.addfile(one)
            else:
                info = tarfile.TarInfo(one[0])
                info.size = len(one[1])
                tar.addfile(info, io.BytesIO(one[1]))
    return out.getvalue()
