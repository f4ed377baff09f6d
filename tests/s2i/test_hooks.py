"""The scripts start the server without the hooks of the machine's Python."""

from __future__ import annotations

import subprocess
import sysconfig
import venv
from pathlib import Path

import psutil
import pytest

from .conftest import MODELS, ROOT, Server


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "hooks.log"


@pytest.fixture
def python(tmp_path: Path, log: Path) -> Path:
    """A Python environment with a hook that writes to `log`."""
    venv.create(tmp_path / "venv", symlinks=True)
    program = tmp_path / "venv" / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(tmp_path / "venv")}))
    (packages / "hook.pth").write_text(f"import os; open({str(log)!r}, 'a').write(f'{{os.getpid()}} ')\n")
    subprocess.run([program, "-s", "-c", ""], check=True)
    assert log.exists(), "this Python runs no hooks"
    log.unlink()
    return program


def test_neither_the_server_nor_its_workers_run_hooks_of_the_machines_python(
    tmp_path: Path, python: Path, log: Path
) -> None:
    builder, app = tmp_path / "builder", tmp_path / "app"
    builder.mkdir()
    (builder / "modelserver").symlink_to(ROOT / "s2i" / "server")
    (builder / "numpy").symlink_to(sysconfig.get_path("platlib"))
    app.mkdir()
    (app / "src").symlink_to(MODELS)
    env = {
        "APP_ROOT": str(app),
        "BUILDER_ROOT": str(builder),
        "PYTHON": str(python),
        "MODEL_NAME": "Plain",
        "MODEL_SERVER_WORKERS": "2",
    }
    server = Server("Plain", env, command=["bash", ROOT / "s2i" / "bin" / "run"])
    try:
        server.wait_for("ready")
        parent = psutil.Process(server.process.pid)
        commands = [process.cmdline() for process in (parent, *parent.children())]
        assert [command[0] for command in commands] == [str(python)] * 3
    finally:
        server.stop()
    assert not log.exists()
