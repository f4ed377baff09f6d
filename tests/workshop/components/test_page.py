"""The page *Make a component*: its commands print what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from workshop.guide.runner import compare
from workshop.lab.paths import KIT

PAGE = (KIT / "workshop/components/README.md").read_text()


@pytest.mark.xdist_group("components")
def test_the_commands_of_the_page_print_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "columns.patch").write_text(re.findall(r"^```diff\n(.*?)^```", PAGE, re.M | re.S)[0])
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    for block in re.findall(r"^```bash\n(.*?)^```", PAGE, re.M | re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, *expected = part.splitlines()
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
            )
            difference = compare(tuple(expected), done.stdout.splitlines())
            assert difference is None and done.returncode == 0, f"{command}\n{difference}\n{done.stdout}{done.stderr}"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["columns.patch", "count-rows"]
