"""The page for people who only want to run Tekton YAML: its commands, its CI files, and what they install."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import pytest
import yaml

from workshop.guide.runner import compare
from workshop.lab.paths import KIT

FOLDER = KIT / "workshop" / "standalone"
PAGE = (FOLDER / "README.md").read_text()
SHELLCHECK = Path(sys.executable).with_name("shellcheck")


def fences(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def test_the_commands_of_the_page_print_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(fences("yaml")[0])
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    for block in fences("bash"):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, *expected = part.splitlines()
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
            )
            difference = compare(tuple(expected), done.stdout.splitlines())
            assert difference is None and done.returncode == 0, f"{command}\n{difference}\n{done.stdout}{done.stderr}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hello.yaml", "junit.xml", "state"]


def test_the_group_of_packages_is_enough(tmp_path: Path) -> None:
    (tmp_path / "hello.yaml").write_text(fences("yaml")[0])
    script = (
        "import sys\n"
        f"refused = {sorted(_others())!r}\n"
        "class Refuse:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in refused: raise ModuleNotFoundError(f'{name} is not in the group', name=name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        f"sys.path += {[one for one in sys.path if one.endswith('site-packages')]!r}\n"
        "from workshop.__main__ import main\n"
        "words = ['workshop', 'run', '--standalone', 'hello.yaml', '--report', 'junit.xml']\n"
        f"tests = ['workshop', 'component', 'test', {str(KIT / 'tekton/shared/record')!r}]\n"
        "for sys.argv in (words, [*words, '--dry-run'], ['workshop', 'lint', '-o', 'sarif', 'hello.yaml'], tests):\n"
        "    code = main()\n"
        "    assert code == 0, sys.argv\n"
    )
    # Without the .pth files, which would add the folders of this kit.
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": _path_in_ci()}
    done = subprocess.run(
        [sys.executable, "-S", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _path_in_ci() -> str:
    """PYTHONPATH of the CI files, with this kit in place of the clone."""
    found = re.search(r"PYTHONPATH=(\S+)", (FOLDER / "gitlab.yml").read_text())
    assert found
    in_action = found.group(1).replace("/tmp/workshop", "$kit")
    assert f'PYTHONPATH="{in_action}"' in (FOLDER / "action.yml").read_text()
    return found.group(1).replace("/tmp/workshop", str(KIT))


def _others() -> set[str]:
    """The modules of all distributions but those of the group and what these need."""
    project = tomllib.loads((KIT / "pyproject.toml").read_text())
    wanted, allowed = list(project["dependency-groups"]["standalone"]), {"openshift-mlops-workshop"}
    while wanted:
        requirement = wanted.pop()
        found = re.match(r"[\w.-]+", requirement)
        assert found
        name = _normal(found.group())
        if name not in allowed and "extra ==" not in requirement:
            allowed.add(name)
            with suppress(PackageNotFoundError):  # One for another platform.
                wanted += requires(name) or []
    modules = packages_distributions().items()
    return {module for module, names in modules if not allowed & set(map(_normal, names)) and module.isidentifier()}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_script_of_the_action_passes_shellcheck_and_reads_its_inputs() -> None:
    action = yaml.safe_load((FOLDER / "action.yml").read_text())
    (run,) = action["runs"]["steps"]
    inputs = {value.split(".")[1].rstrip(" }") for value in run["env"].values() if "inputs." in value}
    assert inputs == set(action["inputs"])
    script = f"#!/usr/bin/env bash\n{run['run']}"
    done = subprocess.run([SHELLCHECK, "-"], input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", ["action.yml", "gitlab.yml"])
def test_the_ci_files_run_options_that_exist(file: str) -> None:
    from workshop.cli import parser

    text = (FOLDER / file).read_text()
    assert "--only-group standalone" in text
    words = parser().parse_args(["run", "--standalone", "--report", "junit.xml", "a.yaml"])
    assert words.standalone and "run --standalone --report" in text
