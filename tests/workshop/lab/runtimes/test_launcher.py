"""The launcher: children start quickly, see their own file tree, and never outlive the lab."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from workshop.lab.runtimes.base import Mount
from workshop.lab.runtimes.process.launcher import CHILD, Launcher, LaunchFailed, Process, Spec

ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin"}


def _with(run: Path, scenario: Callable[[Launcher], Awaitable[None]]) -> None:
    async def main() -> None:
        launcher = Launcher(run)
        await launcher.open()
        try:
            async with asyncio.timeout(20):
                await scenario(launcher)
        finally:
            await launcher.close()

    asyncio.run(main())


def _alive(pid: int) -> bool:
    try:
        with Path(f"/proc/{pid}/stat").open() as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _gone(*pids: int, seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while any(map(_alive, pids)):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


async def _read(path: Path, lines: int = 1) -> list[str]:
    async with asyncio.timeout(10):
        while not path.exists() or path.read_text().count("\n") < lines:
            await asyncio.sleep(0.005)
    return path.read_text().splitlines()


def test_exit_code_and_output_come_back_and_nothing_is_inherited(tmp_path: Path) -> None:
    log = tmp_path / "log"

    async def scenario(launcher: Launcher) -> None:
        spec = Spec(argv=["sh", "-c", "env | sort; cat; exit 7"], env={**ENV, "A": "b"}, log=log, cwd=str(tmp_path))
        assert await (await launcher.start(spec)).wait() == 7

    _with(tmp_path, scenario)
    lines = {line.partition("=")[0] for line in log.read_text().splitlines()}
    assert {"A", "PATH"} <= lines <= {"A", "PATH", "PWD", "SHLVL", "_", "OLDPWD"}


def test_standard_error_goes_to_its_own_log_when_asked(tmp_path: Path) -> None:
    async def scenario(launcher: Launcher) -> None:
        spec = Spec(argv=["sh", "-c", "echo out; echo err >&2"], env=ENV, log=tmp_path / "o", error_log=tmp_path / "e")
        await (await launcher.start(spec)).wait()

    _with(tmp_path, scenario)
    assert ((tmp_path / "o").read_text(), (tmp_path / "e").read_text()) == ("out\n", "err\n")


@pytest.mark.parametrize(
    ("argv", "cwd", "text"),
    [
        (
            ["no-such-program"],
            "/",
            'exec: "no-such-program": no such program in PATH=/usr/local/bin:/usr/bin:/bin',
        ),
        (["sh"], "/no/such", "working directory /no/such: No such file or directory"),
    ],
)
def test_a_program_that_cannot_start_has_an_error_with_the_reason(
    tmp_path: Path, argv: list[str], cwd: str, text: str
) -> None:
    async def scenario(launcher: Launcher) -> None:
        with pytest.raises(LaunchFailed) as caught:
            await launcher.start(Spec(argv=argv, env=ENV, log=tmp_path / "log", cwd=cwd))
        assert caught.value.message == text

    _with(tmp_path, scenario)


def test_stop_asks_first_and_kills_after_the_grace(tmp_path: Path) -> None:
    async def scenario(launcher: Launcher) -> None:
        log = tmp_path / "log"
        polite = "trap 'exit 3' TERM; echo up; while :; do sleep 0.01; done"
        process = await launcher.start(Spec(argv=["bash", "-c", polite], env=ENV, log=log))
        await _read(log)
        assert await process.stop(5) == 3
        # Another log: bash notes its killed sleep in the first.
        log = tmp_path / "deaf"
        deaf = await launcher.start(Spec(argv=["bash", "-c", "trap '' TERM; echo up; sleep 60"], env=ENV, log=log))
        await _read(log)
        assert await deaf.stop(0.05) == 137

    _with(tmp_path, scenario)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a subreaper")
def test_nothing_that_a_child_started_outlives_it(tmp_path: Path) -> None:
    log = tmp_path / "log"

    async def scenario(launcher: Launcher) -> None:
        script = "sleep 60 & echo $!; setsid -f sh -c 'echo $$; exec sleep 60'; sleep 0.2"
        process = await launcher.start(Spec(argv=["bash", "-c", script], env=ENV, log=log))
        await process.wait()
        pids = [int(line) for line in await _read(log, 2)]
        assert await asyncio.to_thread(_gone, *pids)

    _with(tmp_path, scenario)


def _supervisor(run: Path, log: Path) -> subprocess.Popen[bytes]:
    code = textwrap.dedent(
        f"""
        import asyncio
        from pathlib import Path
        from workshop.lab.runtimes.process.launcher import CHILD, Launcher, Spec
        async def main():
            launcher = Launcher(Path({str(run)!r}))
            await launcher.open()
            script = ("sleep 60 & setsid -f sleep 60.25; pgrep -s 0 sleep; "
                      "until pgrep -nf '^sleep 60.25$'; do :; done; echo $$; echo {{}}; sleep 60")
            await launcher.start(Spec(argv=["bash", "-c", script.format(launcher.pid)], env={ENV!r},
                                      log=Path({str(log)!r})))
            await asyncio.sleep(60)
        asyncio.run(main())
        """
    )
    return subprocess.Popen([sys.executable, "-c", code])


@pytest.mark.skipif(sys.platform != "linux", reason="needs a subreaper")
def test_supervisor_killed_leaves_nothing_running(tmp_path: Path) -> None:
    supervisor = _supervisor(tmp_path, tmp_path / "log")
    pids = [int(line) for line in asyncio.run(_read(tmp_path / "log", 4))]
    assert all(map(_alive, pids))
    supervisor.kill()
    supervisor.wait()
    assert _gone(*pids)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a death signal")
def test_launcher_killed_takes_its_children_along_and_is_replaced(tmp_path: Path) -> None:
    async def scenario(launcher: Launcher) -> None:
        process = await launcher.start(Spec(argv=["sleep", "60"], env=ENV, log=tmp_path / "log"))
        assert launcher.pid
        os.kill(launcher.pid, signal.SIGKILL)
        assert await process.wait() == 137
        assert await asyncio.to_thread(_gone, process.pid)
        again = await launcher.start(Spec(argv=["true"], env=ENV, log=tmp_path / "log"))
        assert await again.wait() == 0

    _with(tmp_path, scenario)


def test_start_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    async def scenario(launcher: Launcher) -> None:
        spec = Spec(argv=["bash", "-c", "echo $$; exec sleep 60"], env=ENV, log=tmp_path / "log")
        task = asyncio.create_task(launcher.start(spec))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # It may have been killed before it wrote its number.
        await asyncio.sleep(0.1)
        text = (tmp_path / "log").read_text() if (tmp_path / "log").exists() else ""
        assert all(_gone(int(line)) for line in text.split())

    _with(tmp_path, scenario)


def test_mounts_are_seen_by_the_process_alone(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "file").write_text("there\n")
    log = tmp_path / "log"

    async def scenario(launcher: Launcher) -> None:
        if not launcher.namespaces:
            pytest.skip("the kernel allows no mount namespace here")
        script = "cat /workspace/ws/file; [[ -e /tekton/x/y ]] && cd /usr && : > /workspace/ws/new; : > /only-here"
        mounts = [Mount(source, "/workspace/ws"), Mount(source / "file", "/tekton/x/y", read_only=True)]
        process = await launcher.start(Spec(argv=["/bin/sh", "-c", script], env=ENV, log=log, mounts=mounts))
        assert await process.wait() == 0, log.read_text()
        process = await launcher.start(
            Spec(
                argv=["sh", "-c", ": > /workspace/ws/new"],
                env=ENV,
                log=log,
                mounts=[Mount(source, "/workspace/ws", read_only=True)],
            )
        )
        assert await process.wait() != 0

    _with(tmp_path, scenario)
    assert log.read_text().startswith("there\n")
    assert "Read-only file system" in log.read_text()
    assert (source / "new").exists()
    assert not any(Path(path).exists() for path in ("/only-here", "/tekton"))


@pytest.mark.root
def test_mounts_below_the_hosts_folders_leave_nothing_on_the_host(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "file").write_text("there\n")

    async def scenario(launcher: Launcher) -> None:
        if not launcher.namespaces:
            pytest.skip("the kernel allows no mount namespace here")
        script = (
            "cat /etc/lab-test/deep/file /var/run/lab-test /usr/lab-test; grep -c . /etc/passwd; ls -d /usr/bin/env"
        )
        mounts = [
            Mount(tmp_path / "file", target)
            for target in ("/etc/lab-test/deep/file", "/var/run/lab-test", "/usr/lab-test")
        ]
        spec = Spec(argv=["sh", "-c", script], env=ENV, log=log, mounts=mounts, cwd="/etc/lab-test/cwd")
        process = await launcher.start(spec)
        assert await process.wait() == 0, log.read_text()

    _with(tmp_path, scenario)
    users = len([line for line in Path("/etc/passwd").read_text().splitlines() if line])
    assert log.read_text() == f"there\nthere\nthere\n{users}\n/usr/bin/env\n"
    assert not any(Path(path).exists() for path in ("/etc/lab-test", "/var/run/lab-test", "/usr/lab-test"))


def test_namespaces_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSHOP_NAMESPACES", "off")

    async def scenario(launcher: Launcher) -> None:
        assert launcher.namespaces is False

    _with(tmp_path, scenario)


@pytest.mark.root
@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="drops root to see what others can")
def test_private_tree_works_without_root(tmp_path: Path) -> None:
    """The launcher's process alone, as another user: the kit's folder may be closed to them."""
    script = shutil.copy(CHILD, tmp_path / "launcher_process.py")
    python = shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin")
    base = tmp_path / "base"
    base.mkdir()
    os.chown(base, 65534, 65534)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder.is_relative_to(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o011)
    ours, theirs = socket.socketpair()
    with ours, theirs, (tmp_path / "log").open("wb") as log:
        log_path = base / "log"
        process = subprocess.Popen(
            [python or sys.executable, "-I", "-S", script, str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            user=65534,
            group=65534,
            extra_groups=[],
            stderr=log,
            cwd="/",
        )
        theirs.close()
        root = base / "root"
        root.mkdir()
        request = {
            "op": "start",
            "id": 1,
            "argv": ["/bin/sh", "-c", "echo $(id -u) /x/*"],
            "env": ENV,
            "cwd": "/",
            "log": str(log_path),
            "mounts": [[str(base), "/x", True]],
            "base": str(root),
            "shell": None,
        }
        body = json.dumps(request).encode()
        ours.sendall(len(body).to_bytes(4, "big") + body)
        answers = b""
        ours.settimeout(10)
        while b"exited" not in answers and b"failed" not in answers:
            answers += ours.recv(4096)
        ours.close()
        assert process.wait(10) == 0, (tmp_path / "log").read_text()
    if b"unshare" in answers:
        pytest.skip("the kernel allows no user namespace here")
    assert b'"code": 0' in answers, answers
    assert log_path.read_text() == "65534 /x/log /x/root\n"


def test_a_hundred_starts_are_quick(tmp_path: Path) -> None:
    async def scenario(launcher: Launcher) -> None:
        mounts = [Mount(tmp_path, "/workspace")] if launcher.namespaces else None
        begin = time.monotonic()
        for _ in range(100):
            process: Process = await launcher.start(Spec(argv=["true"], env=ENV, log=tmp_path / "log", mounts=mounts))
            assert await process.wait() == 0
        assert time.monotonic() - begin < 10

    _with(tmp_path, scenario)
