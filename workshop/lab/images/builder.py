"""The lab's model builder: an image of the folder `s2i/`, made once for each state of the folder.

The Containerfile uses a base image and pip; this module uses folders and uv. It needs the network only when uv's cache
lacks a package. `warm_cache` fetches the model's own requirements at the same time, so later builds need no network.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

from workshop.errors import SetupError
from workshop.lab.images.dockerfile import KNOWN, pairs, parse
from workshop.lab.images.run import python
from workshop.lab.images.store import Config, Image, ImageStore

REF = "model-builder:latest"
"""The builder's name in the lab. A Dockerfile may put any registry in front of it."""
BUILDER_REF = "image-registry.openshift-image-registry.svc:5000/mlops-workshop/s2i-model-builder:0.1.0"
"""The builder image that the Task s2i-build uses by default."""
SOURCE_LABEL = "workshop.source"
SCRIPTS = "usr/libexec/s2i"
SERVERS = {"modelserver": ("server", "modelserver"), "seldon-core": ("wrapper", "seldon_wrapper.py")}
"""The values of MODEL_SERVER: the folder of s2i/ with its lock and its code."""
CODE = {**SERVERS, "sbom": ("sbom", "sbom.py")}
"""The folders below BUILDER_ROOT with code of the kit: the folder of s2i/ with the lock and the code of each."""
LOCKS = {**{name: f"{folder}/requirements.txt" for name, (folder, _) in CODE.items()}, "numpy": "server/numpy.txt"}
"""The folders below BUILDER_ROOT with packages, and the lock in s2i/ of each."""
INSTRUCTIONS = (*KNOWN, "ARG", "WORKDIR", "EXPOSE", "ENTRYPOINT")
"""The instructions that the Containerfile uses."""


def ensure_builder(store: ImageStore, s2i_dir: Path, uv_cache: Path | None = None) -> Image:
    """Create the builder image, unless one of the same sources exists. Takes seconds, later milliseconds.

    Raises SetupError when the servers' packages are neither in uv's cache nor can be downloaded.
    """
    source = _source_hash(s2i_dir)
    known = store.resolve(REF)
    if known is not None and known.labels.get(SOURCE_LABEL) == source:
        return known
    ignore = shutil.ignore_patterns("__pycache__")
    with store.partial() as rootfs:
        for name, lock in LOCKS.items():
            packages = rootfs / "opt/builder" / name
            packages.mkdir(parents=True)
            _install(s2i_dir / lock, packages, uv_cache)
        for name, (folder, code) in CODE.items():
            packages, own = rootfs / "opt/builder" / name, s2i_dir / folder / code
            if own.is_dir():
                shutil.copytree(own, packages / code, ignore=ignore)
            else:
                shutil.copy(own, packages)
        shutil.copytree(s2i_dir / "bin", rootfs / SCRIPTS, ignore=ignore)
        (rootfs / "opt/app-root").mkdir()
        _compile(rootfs / "opt/builder")
        env, labels = env_and_labels(s2i_dir / "Containerfile")
        config = Config(env, (f"/{SCRIPTS}/usage",), {**labels, SOURCE_LABEL: source}, "1001")
        image = store.commit(rootfs, config)
    store.tag(REF, image.digest)
    return image


def env_and_labels(containerfile: Path) -> tuple[dict[str, str], dict[str, str]]:
    """ENV and LABEL of a Containerfile, so that both builders have the same."""
    found: dict[str, dict[str, str]] = {"ENV": {}, "LABEL": {}}
    for instruction in parse(containerfile.read_text(), str(containerfile), INSTRUCTIONS):
        if instruction.name in found:
            found[instruction.name].update(pairs(instruction.text, f"{containerfile}:{instruction.line}"))
    return found["ENV"], found["LABEL"]


def warm_cache(requirements: Path, uv_cache: Path | None = None) -> None:
    """Download the packages of a model's lock into uv's cache. Raises SetupError when that fails."""
    with tempfile.TemporaryDirectory() as folder:
        _install(requirements, Path(folder) / "packages", uv_cache, link="hardlink")


def fetch_wheels(locks: Sequence[Path], folder: Path) -> None:
    """Store the wheels of locks as files, from which pip in a container builds.

    The wheels are for this process's Python and machine. A failed download is no error: container builds then need the
    network.
    """
    for lock in locks:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        command += ["--only-binary", ":all:", "--find-links", str(folder), "--dest", str(folder), "-r", str(lock)]
        # Try the downloaded files first, without the network.
        for offline in (["--no-index"], []):
            if subprocess.run([*command, *offline], capture_output=True, check=False).returncode == 0:
                break


def _install(requirements: Path, target: Path, uv_cache: Path | None, link: str = "copy") -> None:
    # An image is compiled as a whole, by `_compile`.
    env = {**os.environ, "UV_LINK_MODE": link, "UV_NO_CONFIG": "1", "UV_COMPILE_BYTECODE": "0"}
    if uv_cache is not None:
        env["UV_CACHE_DIR"] = str(uv_cache)
    command = [
        _uv(),
        "pip",
        "install",
        "--quiet",
        "--python",
        python(),
        "--require-hashes",
        # The locks are complete, and the wrapper's lock overrides the pins of seldon-core.
        "--no-deps",
        "--target",
        str(target),
        "-r",
        str(requirements),
    ]
    # Try the cache alone first. If that is enough, no network is needed.
    for offline in (["--offline"], []):
        done = subprocess.run([*command, *offline], env=env, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            shutil.rmtree(target / "bin", ignore_errors=True)
            (target / ".lock").unlink(missing_ok=True)
            return
    raise SetupError(
        f"the packages of {requirements} can neither be found in uv's cache nor fetched:\n{done.stderr.strip()}",
        hint="connect to the network once and run: make lab",
    )


def _compile(folder: Path) -> None:
    command = [python(), "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", str(folder)]
    subprocess.run(command, capture_output=True, check=False)


def _uv() -> str:
    own = Path(sys.executable).parent / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    if not found:
        raise SetupError("uv is not installed", hint="it is part of the platform environment; run: make lab")
    return found


def _source_hash(s2i_dir: Path) -> str:
    """The digest of every file of the builder, and of its Python."""
    text = hashlib.sha256(f"{sys.version_info[:2]} {sysconfig.get_platform()}".encode())
    for folder in ("Containerfile", "bin", *(folder for folder, _ in CODE.values())):
        for path in sorted([s2i_dir / folder, *(s2i_dir / folder).rglob("*")]):
            if path.is_file() and "__pycache__" not in path.parts:
                text.update(f"{path.relative_to(s2i_dir)} {os.access(path, os.X_OK)}\0".encode())
                text.update(hashlib.sha256(path.read_bytes()).digest())
    return text.hexdigest()
