"""The CI files of a participant's repository: GitHub's and GitLab's own schemas accept them, and all run one target."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from workshop.lab.participant import kit_files

KIT = Path(__file__).resolve().parents[1]
GITHUB, GITLAB, TEKTON = ".github/workflows/merge-request.yml", ".gitlab-ci.yml", ".tekton/merge-request.yaml"
ACTION = "tekton/from-dvc/action.yml", "workshop/standalone/action.yml"


def accepts(schema: str, file: Path) -> bool:
    """Whether a schema of the package accepts a file; the schemas are files of it."""
    from check_jsonschema import main  # type: ignore[import-untyped]  # Takes a second, in each process that collects.

    with pytest.raises(SystemExit) as ended:
        main(["--builtin-schema", f"vendor.{schema}", str(file)])
    return ended.value.code == 0


@pytest.mark.parametrize(
    ("schema", "name"),
    [("github-workflows", GITHUB), ("gitlab-ci", GITLAB), *(("github-actions", name) for name in ACTION)],
)
def test_the_schema_of_the_server_accepts_the_file(schema: str, name: str, tmp_path: Path) -> None:
    assert accepts(schema, KIT / name)
    bad = tmp_path / "bad.yml"
    bad.write_text((KIT / name).read_text().replace("script:", "scripts:").replace("runs", "run"))
    assert not accepts(schema, bad)


def test_a_participants_repository_has_the_files() -> None:
    names = {str(name) for name in kit_files(KIT)}
    assert {GITHUB, GITLAB, TEKTON} <= names
    assert not any(name.startswith(".ci/") for name in names)


def test_all_run_the_same_target_and_post_with_a_token_that_the_check_does_not_get() -> None:
    steps = yaml.safe_load((KIT / GITHUB).read_text())["jobs"]["merge-request"]["steps"]
    (check,) = (step for step in steps if step.get("run") == "make merge-request")
    (post,) = (step for step in steps if "--post" in step.get("run", ""))
    assert "GITHUB_TOKEN" not in check["env"] and "GITHUB_TOKEN" in post["env"]
    assert "make merge-request" in (KIT / GITLAB).read_text()
    assert "delivery merge-request --target" in (KIT / "Makefile").read_text()
    task = yaml.safe_load((KIT / "tekton/base/tasks/check-merge-request/check-merge-request.yaml").read_text())
    checks, posts = task["spec"]["steps"]
    assert "delivery merge-request --target" in checks["script"] and "--post" in posts["script"]
    assert not any("valueFrom" in one for one in checks["env"]) and any("valueFrom" in one for one in posts["env"])


def test_actions_are_pinned_to_commits() -> None:
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one) for one in uses(yaml.safe_load((KIT / GITHUB).read_text())))


def uses(value: Any) -> list[str]:
    found = [str(value["uses"])] if isinstance(value, dict) and "uses" in value else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return found + [one for each in inner for one in uses(each)]
