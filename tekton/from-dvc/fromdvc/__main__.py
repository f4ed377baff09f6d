"""`fromdvc dvc.yaml --image IMAGE`: the command line.

Exit codes: 0 ok, 2 usage, 4 the dvc.yaml cannot be converted, or the file of --check is stale.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from fromdvc.argo import argo
from fromdvc.errors import FromDvcError, WrongUsage
from fromdvc.names import labels
from fromdvc.options import add_options, command
from fromdvc.project import Project
from fromdvc.render import as_json, as_yaml
from fromdvc.size import notes
from fromdvc.tasks import Options
from fromdvc.tekton import Manifest, tekton

TO = {"argo": argo, "tekton": tekton}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise WrongUsage(message, hint="fromdvc --help lists what is allowed")


def main(argv: Sequence[str] | None = None) -> int:
    """Convert, and return the exit code."""
    parser = _Parser(prog="fromdvc", description="Make a Tekton Pipeline or an Argo Workflow from a dvc.yaml.")
    add_options(parser)
    parser.add_argument("--output", choices=("text", "json"), default="text", help="YAML, or one JSON List")
    try:
        return _run(parser.parse_args(argv))
    except FromDvcError as e:
        sys.stderr.write(f"error: {e}\n")
        return e.exit_code


def _run(words: argparse.Namespace) -> int:
    if words.check and not words.file:
        raise WrongUsage("--check compares a file", hint="add --file FILE")
    # Imported here: --help does not wait for DVC.
    from fromdvc.graph import FILE, read_project

    project = read_project(Path(words.dvcfile))
    options = _options(words, project)
    objects = TO[words.to](project, options)
    said = notes(project, objects)
    source = FILE if project.folder == "." else f"{project.folder}/{FILE}"
    text = as_json(objects) if words.output == "json" else as_yaml(objects, command(words, source, options.name))
    if words.check:
        _check(Path(words.file), text, words)
        return 0
    if words.file:
        Path(words.file).write_text(text, encoding="utf-8")
        said = [f"{words.file}: {_summary(project, objects)}", *said]
    else:
        sys.stdout.write(text)
    for note in said:
        sys.stderr.write(f"---> {note}\n")
    return 0


def _options(words: argparse.Namespace, project: Project) -> Options:
    folder = "dvc" if project.folder == "." else project.folder
    return Options(
        name=words.name or labels([folder])[folder][:50].strip("-"),
        image=words.image,
        config_maps=_named("configmap/", words),
        secrets=_named("secret/", words),
        git_login=words.git_login,
        storage=words.storage,
    )


def _named(kind: str, words: argparse.Namespace) -> tuple[str, ...]:
    return tuple(one.removeprefix(kind) for one in words.env_from if one.startswith(kind))


def _check(file: Path, text: str, words: argparse.Namespace) -> None:
    """Raise FromDvcError unless the file has this text."""
    hint = "the same command without --check writes it"
    if not file.exists():
        raise FromDvcError(f"{file} does not exist", hint=hint)
    has, wanted = file.read_text(encoding="utf-8").splitlines(), text.splitlines()
    if has == wanted:
        return
    same = next(
        (n for n, pair in enumerate(zip(has, wanted, strict=False)) if pair[0] != pair[1]), min(len(has), len(wanted))
    )
    shown = [lines[same].strip() if same < len(lines) else "nothing" for lines in (has, wanted)]
    raise FromDvcError(
        f"{file}:{same + 1} is stale: it has {shown[0]!r}, {words.dvcfile} gives {shown[1]!r}", hint=hint
    )


def _summary(project: Project, objects: Sequence[Manifest]) -> str:
    kinds = [f"{one['kind']} {one['metadata'].get('name', '')}".strip() for one in objects]
    return f"{len(project.stages)} stages; {', '.join(kinds)}"


if __name__ == "__main__":
    sys.exit(main())
