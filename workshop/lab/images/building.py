"""Executes the instructions of an s2i Dockerfile on folders: one folder for each stage. The last stage is the image.

A stage has its own APP_ROOT and `/tmp`, and shares every other folder with its base, which a RUN cannot write. So an
image is its APP_ROOT and the digest of its base. In a container, S2I's user 1001 may write to the same two places only.
Where the kernel allows a private mount namespace, the base is mounted read-only for a RUN. Elsewhere a RUN gets a copy
of the base and fails if it changes that.

In a container build, s2i has the source and the artifacts in `/tmp`. Here they are in a folder next to the image's
root, so they do not become part of the image.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workshop.errors import ManifestError, RunFailed, SetupError
from workshop.lab.images.dockerfile import Instruction, base_images, pairs, parse, read, words
from workshop.lab.images.files import copy_file, copy_tree, disk_full_as_error
from workshop.lab.images.readonly import can_protect, protect
from workshop.lab.images.refs import parse as parse_ref
from workshop.lab.images.run import image_environment, python
from workshop.lab.images.store import APP_ROOT, Config, Image, ImageStore, find, times

PASSED = ("UV_CACHE_DIR", "UV_OFFLINE", "UV_INDEX_URL", "PIP_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE", "PIP_FIND_LINKS")
"""The variables that a build inherits: the package indexes and caches."""
_IN_IMAGE = re.compile(r"(?<![\w./-])/(?:tmp|usr/libexec/s2i|opt)(?:/[\w.-]+)+")
"""Paths of the container in a RUN of s2i."""
REQUIREMENTS = "requirements.sha256"


@dataclass
class _Stage:
    """One FROM: the files of its own, its base, the folder for its /tmp, and its configuration so far.

    `base_root` is the base's folder as a RUN sees it: the folder itself where it can be protected, else a copy. Then
    `untouched` is the state of the copy.
    """

    root: Path
    base: Image
    base_root: Path
    untouched: str
    scratch: Path
    env: dict[str, str]
    labels: dict[str, str]
    command: list[str]
    user: str
    name: str = ""

    @property
    def app_root(self) -> Path:
        """The APP_ROOT of the stage."""
        return find((self.root,), self.env.get("APP_ROOT", APP_ROOT))


def build(store: ImageStore, file: Path, context: Path, labels: dict[str, str]) -> Image:
    """Run the Dockerfile and commit its last stage.

    Raises ManifestError for unsupported instructions, RunFailed when a RUN fails, SetupError when the builder
    image is absent or the disk is full. A failed build leaves no files.
    """
    try:
        text = file.read_text()
    except OSError as e:
        raise SetupError(f"cannot read {file}: {e.strerror}", hint="s2i build --as-dockerfile writes it") from e
    # A real build pulls the base images before it runs anything.
    for line, image in base_images(read(text)):
        _find_base(store, image, f"{file}:{line}")
    instructions = parse(text, str(file))
    if not instructions or instructions[0].name != "FROM":
        raise ManifestError(f"{file}:1: a Dockerfile begins with FROM")
    stages: list[_Stage] = []
    with store.partial() as rootfs, disk_full_as_error("a new image"):
        work = rootfs.parent
        for step, instruction in enumerate(instructions, 1):
            where = f"{file}:{instruction.line}"
            sys.stdout.write(f"STEP {step}/{len(instructions)}: {instruction.name} {instruction.text}\n")
            sys.stdout.flush()
            if instruction.name == "FROM":
                stages.append(_from(store, instruction, where, work / f"stage{len(stages)}"))
            else:
                _VERBS[instruction.name](store, stages, instruction, where, context)
        last = stages[-1]
        rootfs.rmdir()
        last.root.rename(rootfs)
        config = Config(last.env, tuple(last.command), {**last.labels, **labels}, last.user, last.base.digest)
        return store.commit(rootfs, config)


def find_base(store: ImageStore, ref: str) -> Image | None:
    """The base image: with this name, else with the same last path element, as mirrors have it."""
    exact = store.resolve(ref)
    if exact is not None:
        return exact
    last = parse_ref(ref).repo.rpartition("/")[2]
    for name, digest in store.tags():
        if parse_ref(name).repo.rpartition("/")[2] == last:
            return store.resolve(f"{last}@{digest}")
    return None


def _find_base(store: ImageStore, ref: str, where: str) -> Image:
    """The image of a FROM. Raises SetupError, with file and line, when the store does not have it."""
    image = find_base(store, ref)
    if image is None:
        known = ", ".join(name for name, _ in store.tags()) or "none"
        raise SetupError(
            f"{where}: there is no image {ref} in the lab's store; there are: {known}",
            hint="workshop up makes the model builder; name it as FROM",
        )
    return image


def _from(store: ImageStore, instruction: Instruction, where: str, folder: Path) -> _Stage:
    args = words(instruction.text)
    if len(args) not in (1, 3) or (len(args) == 3 and args[1].lower() != "as"):
        text = f"{where}: FROM {instruction.text} is not supported"
        raise ManifestError(text, hint="allowed is FROM image [as name]")
    image = _find_base(store, args[0], where)
    base = image.base or image
    scratch = folder / "tmp"
    scratch.mkdir(parents=True)
    base_root, untouched = base.root, ""
    if not can_protect(base.root):
        base_root = folder / "base"
        copy_tree(base.root, base_root)
        untouched = times(base_root)
    name = args[2] if len(args) == 3 else ""
    env, labels = dict(image.env), dict(image.labels)
    stage = _Stage(
        folder / "root", base, base_root, untouched, scratch, env, labels, list(image.command), image.user, name
    )
    stage.app_root.mkdir(parents=True)
    copy_tree(image.app_root, stage.app_root)
    return stage


def _label(store: ImageStore, stages: list[_Stage], instruction: Instruction, where: str, context: Path) -> None:
    stages[-1].labels.update(pairs(instruction.text, where))


def _env(store: ImageStore, stages: list[_Stage], instruction: Instruction, where: str, context: Path) -> None:
    stages[-1].env.update(pairs(instruction.text, where))


def _user(store: ImageStore, stages: list[_Stage], instruction: Instruction, where: str, context: Path) -> None:
    stages[-1].user = instruction.text


def _cmd(store: ImageStore, stages: list[_Stage], instruction: Instruction, where: str, context: Path) -> None:
    stages[-1].command = words(instruction.text)


def _copy(store: ImageStore, stages: list[_Stage], instruction: Instruction, where: str, context: Path) -> None:
    stage = stages[-1]
    args = words(instruction.text)
    flags = [word for word in args if word.startswith("--")]
    paths = [word for word in args if not word.startswith("--")]
    unknown = [flag for flag in flags if not flag.startswith(("--chown=", "--from="))]
    if unknown or len(paths) != 2:
        raise ManifestError(
            f"{where}: COPY {instruction.text} is not supported",
            hint="allowed is COPY [--from=stage] [--chown=user:group] source target",
        )
    origin = next((flag.partition("=")[2] for flag in flags if flag.startswith("--from=")), "")
    if origin:
        other = next((one for one in stages[:-1] if one.name == origin), None)
        if other is None:
            raise ManifestError(f"{where}: there is no stage {origin}")
        source = _at(other, paths[0])
    else:
        source = (context / paths[0]).resolve()
        if context not in source.parents and source != context:
            raise ManifestError(f"{where}: {paths[0]} is outside the build context {context}")
    if not source.exists():
        raise ManifestError(f"{where}: there is no {paths[0]} to copy")
    target = _at(stage, paths[1])
    if not target.is_relative_to(stage.scratch) and not target.is_relative_to(stage.app_root):
        text = f"{where}: COPY to {paths[1]} is not supported"
        raise ManifestError(text, hint="allowed are /tmp and APP_ROOT; the other folders are those of the base image")
    folder = target if source.is_dir() else target.parent
    if not any(folder.resolve().is_relative_to(own.resolve()) for own in (stage.scratch, stage.app_root)):
        raise ManifestError(f"{where}: COPY to {paths[1]}: {folder} is a link out of the image")
    folder.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        copy_tree(source, target)
    else:
        copy_file(source, target)
    if (stage.scratch / "scripts") in (target, target.parent):
        _translate_scripts(stage, [target] if target.is_file() else sorted(target.iterdir()))


def _run(store: ImageStore, stages: list[_Stage], instruction: Instruction, where: str, context: Path) -> None:
    stage = stages[-1]
    if re.fullmatch(r"chown (-R )?\S+:0( \S+)+", instruction.text):
        return
    artifacts = stage.scratch / "artifacts"
    previous = None if artifacts.is_dir() else _previous(store, stage)
    if previous is not None and (stage.scratch / "scripts").is_dir():
        # The builder's assemble makes hard links to the artifacts. A script of the source may change the files.
        copy_tree(previous / "packages", artifacts / "packages")
        shutil.copy2(previous / REQUIREMENTS, artifacts)
    elif previous is not None:
        artifacts = previous
    env = image_environment((stage.root, stage.base_root), stage.env) | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(stage.scratch),
        "S2I_SOURCE": str(stage.scratch / "src"),
        "S2I_ARTIFACTS": str(artifacts),
        # Copy from uv's cache: a hard link would let later changes of the cache change the image.
        "UV_LINK_MODE": "copy",
        **{name: os.environ[name] for name in PASSED if name in os.environ},
    }
    # The builder's WORKDIR.
    folder = Path(env["APP_ROOT"]) / "src"
    folder.mkdir(parents=True, exist_ok=True)
    script = _translated(stage, instruction.text)
    shared = stage.base_root == stage.base.root
    before = (lambda: protect(stage.base_root)) if shared else None
    code = subprocess.run(["/bin/bash", "-c", script], env=env, cwd=folder, preexec_fn=before, check=False).returncode
    if not shared and times(stage.base_root) != stage.untouched:
        text = f"{where}: RUN {instruction.text} changed files outside /tmp and APP_ROOT"
        raise RunFailed(text, hint="the other folders are those of the base image; a build may read them only")
    if code:
        raise RunFailed(f"{where}: RUN {instruction.text} ended with exit code {code}", hint="see the lines above")


def _translated(stage: _Stage, text: str) -> str:
    """Shell text with the container's paths replaced by those on this machine."""
    return _IN_IMAGE.sub(lambda match: shlex.quote(str(_at(stage, match[0]))), text)


def _translate_scripts(stage: _Stage, scripts: Iterable[Path]) -> None:
    """Translate the scripts of a source's `.s2i/bin`: they call the builder's by paths of the container."""
    for path in scripts:
        text = path.read_bytes()
        if text.startswith(b"#!") and b"sh" in text.partition(b"\n")[0]:
            path.write_text(_translated(stage, text.decode("utf-8", "surrogateescape")), errors="surrogateescape")


def _at(stage: _Stage, path: str) -> Path:
    """The path on this machine of a path in the container."""
    parts = Path(path).parts
    if parts[:2] == ("/", "tmp"):
        return stage.scratch.joinpath(*parts[2:])
    place = stage.root / path.lstrip("/")
    return place if place.is_relative_to(stage.app_root) else stage.base_root / path.lstrip("/")


def _previous(store: ImageStore, stage: _Stage) -> Path | None:
    """The installed packages of an earlier image with the same requirements, as a real engine reuses layers."""
    lock = stage.scratch / "src" / "requirements.txt"
    if not lock.is_file():
        return None
    done = subprocess.run(
        ["/bin/bash", str(stage.base_root / "usr/libexec/s2i/assemble"), "--requirements-key"],
        env={"S2I_SOURCE": str(lock.parent), "PYTHON": python(), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    key = done.stdout.strip()
    for image in store.images() if key else []:
        kept = image.app_root / REQUIREMENTS
        if kept.is_file() and kept.read_text().strip() == key:
            return image.app_root
    return None


_VERBS = {"LABEL": _label, "ENV": _env, "USER": _user, "CMD": _cmd, "COPY": _copy, "RUN": _run}
