"""A `python3` and a `dvc` that have imported DVC already: a server that forks for each call.

Importing DVC takes a second, and the tests start it several hundred times. The server is a process of its own; each
call runs in a fork of it, with the caller's files, folder and environment, and ends with the exit code of the program.
"""

from __future__ import annotations

import gc
import importlib
import os
import runpy
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODULES = (
    "dvc.analytics", "dvc.cachemgr", "dvc.cli.parser", "dvc.data_cloud", "dvc.dvcfile", "dvc.lock", "dvc.scm",
    "dvc.repo.artifacts", "dvc.repo.brancher", "dvc.repo.datasets", "dvc.repo.index", "dvc.repo.metrics.show",
    "dvc.repo.params", "dvc.repo.plots", "dvc.repo.push", "dvc.repo.reproduce", "dvc.repo.stage", "dvc.repo.worktree",
    "dvc.rwlock", "dvc.stage.cache", "dvc.stage.loader", "dvc.utils.strictyaml", "dvc_data.hashfile.db.index",
    "dvc_data.hashfile.db.local", "dvc_data.hashfile.status", "dvc_data.index.checkout", "dvc_data.index.collect",
    "dvc_data.index.fetch", "dvc_data.index.push", "networkx", "psutil", "ruamel.yaml", "scmrepo.git",
)  # fmt: skip
"""What a `dvc repro`, `dvc pull` or `dvc push` imports."""

CLIENT = """\
#!/bin/sh
# The first lines are of the shell, because a path in #! can have no space.
''':'
exec "{python}" -IS "$0" "$@"
'''
import _socket, os, sys
words = sys.argv[1:]
if os.path.basename(sys.argv[0]) == "dvc":
    words = ["-m", "dvc", *words]
server = _socket.socket(_socket.AF_UNIX)
server.connect({path!r})
variables = [name + "=" + value for name, value in os.environ.items()]
call = os.fsencode("\\0".join([str(len(words)), *words, os.getcwd(), *variables]))
files = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2))
server.sendmsg([len(call).to_bytes(8, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, files)])
server.sendall(call)
code = server.recv(1)
sys.exit(code[0] if code else 255)
"""
"""Few imports, because it starts so often."""


@contextmanager
def forking(folder: Path) -> Iterator[Path]:
    """A folder with the programs `python3`, `python` and `dvc`, while the server runs."""
    path = folder / "s"
    programs = folder / "programs"
    programs.mkdir()
    for name in ("python3", "python", "dvc"):
        program = programs / name
        program.write_text(CLIENT.format(python=sys.executable, path=str(path)))
        program.chmod(0o755)
    server = subprocess.Popen(
        [sys.executable, __file__, str(path)], cwd=folder, env={**os.environ, "DVC_NO_ANALYTICS": "1"}
    )
    try:
        while not path.exists():
            assert server.poll() is None, "the server of the programs has ended"
            time.sleep(0.02)
        yield programs
    finally:
        server.terminate()
        server.wait()


def serve(path: str) -> None:
    """Fork for each call."""
    for module in MODULES:
        importlib.import_module(module)
    from dvc.cli.parser import get_main_parser

    get_main_parser()  # DVC keeps it.
    gc.freeze()
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(path + ".new")
    listening.listen(128)
    Path(path + ".new").rename(path)
    while True:
        call, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _run(call)
        call.close()
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass


def _run(call: socket.socket) -> None:
    size, files, _, _ = socket.recv_fds(call, 8, 3)
    data = b""
    while len(data) < int.from_bytes(size, "big"):
        data += call.recv(1 << 16)
    count, *texts = os.fsdecode(data).split("\0")
    words, folder, variables = texts[: int(count)], texts[int(count)], texts[int(count) + 1 :]
    for number, file in enumerate(files):
        os.dup2(file, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update({name: value for name, _, value in (one.partition("=") for one in variables)})
    code = 1
    try:
        code = _python(words)
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else int(e.code is not None)
    except BaseException as e:
        import traceback

        traceback.print_exception(e)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        call.sendall(bytes([code & 255]))
        os._exit(code & 255)


def _python(words: list[str]) -> int:
    if words[:2] == ["-m", "dvc"]:
        from dvc.cli import main

        sys.argv = ["dvc", *words[2:]]
        return int(main(words[2:]))
    if words[0] == "-m":
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        return 0
    if words == ["-"]:
        sys.argv = ["-"]
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), {"__name__": "__main__"})
        return 0
    sys.argv = words
    runpy.run_path(words[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])
