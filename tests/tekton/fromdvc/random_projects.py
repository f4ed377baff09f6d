"""Projects with a random graph, and what must be done before each stage."""

from __future__ import annotations

import random
from typing import Any

from tests.tekton.fromdvc.projects import NO_CACHE, Shape, stage, stages


def random_project(rng: random.Random, most: int = 6) -> tuple[Shape, dict[str, set[str]]]:
    """Up to `most` stages, defined in any order, and for each the stages whose outputs it reads."""
    names = [f"s{number}" for number in range(rng.randint(2, most))]
    made: dict[str, dict[str, Any]] = {}
    needs: dict[str, set[str]] = {}
    outs: dict[str, tuple[str, str]] = {}
    for name in names:
        kind = rng.choice(["file", "file", "folder", "in-git", "always", "wdir"])
        before = rng.sample(sorted(outs), rng.randint(0, min(3, len(outs))))
        deps = [outs[one][0] if rng.random() < 0.5 else outs[one][1] for one in before]
        files = [outs[one][1] for one in before]
        if not before or rng.random() < 0.3:
            deps, files = [*deps, "raw.txt"], [*files, "raw.txt"]
        needs[name] = set(before)
        out = f"{name}.txt"
        outs[name] = (out, out)
        if kind == "folder":
            outs[name] = (name, f"{name}/part.txt")
            write = [f"mkdir -p {name}", f"(cat {' '.join(files)}; echo {name}) > {name}/part.txt"]
            made[name] = {"cmd": [f"echo {name} >> $TRACE", *write], "deps": deps, "outs": [name]}
        elif kind == "wdir":
            outs[name] = (f"w/{out}", f"w/{out}")
            made[name] = stage(name, [f"../{file}" for file in files], [out], wdir="w")
        else:
            made[name] = stage(name, files, [{out: NO_CACHE} if kind == "in-git" else out])
            made[name]["deps"] = deps
            made[name] |= {"always_changed": True} if kind == "always" else {}
    order = rng.sample(names, len(names))
    project = {"raw.txt": "raw\n", "w/.gitkeep": "", "dvc.yaml": stages(**{name: made[name] for name in order})}
    return Shape(project, change={"raw.txt": "new\n"}), needs
