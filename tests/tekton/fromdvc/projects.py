"""Small DVC projects of many shapes. Each command writes the name of its stage to $TRACE, if there is one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

AUTHOR = {f"GIT_{role}_{key}": "t@example.com" for role in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}


@dataclass
class Shape:
    """The files of a project, and how to change it."""

    files: dict[str, str]
    change: dict[str, str] = field(default_factory=dict)
    """Files that a second commit writes."""
    data: tuple[str, ...] = ()
    """Files that DVC tracks, by a .dvc file next to each."""
    folder: str = "."
    """Of the dvc.yaml that is converted."""


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", *words], cwd=folder, env={**os.environ, **AUTHOR}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"git {' '.join(words)}: {done.stderr}"
    return done.stdout.strip()


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())


def make(folder: Path, files: Mapping[str, str | bytes], dvc_root: str = ".") -> Path:
    """A Git repository with a DVC project and these files, committed."""
    write(folder, files)
    write(folder / dvc_root / ".dvc", {"config": "", ".gitignore": "/config.local\n/tmp\n/cache\n"})
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "first")
    return folder


def stages(**stages: Any) -> str:
    """A dvc.yaml with these stages."""
    return yaml.safe_dump({"stages": stages}, sort_keys=False)


def stage(name: str, deps: list[str], outs: list[Any], *more: str, **fields: Any) -> dict[str, Any]:
    """A stage that puts its dependencies together into each output."""
    paths = [one if isinstance(one, str) else next(iter(one)) for one in outs]
    lines = [f'echo "{name}" >> $TRACE', *more]
    for path in paths:
        lines.append(f"(cat {' '.join(deps) or '/dev/null'}; echo {name} {path}) > {path}")
    found: dict[str, Any] = {"cmd": lines}
    if deps:
        found["deps"] = deps
    if outs:
        found["outs"] = outs
    return {**found, **fields}


NO_CACHE = {"cache": False}
SHAPES: dict[str, Shape] = {
    "chain": Shape(
        {
            "params.yaml": "split: 0.2\nseed: 1\ntrees: 3\n",
            "data.csv": "a,b\n1,2\n",
            "dvc.yaml": stages(
                prepare=stage("prepare", ["data.csv"], ["prepared.csv"], params=["split", "seed"]),
                featurize=stage("featurize", ["prepared.csv"], ["features.csv"], params=["seed"]),
                train=stage("train", ["features.csv"], ["model.bin"], params=["trees"]),
                evaluate=stage(
                    "evaluate", ["model.bin", "features.csv"], [],
                    "echo '{\"auc\": 0.75}' > metrics.json", "printf 'x,y\\n1,2\\n' > roc.csv",
                    metrics=[{"metrics.json": NO_CACHE}], plots=[{"roc.csv": {"x": "x", "y": "y"}}],
                ),
            ),
        },
        change={"params.yaml": "split: 0.2\nseed: 1\ntrees: 4\n"},
    ),
    "diamond": Shape(
        {
            "a.txt": "a\n",
            "dvc.yaml": stages(
                # Defined before what it needs.
                last=stage("last", ["left.txt", "right.txt"], ["last.txt"]),
                left=stage("left", ["first.txt"], ["left.txt"]),
                right=stage("right", ["first.txt"], ["right.txt"]),
                first=stage("first", ["a.txt"], ["first.txt"]),
            ),
        },
        change={"a.txt": "b\n"},
    ),
    "foreach-list": Shape(
        {
            "params.yaml": "parts: [a_b, C, d]\n",
            "raw.txt": "raw\n",
            "dvc.yaml": stages(
                clean={"foreach": "${parts}", "do": stage("clean ${item}", ["raw.txt"], ["clean-${item}.txt"])},
                join=stage("join", ["clean-a_b.txt", "clean-C.txt", "clean-d.txt"], ["all.txt"]),
            ),
        },
        change={"params.yaml": "parts: [a_b, C, d, e]\n"},
    ),
    "foreach-dict": Shape(
        {
            "conf/sizes.yaml": "sizes:\n  small: {n: 1}\n  large: {n: 9}\n",
            "dvc.yaml": yaml.safe_dump(
                {
                    "vars": ["conf/sizes.yaml", {"out": "made"}],
                    "stages": {
                        "make": {
                            "foreach": "${sizes}",
                            "do": stage("make ${key}", ["conf/sizes.yaml"], ["${out}-${key}.txt"], "echo ${item.n}"),
                        },
                        "sum": stage("sum", ["${out}-small.txt", "${out}-large.txt"], ["${out}.txt"]),
                    },
                },
                sort_keys=False,
            ),
        },
        change={"conf/sizes.yaml": "sizes:\n  small: {n: 2}\n  large: {n: 9}\n"},
    ),
    "matrix": Shape(
        {
            "params.yaml": "models: [tree, line]\nrate: {tree: 1, line: 2}\n",
            "x.txt": "x\n",
            "dvc.yaml": stages(
                fit={
                    "matrix": {"model": "${models}", "fold": [1]},
                    **stage(
                        "fit ${item.model} ${item.fold}", ["x.txt"], ["models/${item.model}-${item.fold}/m.bin"],
                        "mkdir -p models/${item.model}-${item.fold}", params=["rate.${item.model}"],
                    ),
                },
                best={
                    "cmd": "echo best >> $TRACE; cat models/*/m.bin > best.bin",
                    "deps": ["models/tree-1/m.bin", "models/line-1"],
                    "outs": ["best.bin"],
                },
            ),
        },
        change={"params.yaml": "models: [tree, line]\nrate: {tree: 1, line: 3}\n"},
    ),
    "folders": Shape(
        {
            "src/a.txt": "a\n",
            "src/b.txt": "b\n",
            "dvc.yaml": stages(
                split={
                    "cmd": "echo split >> $TRACE; mkdir -p parts; cp src/*.txt parts/",
                    "deps": ["src"],
                    "outs": ["parts"],
                },
                one=stage("one", ["../parts/a.txt"], ["one.txt"], wdir="work"),
                two=stage("two", ["../parts/b.txt"], ["two.txt"], wdir="work"),
                both={
                    "cmd": "echo both >> $TRACE; cat work/*.txt > both.txt",
                    "deps": ["work/one.txt", "work/two.txt"],
                    "outs": ["both.txt"],
                },
            ),
            "work/.gitkeep": "",
        },
        change={"src/b.txt": "c\n"},
    ),
    "always": Shape(
        {
            "in.txt": "1\n",
            "dvc.yaml": stages(
                clock=stage("clock", ["in.txt"], ["clock.txt"], always_changed=True),
                after=stage("after", ["clock.txt"], ["after.txt"]),
                # Without dependencies and outputs: DVC runs it each time, and keeps no entry of its own for the cache.
                ping={"cmd": "echo ping >> $TRACE"},
                constant=stage("constant", [], ["constant.txt"]),
            ),
        },
        change={"other.txt": "1\n"},
    ),
    "frozen": Shape(
        {
            "in.txt": "1\n",
            "dvc.yaml": stages(
                first=stage("first", ["in.txt"], ["first.txt"]),
                second=stage("second", ["first.txt"], ["second.txt"]),
                third=stage("third", ["second.txt"], ["third.txt"]),
            ),
        },
        change={
            "in.txt": "2\n",
            "dvc.yaml": stages(
                first=stage("first", ["in.txt"], ["first.txt"]),
                second=stage("second", ["first.txt"], ["second.txt"], frozen=True),
                third=stage("third", ["second.txt"], ["third.txt"]),
            ),
        },
    ),
    "two-files": Shape(
        {
            "raw.txt": "raw\n",
            "prepare/dvc.yaml": stages(clean=stage("clean", ["../raw.txt"], ["clean.txt"])),
            "model/dvc.yaml": stages(
                fit=stage("fit", ["../prepare/clean.txt"], ["model.bin"]),
                test=stage("test", ["model.bin"], [{"report.txt": NO_CACHE}]),
            ),
            "unrelated/dvc.yaml": stages(other=stage("other", ["../raw.txt"], ["other.txt"])),
        },
        change={"raw.txt": "new\n"},
        folder="model",
    ),
    "kept": Shape(
        {
            "in.txt": "1\n",
            "dvc.yaml": stages(
                add=stage("add", ["in.txt"], [{"log.txt": {"persist": True}}]),
                card=stage("card", ["log.txt"], [{"card.md": NO_CACHE}]),
                big=stage("big", ["in.txt"], [{"local.bin": {"push": False}}]),
            ),
        },
        change={"in.txt": "2\n"},
    ),
    "commands": Shape(
        {
            "in.txt": "1\n",
            "dvc.yaml": (
                "stages:\n"
                "  lines:\n"
                "    cmd: |\n"
                "      echo lines >> $TRACE\n"
                "      cat in.txt > lines.txt\n"
                "      echo 'it''s \"quoted\" $HOME' >> lines.txt\n"
                "    deps: [in.txt]\n"
                "    outs: [lines.txt]\n"
                "  folded:\n"
                "    cmd: >-\n"
                "      echo folded >> $TRACE;\n"
                "      cat lines.txt\n"
                "      > 'with space.txt'\n"
                "    deps: [lines.txt]\n"
                "    outs: ['with space.txt']\n"
            ),
        },
        change={"in.txt": "2\n"},
    ),
    "data": Shape(
        {
            "big.csv": "1\n2\n",
            "conf.json": '{"depth": {"max": 3}}',
            "dvc.yaml": stages(
                load=stage("load", ["big.csv"], ["loaded.txt"], params=[{"conf.json": ["depth.max"]}]),
                show={
                    "cmd": ["echo show >> $TRACE; mkdir -p made", "cp loaded.txt made/shown.txt; echo {} > made.json"],
                    "deps": ["loaded.txt"],
                    "outs": ["made/shown.txt", {"made.json": NO_CACHE}],
                },
            )
            + "metrics: [made.json]\n",
        },
        change={"conf.json": '{"depth": {"max": 4}}'},
        data=("big.csv",),
    ),
}  # fmt: skip
"""A dozen shapes as in public projects: chains with params, metrics and plots; foreach; matrix; folders; frozen."""
