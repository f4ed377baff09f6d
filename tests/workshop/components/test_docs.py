"""The tables of a README follow from the Task, and the text around them stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from workshop.cli import main
from workshop.components import docs
from workshop.components.component import Component
from workshop.components.docs import BEGIN, END, tables

TASK = {
    "metadata": {
        "name": "part",
        "labels": {"app.kubernetes.io/version": "1.0.0"},
        "annotations": {"mlops-workshop/roles": "reader in staging, approver"},
    },
    "spec": {
        "description": "Does\n  one thing.",
        "params": [
            {"name": "kind", "description": "a|b", "enum": ["a", "b"], "default": "a|b"},
            {"name": "options", "default": {"x": "1"}, "properties": {"x": {"type": "string"}}},
        ],
        "workspaces": [{"name": "cache", "optional": True, "readOnly": True}],
        "stepTemplate": {"image": "bash", "securityContext": {"runAsNonRoot": True}},
        "steps": [
            {
                "name": "first",
                "envFrom": [{"configMapRef": {"name": "addresses"}}],
                "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}}],
            },
            {"image": "buildah", "securityContext": {"runAsUser": 0, "capabilities": {"add": ["SETFCAP"]}}},
        ],
        "volumes": [{"name": "certs", "configMap": {"name": "bundle"}}],
    },
}


@pytest.mark.parametrize(
    "line",
    [
        "Does one thing.",
        "| `kind` | string | `a\\|b` | a\\|b Allowed: `a`, `b`. |",
        '| `options` | object: x | `{"x": "1"}` |  |',
        "| `cache` (optional, readOnly) |  |",
        "| `first` | `bash` | any user but root |",
        "| `unnamed-1` | `buildah` | user 0, with SETFCAP |",
        "| ConfigMap `addresses` | its keys, as variables |",
        "| ConfigMap `bundle` | the volume `certs` |",
        "| Secret `s` (optional) | its key `k`, as `KEY` |",
        "| Role `reader` | the account of the run, in the namespace of staging |",
        "| Role `approver` | the account of the run |",
    ],
)
def test_a_table_has_what_the_task_says(line: str) -> None:
    assert line in tables(Component(Path("part"), TASK)).splitlines()


def test_a_part_that_the_task_lacks_has_no_table() -> None:
    assert "Results" not in tables(Component(Path("part"), TASK))


def test_docs_writes_what_check_finds_stale_and_keeps_the_text_around_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "part"
    folder.mkdir()
    (folder / "part.yaml").write_text(
        "apiVersion: tekton.dev/v1\nkind: Task\n"
        "metadata: {name: part, labels: {app.kubernetes.io/version: 1.0.0}}\n"
        "spec: {steps: [{image: bash, script: 'true'}], params: [{name: one}]}\n"
    )
    (folder / "README.md").write_text(f"# Mine\n\n## The Task\n\n{BEGIN}\nold\n{END}\n\nMy words.\n")
    assert main(["component", "docs", "--check", str(folder)]) == 4
    assert f"stale: {folder}/README.md, {folder}/interface.lock" in capsys.readouterr().err
    assert main(["component", "docs", str(folder)]) == 0
    assert main(["component", "docs", "--check", str(folder)]) == 0
    text = (folder / "README.md").read_text()
    assert text.startswith("# Mine\n\n## The Task\n") and text.endswith(f"\n{END}\n\nMy words.\n")
    assert "\nold\n" not in text and "\n### Params\n" in text
    for broken in ("# Mine\n", f"# Mine\n{BEGIN}\n", f"# Mine\n{END}\n"):
        (folder / "README.md").write_text(broken)
        assert main(["component", "docs", str(folder)]) == 4
        assert docs.BEGIN in capsys.readouterr().err
        assert (folder / "README.md").read_text() == broken
