"""Reads a DVC project by DVC's own index and graph: templates, foreach and matrix are resolved as `dvc repro` does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import chdir
from pathlib import Path, PurePosixPath
from typing import Any

import networkx
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.repo.reproduce import get_active_graph, plan_repro

from fromdvc.errors import FromDvcError, WrongUsage
from fromdvc.explain import explained
from fromdvc.lines import Lines, located
from fromdvc.project import Project, Stage

FILE = "dvc.yaml"


def read_project(dvcfile: Path) -> Project:
    """The stages that `dvc repro` in the folder of a dvc.yaml considers. Raises FromDvcError."""
    if dvcfile.name != FILE or not dvcfile.is_file():
        raise WrongUsage(f"{dvcfile} is no dvc.yaml", hint="name the file of the stages: model/dvc.yaml")
    folder = dvcfile.resolve().parent
    lines = Lines(dvcfile, str(dvcfile))
    git = _Git(folder, dvcfile)
    repo = None
    try:
        repo = Repo(str(folder))
        return _Reader(repo, folder, git, lines).project()
    except DvcException as e:
        raise explained(e, lines, list(repo.index.stages) if repo and "index" in vars(repo) else []) from e
    finally:
        if repo:
            repo.close()


class _Git:
    """What a clone of the repository will have: the files that Git tracks."""

    def __init__(self, folder: Path, dvcfile: Path) -> None:
        found = self._git(folder, "rev-parse", "--show-toplevel")
        if found is None:
            raise FromDvcError(
                f"{dvcfile}:1: {folder} is in no Git repository, and a pipeline clones one",
                hint="git init, then commit dvc.yaml and what the stages read",
            )
        self.root = Path(found.strip())
        listed = self._git(self.root, "ls-files", "-z") or ""
        self.files = set(filter(None, listed.split("\0")))
        self.folders = {parent for file in self.files for parent in _parents(file)}

    @staticmethod
    def _git(folder: Path, *words: str) -> str | None:
        done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=False)
        return done.stdout if done.returncode == 0 else None

    def has(self, path: str) -> bool:
        inside = os.path.relpath(path, self.root)
        return inside == "." or inside in self.files or inside in self.folders


def _parents(file: str) -> Iterator[str]:
    return (str(parent) for parent in PurePosixPath(file).parents if parent.name)


class _Reader:
    def __init__(self, repo: Repo, folder: Path, git: _Git, lines: Lines) -> None:
        self.repo, self.folder, self.git, self.lines = repo, folder, git, lines
        self.index = repo.index
        self.graph = self.index.graph

    def project(self) -> Project:
        own = [one for one in self.index.stages if self._file(one) == FILE]
        if not own:
            raise located([self.lines.at("stages")], "it has no stages", hint="dvc stage add makes one")
        plan = self._plan(own)
        tasks = [stage for stage in plan if _runs(stage)]
        for stage in tasks:
            self._check(stage)
        after = self._order(plan)
        made = {id(out): out for stage in tasks for out in stage.outs}
        # DVC takes the paths of the top level as relative to the working folder.
        with chdir(self.repo.root_dir):
            metrics, plots = self._kept("metric_keys", made), self._kept("plot_keys", made)
        stages = tuple(
            Stage(
                name=self._name(stage),
                after=tuple(sorted(self._name(one) for one in after[stage] if _runs(one))),
                has_params=bool(stage.params),
                metrics=tuple(path for out in stage.outs for path in metrics.get(id(out), ())),
                plots=tuple(path for out in stage.outs for path in plots.get(id(out), ())),
            )
            for stage in tasks
        )
        in_git = sorted({self._path(out.fs_path) for stage in tasks for out in stage.outs if _in_git(out)})
        return Project(
            folder=os.path.relpath(self.folder, self.git.root),
            dvc_root=self._path(self.repo.root_dir),
            stages=stages,
            tracked=tuple(self._targets(own)),
            in_git=tuple(in_git),
        )

    def _plan(self, own: Sequence[Any]) -> list[Any]:
        """The stages in the order of `dvc repro`, as `dvc.repo.reproduce.reproduce` makes it."""
        active = get_active_graph(self.graph)
        reached = _reached(active, own)
        ordered = networkx.DiGraph()
        # In the order of the index: a view of DVC's graph may have the order of a set.
        ordered.add_nodes_from(stage for stage in self.index.stages if stage in reached)
        ordered.add_edges_from(edge for edge in active.edges if edge[0] in reached)
        return list(plan_repro(ordered))

    def _order(self, plan: Sequence[Any]) -> dict[Any, set[Any]]:
        """What must be done before each stage.

        A frozen stage does not wait for what it depends on; DVC takes the edge away. But DVC runs one stage after the
        other, so a frozen stage reads what it finds at its turn. Here the two keep the order of `dvc repro`.
        """
        position = {stage: number for number, stage in enumerate(plan)}
        after: dict[Any, set[Any]] = {stage: set() for stage in plan}
        for stage in plan:
            for needed in self.graph.successors(stage):
                if needed not in position:
                    continue
                if stage.frozen and position[stage] < position[needed]:
                    after[needed].add(stage)
                else:
                    after[stage].add(needed)
        return after

    def _check(self, stage: Any) -> None:
        """Raise FromDvcError for what a clone cannot have."""
        where = self.lines.of_file(stage.path)
        for out in stage.outs:
            if out.protocol == "local" and not out.is_in_repo:
                raise located(
                    [where.of_stage(_local_name(stage), out.def_path)],
                    f"the output {out.def_path} of {self._name(stage)} is outside of the repository, which is all that "
                    "the tasks share",
                    hint="an output is a path within the repository",
                )
        if not self.git.has(stage.wdir) and not self._is_made_by_another(stage):
            wdir = os.path.relpath(stage.wdir, Path(stage.path).parent)
            raise located(
                [where.of_stage(_local_name(stage), wdir)],
                f"{self._name(stage)} runs in {wdir}, a folder that no stage makes and Git does not have",
                hint=f"commit a file in {wdir}, or make the folder in a stage before",
            )
        for dep in [] if stage.frozen else stage.deps:
            if dep.protocol != "local" or not dep.fs_path or self._is_made(dep.fs_path) or self.git.has(dep.fs_path):
                continue
            place = [where.of_stage(_local_name(stage), dep.def_path)]
            what = f"{self._name(stage)} depends on {dep.def_path}, which no stage makes and neither DVC nor Git tracks"
            raise located(
                place, what, hint=f"git add or dvc add {dep.def_path}, or add it to the outs of the stage that makes it"
            )

    def _is_made(self, path: str) -> bool:
        """Whether a path is an output, lies in one, or has one in it: the rule of `dvc.repo.graph.build_graph`."""
        key = self.repo.fs.parts(path)
        trie = self.index.outs_trie
        return bool(trie.has_subtrie(key) or trie.shortest_prefix(key))

    def _is_made_by_another(self, stage: Any) -> bool:
        """Whether the working folder of a stage is, lies in, or has in it an output of another stage."""
        key, trie = self.repo.fs.parts(stage.wdir), self.index.outs_trie
        around = trie.shortest_prefix(key)
        outs = [*([around.value] if around else []), *(trie.values(prefix=key) if trie.has_subtrie(key) else [])]
        return any(out.stage is not stage for out in outs)

    def _kept(self, keys: str, made: dict[int, Any]) -> dict[int, list[str]]:
        """The metrics or plots by the output that has them: outputs of that type, and files of the top level."""
        found: dict[int, list[str]] = {}
        for key in sorted(getattr(self.index, keys).get("repo", ())):
            path = str(Path(self.repo.root_dir, *key))
            out = self.index.outs_trie.shortest_prefix(self.repo.fs.parts(path)).get(None)
            if out is not None and id(out) in made:
                found.setdefault(id(out), []).append(self._path(path))
        return found

    def _targets(self, own: Sequence[Any]) -> list[str]:
        """A target for each file that the stages need, the dvc.yaml itself as one."""
        reached = _reached(self.graph, own) - set(own)
        return [FILE, *sorted(self._name(stage) for stage in reached)]

    def _file(self, stage: Any) -> str:
        return self._path(stage.path)

    def _name(self, stage: Any) -> str:
        """How `dvc repro` in the folder names a stage."""
        file, name = self._file(stage), _local_name(stage)
        if not name:
            return file
        return name if file == FILE else f"{file}:{name}"

    def _path(self, path: str) -> str:
        return os.path.relpath(path, self.folder)


def _reached(graph: networkx.DiGraph, stages: Sequence[Any]) -> set[Any]:
    """The stages and all that they need. One walk for all: one for each stage grows with the square."""
    return {stage for layer in networkx.bfs_layers(graph, stages) for stage in layer}


def _runs(stage: Any) -> bool:
    """Whether `dvc repro` may do something: data and frozen imports are as `dvc pull` brings them."""
    return bool(stage.cmd or (stage.is_import and not stage.frozen))


def _in_git(out: Any) -> bool:
    return out.protocol == "local" and not out.use_cache and bool(out.is_in_repo)


def _local_name(stage: Any) -> str:
    """The name in its own dvc.yaml; empty for a .dvc file."""
    return getattr(stage, "name", None) or ""
