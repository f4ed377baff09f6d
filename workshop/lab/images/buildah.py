"""`buildah build` and `buildah push` for the process runtime: builds the Dockerfiles of s2i into the image store.

It replaces the real buildah where that is not installed or not permitted. It supports the Dockerfiles of s2i and the
flags of the Task; anything else is refused. A RUN is a process of this machine that uses the image's folders instead of
the container's. There is no isolation, and `chown` does nothing: every file belongs to the user who builds. `push`
copies nothing, because the store is the registry; the digest is that of the image in the store.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from workshop.errors import SetupError, UsageError, WorkshopError
from workshop.lab.images import building
from workshop.lab.images.store import ImageStore


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    try:
        options = _parse(argv)
        store = ImageStore(_store_root())
        verbs = {
            "bud": build,
            "build": build,
            "push": push,
            "tag": tag,
            "images": images,
            "inspect": inspect,
            "rmi": rmi,
        }
        verbs[options.verb](store, options)
    except WorkshopError as e:
        sys.stderr.write(f"Error: {e}\n")
        return e.exit_code
    return 0


def build(store: ImageStore, options: argparse.Namespace) -> None:
    """Build CONTEXT from the Dockerfile and tag the result."""
    context = Path(options.context).resolve()
    file = Path(options.file) if options.file else context / "Dockerfile"
    labels = dict(_pair(label) for label in options.label)
    image = building.build(store, file, context, labels)
    for name in options.tag or []:
        store.tag(name, image.digest)
    sys.stdout.write(f"{image.digest.removeprefix('sha256:')}\n")


def push(store: ImageStore, options: argparse.Namespace) -> None:
    """Tag the destination and write the digest file."""
    image = store.resolve(options.image)
    if image is None:
        raise SetupError(f"there is no image {options.image}", hint="buildah images lists the images")
    store.tag(options.destination or options.image, image.digest)
    if options.digestfile:
        Path(options.digestfile).write_text(image.digest)


def tag(store: ImageStore, options: argparse.Namespace) -> None:
    """Add a name to an image."""
    image = store.resolve(options.image)
    if image is None:
        raise SetupError(f"there is no image {options.image}", hint="buildah images lists the images")
    store.tag(options.name, image.digest)


def rmi(store: ImageStore, options: argparse.Namespace) -> None:
    """Remove a name. The files stay, because another name or a running server may need them."""
    if not store.untag(options.image):
        raise SetupError(f"there is no image {options.image}", hint="buildah images lists the images")


def images(store: ImageStore, options: argparse.Namespace) -> None:
    """List names and digests."""
    rows = [("REPOSITORY", "TAG", "DIGEST"), *((*name.rsplit(":", 1), digest[:19]) for name, digest in store.tags())]
    width = [max(len(row[column]) for row in rows) for column in range(2)]
    for row in rows:
        sys.stdout.write(f"{row[0]:<{width[0]}}   {row[1]:<{width[1]}}   {row[2]}\n")


def inspect(store: ImageStore, options: argparse.Namespace) -> None:
    """Print an image's configuration as JSON."""
    image = store.resolve(options.image)
    if image is None:
        raise SetupError(f"there is no image {options.image}", hint="buildah images lists the images")
    config = {
        "Env": [f"{key}={value}" for key, value in sorted(image.env.items())],
        "Cmd": image.command,
        "Labels": image.labels,
        "User": image.user,
    }
    answer = {"FromImageDigest": image.digest, "OCIv1": {"config": config}}
    sys.stdout.write(json.dumps(answer, indent=4) + "\n")


def _store_root() -> Path:
    root = os.environ.get("LAB_IMAGES")
    if not root:
        raise SetupError(
            "buildah: LAB_IMAGES does not name the lab's image store",
            hint="run it in a step of a pipeline or in: workshop shell",
        )
    return Path(root)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"buildah: {message}", hint=f"the lab's buildah supports: {self.format_usage().strip()}")


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Flags and image names may be in any order after the verb, as in the real one."""
    verbs = _verbs()
    top = _Parser(prog="buildah", allow_abbrev=False)
    top.add_argument("--storage-driver", choices=("vfs", "overlay"))
    top.add_argument("verb", choices=tuple(verbs))
    top.add_argument("words", nargs=argparse.REMAINDER)
    first = top.parse_args(argv)
    return verbs[first.verb].parse_intermixed_args(first.words, argparse.Namespace(verb=first.verb))


def _verbs() -> dict[str, _Parser]:
    # The Task passes these flags for engines and transport. They are accepted and have no effect here.
    engine = _Parser(add_help=False, allow_abbrev=False)
    engine.add_argument("--storage-driver", choices=("vfs", "overlay"))
    engine.add_argument("--tls-verify", nargs="?", const="true", choices=("true", "false"))
    engine.add_argument("--authfile", metavar="FILE")
    verbs = {
        name: _Parser(prog=f"buildah {name}", parents=[engine], allow_abbrev=False)
        for name in ("bud", "build", "images", "inspect", "push", "rmi", "tag")
    }
    for name in ("bud", "build"):
        verb = verbs[name]
        verb.add_argument("--isolation", choices=("chroot", "oci", "rootless"))
        verb.add_argument("--format", choices=("oci", "docker"))
        verb.add_argument("--layers", nargs="?", const="true", choices=("true", "false"))
        verb.add_argument("--no-cache", action="store_true")
        verb.add_argument("--label", action="append", default=[], metavar="KEY=VALUE")
        verb.add_argument("-f", "--file")
        verb.add_argument("-t", "--tag", action="append")
        verb.add_argument("context", nargs="?", default=".")
    verbs["push"].add_argument("--digestfile", metavar="FILE")
    verbs["push"].add_argument("--format", choices=("oci", "docker", "v2s2"))
    verbs["push"].add_argument("image")
    verbs["push"].add_argument("destination", nargs="?")
    verbs["rmi"].add_argument("image")
    verbs["tag"].add_argument("image")
    verbs["tag"].add_argument("name")
    verbs["inspect"].add_argument("--type", choices=("image",))
    verbs["inspect"].add_argument("image")
    return verbs


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"buildah: --label {text} is not KEY=VALUE")
    return key, value


if __name__ == "__main__":
    sys.exit(main())
