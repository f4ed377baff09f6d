"""`s2i build SOURCE BUILDER --as-dockerfile FILE`: writes a Dockerfile and its context.

It replaces s2i 1.6 where that is not installed, and writes the same files: `upload/src` with the source,
`upload/scripts` with the scripts of the source's `.s2i/bin`, and a Dockerfile that runs them on the builder. It
supports this mode only, because the other modes need a container engine. Labels are sorted.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from workshop.errors import SetupError, UsageError, WorkshopError
from workshop.lab.images.files import copy_file, disk_full_as_error

LABELS = "io.openshift.s2i.build."
SCRIPTS = ("assemble", "run", "save-artifacts")
DEFAULT_SCRIPTS = "/usr/libexec/s2i"


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    try:
        options = _parser().parse_intermixed_args(argv)
        with disk_full_as_error(options.as_dockerfile):
            _build(options)
    except WorkshopError as e:
        sys.stderr.write(f"error: {e}\n")
        return e.exit_code
    sys.stderr.write(f"Application dockerfile generated in {options.as_dockerfile}\n")
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"s2i: {message}", hint=f"the lab's s2i supports: {self.format_usage().strip()}")


def _parser() -> argparse.ArgumentParser:
    build = _Parser(prog="s2i", allow_abbrev=False)
    build.add_argument("verb", choices=("build",))
    build.add_argument("source")
    build.add_argument("builder")
    build.add_argument("tag", nargs="?", default="")
    build.add_argument("--as-dockerfile", required=True, metavar="FILE")
    build.add_argument("--image-scripts-url", default="", metavar="image:///PATH")
    build.add_argument("--copy", "-c", action="store_true", help="accepted: sources are always copied")
    build.add_argument("--env", "-e", action="append", default=[], metavar="NAME=VALUE")
    build.add_argument("--environment-file", "-E", metavar="FILE")
    build.add_argument("--incremental", action="store_true")
    build.add_argument("--assemble-user", default="1001", metavar="UID")
    build.add_argument("--context-dir", default="", metavar="FOLDER")
    build.add_argument("--loglevel", default="", help="accepted")
    return build


def _build(options: argparse.Namespace) -> None:
    source = Path(options.source.removeprefix("file://")).resolve()
    root = source
    if "://" in options.source and not options.source.startswith("file://"):
        raise UsageError(f"s2i: the source {options.source} is not a folder", hint="clone it and give the folder")
    if options.context_dir:
        source = (source / options.context_dir).resolve()
    if not source.is_dir():
        raise SetupError(f"s2i: there is no source folder {source}")
    if options.incremental and not options.tag:
        hint = "s2i build SOURCE BUILDER TAG --incremental --as-dockerfile FILE"
        raise UsageError("s2i: --incremental needs the image's tag", hint=hint)
    target = Path(options.as_dockerfile)
    if options.as_dockerfile.endswith("/"):
        target = target / "Dockerfile"
    context = target.parent.resolve()
    if context == source or source in context.parents:
        raise UsageError(
            f"s2i: the Dockerfile {target} would be inside the source {source}",
            hint="input source directory contains the target directory for the build; choose a folder outside",
        )
    upload = context / "upload"
    shutil.rmtree(upload, ignore_errors=True)
    _copy_source(source, upload / "src")
    scripts = _own_scripts(upload)
    environment = [*_environment(upload / "src"), *_file(options.environment_file), *map(_pair, options.env)]
    target.write_text(dockerfile(options, scripts, environment, _labels(options, root, source)))


def dockerfile(
    options: argparse.Namespace, scripts: list[str], environment: list[tuple[str, str]], labels: dict[str, str]
) -> str:
    """The Dockerfile's text, in the order and with the comments of the real s2i."""
    user = options.assemble_user
    image_scripts = options.image_scripts_url.removeprefix("image://").rstrip("/") or DEFAULT_SCRIPTS

    def script(name: str) -> str:
        return f"/tmp/scripts/{name}" if name in scripts else f"{image_scripts}/{name}"  # noqa: S108 in the image

    become = [f"USER {user}"] if user != "root" else []
    archive = "/tmp/artifacts.tar"  # noqa: S108 in the image
    lines: list[str] = []
    if options.incremental:
        lines += [f"FROM {options.tag} as cached"]
        if "save-artifacts" in scripts:
            lines += [
                "# Copying in override save-artifacts script",
                "USER root",
                f"COPY upload/scripts/save-artifacts {script('save-artifacts')}",
                f"RUN chown {user}:0 {script('save-artifacts')}",
            ]
        else:
            lines += ["# Save-artifacts script sourced from builder image based on user input or image metadata."]
        save = script("save-artifacts")
        lines += [*become, f"RUN if [ -s {save} ]; then {save} > {archive}; else touch {archive}; fi"]
    lines += [f"FROM {options.builder}"]
    lines += ["LABEL " + " \\\n      ".join(f"{json.dumps(k)}={json.dumps(v)}" for k, v in sorted(labels.items()))]
    if environment:
        lines += ["ENV " + " \\\n    ".join(f'{name}="{_escaped(value)}"' for name, value in environment)]
    else:
        lines += [""]
    lines += ["USER root"]
    owned = []
    if options.incremental:
        lines += [f"COPY --from=cached {archive} {archive}"]
        owned += [archive]
    if scripts:
        lines += ["# Copying in override assemble/run scripts", "COPY upload/scripts /tmp/scripts"]
        owned += ["/tmp/scripts"]  # noqa: S108 in the image
    lines += ["# Copying in source code", "COPY upload/src /tmp/src"]
    owned += ["/tmp/src"]  # noqa: S108 in the image
    lines += [
        "# Change file ownership to the assemble user. Builder image must support chown command.",
        f"RUN chown -R {user}:0 {' '.join(owned)}",
        *become,
    ]
    if options.incremental:
        lines += [
            "# Extract artifact content",
            f"RUN if [ -s {archive} ]; then mkdir -p /tmp/artifacts; tar -xf {archive} -C /tmp/artifacts; fi && \\",
            f"    rm {archive}",
        ]
    for name, verb, title in (("assemble", "RUN", "Assemble"), ("run", "CMD", "Run")):
        if name not in scripts:
            lines += [
                f"# {title} script sourced from builder image based on user input or image metadata.",
                "# If this file does not exist in the image, the build will fail.",
            ]
        lines += [f"{verb} {script(name)}"]
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    """A value that ENV does not expand."""
    return re.sub(r'([$"\\])', r"\\\1", value)


def _copy_source(source: Path, target: Path) -> None:
    """Copy without `.git` and the files named in `.s2iignore`."""
    ignored, kept = _ignore_patterns(source / ".s2iignore")
    for at, folders, names in os.walk(source):
        relative = Path(at).relative_to(source)

        def wanted(name: str, relative: Path = relative) -> bool:
            path = (relative / name).as_posix()
            if any(_matches(path, pattern) for pattern in kept):
                return True
            return name != ".git" and not any(_matches(path, pattern) for pattern in ignored)

        if not kept:
            # An exception to the rules may include a file below an ignored folder.
            folders[:] = [name for name in folders if wanted(name)]
        else:
            folders[:] = [name for name in folders if name != ".git"]
        (target / relative).mkdir(parents=True, exist_ok=True)
        for name in names:
            parents = [] if not kept else [part.as_posix() for part in (relative / name).parents][:-1]
            hidden = any(_matches(part, pattern) for part in parents for pattern in ignored)
            exempt = any(_matches((relative / name).as_posix(), pattern) for pattern in kept)
            if wanted(name) and (not hidden or exempt):
                copy_file(Path(at) / name, target / relative / name)
        for name in [*folders]:
            path = Path(at) / name
            if path.is_symlink():
                folders.remove(name)
                (target / relative / name).symlink_to(path.readlink())


def _ignore_patterns(path: Path) -> tuple[list[str], list[str]]:
    lines = [line.strip() for line in path.read_text().splitlines()] if path.is_file() else []
    lines = [line for line in lines if line and not line.startswith("#")]
    ignored = [line.strip("/") for line in lines if not line.startswith("!")]
    return ignored, [line[1:].strip("/") for line in lines if line.startswith("!")]


def _matches(path: str, pattern: str) -> bool:
    """A glob as Go's filepath.Match: each part matches one level; `**/` in front matches any depth."""
    if pattern.startswith("**/"):
        return any(_matches("/".join(path.split("/")[at:]), pattern[3:]) for at in range(path.count("/") + 1))
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


def _own_scripts(upload: Path) -> list[str]:
    folder = upload / "src" / ".s2i" / "bin"
    found = [name for name in SCRIPTS if (folder / name).is_file()]
    (upload / "scripts").mkdir(parents=True, exist_ok=True)
    for name in found:
        shutil.copy2(folder / name, upload / "scripts" / name)
        (upload / "scripts" / name).chmod(0o755)
    return found


def _environment(source: Path) -> list[tuple[str, str]]:
    path = source / ".s2i" / "environment"
    return _file(str(path)) if path.is_file() else []


def _file(path: str | None) -> list[tuple[str, str]]:
    """KEY=VALUE lines. Comments and lines without `=` are skipped."""
    if path is None:
        return []
    try:
        lines = Path(path).read_text().splitlines()
    except OSError as e:
        raise SetupError(f"s2i: cannot read the environment file {path}: {e.strerror}") from e
    split = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return [(name.strip(), value.strip()) for name, _, value in split]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"s2i: -e {text} is not NAME=VALUE")
    return name.strip(), value


def _labels(options: argparse.Namespace, root: Path, source: Path) -> dict[str, str]:
    labels = {LABELS + "image": options.builder}
    if options.tag:
        labels["io.k8s.display-name"] = options.tag
    said = {"author": "%an <%ae>", "date": "%ad", "id": "%H", "message": "%s"}
    for key, form in said.items():
        labels[LABELS + "commit." + key] = _git(root, "log", "-1", f"--format={form}")
    labels[LABELS + "commit.ref"] = _git(root, "rev-parse", "--abbrev-ref", "HEAD")
    labels[LABELS + "source-location"] = _git(root, "config", "--get", "remote.origin.url") or str(root)
    labels[LABELS + "source-context-dir"] = options.context_dir
    return {key: value for key, value in labels.items() if value}


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main())
