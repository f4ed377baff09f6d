"""The options of the command. It imports neither DVC nor YAML: `workshop` reads it at each start."""

from __future__ import annotations

import argparse
import re
import shlex

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?")
_SIZE = re.compile(r"[1-9][0-9]*(Mi|Gi|Ti)")
_SOURCE = re.compile(r"(configmap|secret)/([a-z0-9]([a-z0-9.-]*[a-z0-9])?)")


def add_options(parser: argparse.ArgumentParser, *, image: str = "") -> None:
    """Add them. Without an `image`, one must be given."""
    parser.add_argument("dvcfile", metavar="DVC_YAML", help="the dvc.yaml whose stages the pipeline runs")
    parser.add_argument("--to", choices=("tekton", "argo"), default="tekton", help="tekton (default) or argo")
    about = f"the image of all tasks: bash, Git, and a python3 with DVC and what the stages need{_default(image)}"
    parser.add_argument("--image", default=image or None, required=not image, help=about)
    parser.add_argument("--name", type=_label, help="of the pipeline (default: the folder of the dvc.yaml)")
    parser.add_argument(
        "--env-from", type=_source, action="append", default=[], metavar="configmap/NAME|secret/NAME",
        help="variables for all tasks, such as GIT_URL, DVC_REMOTE_URL and what stages read; it may be missing",
    )  # fmt: skip
    parser.add_argument(
        "--git-login", default="git-login", metavar="NAME",
        help="the Secret whose key password is used for Git, with GIT_USERNAME (default: git-login)",
    )  # fmt: skip
    parser.add_argument(
        "--storage",
        type=_size,
        default="5Gi",
        help="of an Argo Workflow's volume (default: 5Gi); a PipelineRun has its own",
    )
    parser.add_argument("--file", default="", metavar="FILE", help="write to a file instead of standard output")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when FILE is not what would be written"
    )


def command(words: argparse.Namespace, dvcfile: str, name: str, image: str = "") -> str:
    """The command line that makes the same file; what is the default is left out."""
    given = [dvcfile, *(["--to", words.to] if words.to != "tekton" else [])]
    given += ["--image", words.image, "--name", name]
    for source in words.env_from:
        given += ["--env-from", source]
    if words.git_login != "git-login":
        given += ["--git-login", words.git_login]
    if words.storage != "5Gi":
        given += ["--storage", words.storage]
    return shlex.join(["fromdvc", *given])


def _default(image: str) -> str:
    return f" (default: {image})" if image else ""


def _label(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name, allowed: at most 50 of a-z, 0-9 and -")
    return text


def _source(text: str) -> str:
    if not _SOURCE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no source of variables, allowed: configmap/NAME or secret/NAME")
    return text


def _size(text: str) -> str:
    if not _SIZE.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no size, allowed: 500Mi or 5Gi")
    return text
