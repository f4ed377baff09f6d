"""What a pipeline is made of: the stages of a DVC project, without any of DVC's own objects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """One stage that a task runs."""

    name: str
    """As DVC addresses it from the folder of the dvc.yaml: `train@a`, `../prepare/dvc.yaml:clean`, `raw.csv.dvc`."""
    after: tuple[str, ...] = ()
    """The names of the stages that must be done before it."""
    has_params: bool = False
    """Whether it reads params."""
    metrics: tuple[str, ...] = ()
    """Its metrics files, relative to the folder of the dvc.yaml."""
    plots: tuple[str, ...] = ()
    """Its plots, as above."""

    @property
    def results(self) -> tuple[str, ...]:
        """The results that say something: of params, metrics and plots."""
        has = {"params": self.has_params, "metrics": self.metrics, "plots": self.plots}
        return tuple(name for name, said in has.items() if said)


@dataclass(frozen=True)
class Project:
    """The stages that `dvc repro` of one dvc.yaml considers, in the order in which it does."""

    folder: str
    """The folder of the dvc.yaml in the Git repository, `.` for its root."""
    dvc_root: str
    """The folder of `.dvc`, relative to that folder."""
    stages: tuple[Stage, ...]
    tracked: tuple[str, ...]
    """Targets of `dvc pull` and `dvc push` for everything that these stages read and write."""
    in_git: tuple[str, ...]
    """Outputs that DVC does not cache, relative to that folder: Git keeps them."""
