"""Every image of the kit runs as any user id in group 0, as OpenShift runs it: without an entry in /etc/passwd."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kubectl import write_oc
from tests.tekton.scripts import CONTAINERFILES, KIT

NO_SUCH_USER = 1_234_567
NAMES = ("HOME", "LOGNAME", "USER")
"""What getpass, pwd's callers and programs with a cache read when there is no entry."""


def variables(containerfile: Path) -> dict[str, str]:
    """The variables that the last stage of a Containerfile sets."""
    text = re.split(r"^FROM ", containerfile.read_text(), flags=re.MULTILINE)[-1].replace("\\\n", " ")
    return dict(re.findall(r"(\w+)=(\S+)", " ".join(re.findall(r"^ENV (.*)$", text, re.MULTILINE))))


@pytest.mark.parametrize("file", CONTAINERFILES, ids=lambda file: file.relative_to(KIT).as_posix())
def test_an_image_gives_a_user_without_an_entry_a_name_and_a_home(file: Path) -> None:
    found = variables(file)
    assert set(NAMES) <= set(found), file
    assert found["USER"] == found["LOGNAME"]
    # /tmp is everybody's, and the builder opens its folder to group 0.
    assert found["HOME"] in ("/tmp", "/opt/app-root/src")


PROGRAMS = """
set -euo pipefail
test "$(id -u)" = 1234567
python -c 'import getpass; assert getpass.getuser()'
git config --global user.name Participant
git config --global user.email participant@example.com
git init -q work && cd work
git commit -q --allow-empty -m first
dvc init -q && echo 1 > data.csv && dvc add -q data.csv && git add -A && git commit -q -m data
dvc remote add -d there "$REMOTE" && dvc push
rm -rf data.csv .dvc/cache && dvc pull && cat data.csv
echo 'def test_it(): pass' > test_it.py && python -m pytest -q -p no:cacheprovider --rootdir . test_it.py
python -m delivery --help
pip --version
jupyter --paths
oc version --client
python -c 'from mlflow.tracking.context.default_context import DefaultRunContext as C; print(C().tags()["mlflow.user"])'
"""


AS_NOBODY = [
    "setpriv", f"--reuid={NO_SUCH_USER}", "--regid=0", "--clear-groups",
    # So that a Python below root's home can be read; it gives no name and no home.
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
]  # fmt: skip


@pytest.mark.timeout(240)
@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can run as any user")
def test_the_programs_of_tasks_and_terminals_run_as_a_user_that_is_not_there() -> None:
    toolbox = variables(KIT / "tekton/toolbox/Containerfile")
    folder = Path("/tmp") / f"any-user-{os.getpid()}"
    folder.mkdir(mode=0o700)
    try:
        os.chown(folder, NO_SUCH_USER, 0)
        (folder / "remote").mkdir()
        os.chown(folder / "remote", NO_SUCH_USER, 0)
        tools = folder / "bin"
        env = {
            "PATH": os.pathsep.join([str(tools), str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
            "LOGNAME": toolbox["LOGNAME"], "USER": toolbox["USER"], "DVC_NO_ANALYTICS": "true",
            "HOME": str(folder), "REMOTE": str(folder / "remote"), "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        write_oc(tools)
        words = [*AS_NOBODY, "bash", "-c", PROGRAMS]
        done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=180)
    finally:
        shutil.rmtree(folder)
    assert done.returncode == 0, done.stdout + done.stderr
