"""The S2I builder image for runs without a lab, made where a Task of the files builds with it."""

from __future__ import annotations

from pathlib import Path

from workshop import output
from workshop.lab import process_environment
from workshop.lab.images.builder import BUILDER_REF, ensure_builder
from workshop.lab.images.store import ImageStore
from workshop.lab.kinds import built_in
from workshop.lab.paths import KIT
from workshop.lab.runtimes.process.runtime import ProcessRuntime
from workshop.standalone.engine import Engine


def make_builder(here: Engine) -> None:
    """Make the builder, unless the folder has it from an earlier run. Seconds; nothing where no Task names it.

    In podman, images are those of the machine; an installation without the folder s2i/ makes none. Raises SetupError
    when the packages of the builder cannot be had.
    """
    tasks = here.store.objects(built_in("Task"))
    defaults = (param.get("default") for task in tasks for param in task["spec"].get("params") or [])
    sources = KIT / "s2i"
    if not isinstance(here.runtime, ProcessRuntime) or BUILDER_REF not in defaults or not sources.is_dir():
        return
    images = ImageStore(here.paths.images)
    if images.resolve(BUILDER_REF) is None:
        output.note(f"---> making {BUILDER_REF.rpartition('/')[2]}")
    made = ensure_builder(images, sources, Path(process_environment.base(here.paths)["UV_CACHE_DIR"]))
    images.tag(BUILDER_REF, made.digest)
