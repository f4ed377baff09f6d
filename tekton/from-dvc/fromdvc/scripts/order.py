"""Gives what DVC appended to its files the order of `dvc repro`; here it came in the order in which stages ended."""

import os
import subprocess
from collections import defaultdict
from pathlib import Path

from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro
from dvc.utils.serialize import modify_yaml, parse_yaml


def committed(file: str) -> str:
    """A file as the commit has it; empty when it has none."""
    shown = subprocess.run(["git", "show", f"HEAD:./{file}"], capture_output=True, text=True, check=False)
    return shown.stdout


os.chdir(Path("repository", os.environ["FOLDER"]))
names: dict[str, list[str]] = defaultdict(list)
ignored: dict[str, list[str]] = defaultdict(list)
with Repo() as repo:
    for stage in plan_repro(get_active_graph(repo.index.graph), list(repo.stage.collect("dvc.yaml"))):
        if getattr(stage, "name", None):
            names[os.path.relpath(Path(stage.path).with_name("dvc.lock"))].append(stage.name)
        for out in stage.outs:
            if out.protocol == "local":
                ignored[os.path.relpath(Path(out.fs_path).with_name(".gitignore"))].append(f"/{Path(out.fs_path).name}")
for file, planned in names.items():
    if Path(file).exists():
        before = list((parse_yaml(committed(file), file) or {}).get("stages", {}))
        with modify_yaml(file) as lock:
            stages = lock["stages"]
            lock["stages"] = {name: stages[name] for name in [*before, *planned, *stages] if name in stages}
for file, planned in ignored.items():
    if Path(file).exists():
        lines = Path(file).read_text().splitlines()
        order = dict.fromkeys([*committed(file).splitlines(), *planned, *lines])
        Path(file).write_text("".join(f"{line}\n" for line in order if line in lines))
