"""`git-init`, the program of the images that clone: those of the catalog's and of OpenShift's git-clone.

The flags and the order of the git commands are those of cmd/git-init and pkg/git of tektoncd/pipeline at v0.40, which
those images still carry.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def main(argv: Sequence[str] | None = None) -> int:
    """Clone a repository into a folder; returns the exit code of the git command that failed, or 0."""
    options = _parser().parse_args(argv)
    folder = Path(options.path or ".").resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(options, folder)
        if _is(options.submodules):
            _submodules(options, folder)
        commit = _git(folder, "rev-parse", "HEAD", quiet=True)
    except subprocess.CalledProcessError as e:
        command = " ".join(map(str, e.cmd))
        sys.stderr.write(f"Error running {command}: exit status {e.returncode}\n{e.stderr or ''}")
        return int(e.returncode) or 1
    except OSError as e:
        sys.stderr.write(f"Error: {e}\n")
        return 1
    sys.stderr.write(f"Successfully cloned {options.url} @ {commit} in path {folder}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="git-init", allow_abbrev=False)
    flags = {
        "url": "", "revision": "", "refspec": "", "path": "", "sslVerify": "true", "submodules": "true",
        "depth": "1", "sparseCheckoutDirectories": "", "terminationMessagePath": "",
    }  # fmt: skip
    for name, default in flags.items():
        # Go's flags have one or two dashes, and a truth value needs no text.
        constant = {"nargs": "?", "const": "true"} if default in ("true", "false") else {}
        parser.add_argument(f"-{name}", f"--{name}", default=default, dest=name, **constant)  # type: ignore[arg-type]
    return parser


def _fetch(options: argparse.Namespace, folder: Path) -> None:
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "config", "http.sslVerify", "true" if _is(options.sslVerify) else "false")
    remotes = _git(folder, "remote", quiet=True).split()
    _git(folder, "remote", "set-url" if "origin" in remotes else "add", "origin", options.url)
    if options.sparseCheckoutDirectories:
        _git(folder, "config", "core.sparsecheckout", "true")
        wanted = [one.strip() for one in options.sparseCheckoutDirectories.split(",")]
        (folder / ".git" / "info" / "sparse-checkout").write_text("".join(f"{one}\n" for one in wanted))
    what = [one for one in (options.refspec or options.revision or "HEAD").split() if not one.startswith("-")]
    recurse = ["--recurse-submodules=yes"] if _is(options.submodules) else []
    depth = [f"--depth={options.depth}"] if int(options.depth or 0) > 0 else []
    _git(folder, "fetch", *recurse, *depth, "origin", "--update-head-ok", "--force", *what)
    target = options.revision if options.refspec and options.revision else "FETCH_HEAD"
    _git(folder, "checkout", "-f", target)


def _submodules(options: argparse.Namespace, folder: Path) -> None:
    depth = [f"--depth={options.depth}"] if int(options.depth or 0) > 0 else []
    if (folder / ".gitmodules").exists():
        _git(folder, "submodule", "update", "--recursive", "--init", *depth)


def _git(folder: Path, *args: str, quiet: bool = False) -> str:
    """The output of git; its messages go to standard error. Raises CalledProcessError."""
    env = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    command = ["git", "-c", f"safe.directory={folder}", "-C", str(folder), *args]
    found = subprocess.run(command, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if found.returncode:
        raise subprocess.CalledProcessError(found.returncode, ["git", *args], found.stdout, found.stderr)
    if not quiet:
        sys.stderr.write(found.stderr)
    return found.stdout.strip()


def _is(text: str) -> bool:
    return text.lower() in ("true", "1", "t")


if __name__ == "__main__":
    sys.exit(main())
