"""Which version a change of a component's interface needs."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from workshop.components import interface
from workshop.components.component import LOCK, Component, read
from workshop.errors import ManifestError

TASK: dict[str, Any] = {
    "apiVersion": "tekton.dev/v1",
    "kind": "Task",
    "metadata": {"name": "part", "labels": {"app.kubernetes.io/version": "1.2.3"}},
    "spec": {
        "params": [
            {"name": "needed"},
            {"name": "given", "default": "a", "enum": ["a", "b"]},
            {"name": "many", "type": "array", "default": []},
        ],
        "results": [{"name": "found", "type": "object", "properties": {"url": {"type": "string"}}}],
        "workspaces": [{"name": "source"}, {"name": "cache", "optional": True}],
        "steps": [{"name": "work", "image": "bash", "script": "true"}],
    },
}
PARAM, RESULT, WORKSPACE = "params", "results", "workspaces"


@pytest.fixture
def component(tmp_path: Path) -> Component:
    """A component whose interface is committed."""
    made = write(tmp_path / "part", TASK)
    (made.folder / LOCK).write_text(interface.lock_of(made).text)
    return made


def write(folder: Path, task: dict[str, Any]) -> Component:
    folder.mkdir(exist_ok=True)
    (folder / "part.yaml").write_text(yaml.safe_dump(task))
    return read(folder)


def changed(component: Component, part: str, name: str, field: dict[str, Any] | None, version: str) -> Component:
    """The component with another field of a part, or without it, in another version."""
    task = copy.deepcopy(TASK)
    task["metadata"]["labels"]["app.kubernetes.io/version"] = version
    kept = [one for one in task["spec"][part] if one["name"] != name]
    task["spec"][part] = [*kept, *([{"name": name, **field}] if field is not None else [])]
    return write(component.folder, task)


@pytest.mark.parametrize(
    ("part", "name", "field", "least"),
    [
        (PARAM, "needed", None, "2.0.0"),
        (PARAM, "given", None, "2.0.0"),
        (PARAM, "more", {}, "2.0.0"),
        (PARAM, "needed", {"type": "array"}, "2.0.0"),
        (PARAM, "given", {"enum": ["a", "b"]}, "2.0.0"),
        (PARAM, "given", {"default": "a", "enum": ["a"]}, "2.0.0"),
        (PARAM, "needed", {"enum": ["a"]}, "2.0.0"),
        (PARAM, "more", {"default": ""}, "1.3.0"),
        (PARAM, "needed", {"default": ""}, "1.3.0"),
        (PARAM, "given", {"default": "b", "enum": ["a", "b"]}, "1.3.0"),
        (PARAM, "given", {"default": "a", "enum": ["a", "b", "c"]}, "1.3.0"),
        (PARAM, "given", {"default": "a"}, "1.3.0"),
        (PARAM, "needed", {"description": "other words"}, "1.2.3"),
        (PARAM, "many", {"default": []}, "1.2.3"),
        (RESULT, "found", None, "2.0.0"),
        (RESULT, "found", {"type": "string"}, "2.0.0"),
        (RESULT, "found", {"properties": {"digest": {"type": "string"}}}, "2.0.0"),
        (RESULT, "found", {"properties": {"url": {"type": "string"}, "digest": {}}}, "1.3.0"),
        (RESULT, "more", {}, "1.3.0"),
        (WORKSPACE, "source", None, "2.0.0"),
        (WORKSPACE, "more", {}, "2.0.0"),
        (WORKSPACE, "cache", {}, "2.0.0"),
        (WORKSPACE, "more", {"optional": True}, "1.3.0"),
        (WORKSPACE, "source", {"optional": True}, "1.3.0"),
    ],
)
def test_a_change_needs_at_least_a_version(
    component: Component, part: str, name: str, field: dict[str, Any] | None, least: str
) -> None:
    interface.check_version(changed(component, part, name, field, least))
    major, minor, patch = map(int, least.split("."))
    below = {"2.0.0": "1.9.9", "1.3.0": "1.2.9"}.get(least, f"{major}.{minor}.{patch - 1}")
    with pytest.raises(ManifestError, match=rf"version {below}, allowed: {least} or later: "):
        interface.check_version(changed(component, part, name, field, below))


def test_a_renamed_param_is_named_with_the_command_that_comes_next(component: Component) -> None:
    task = copy.deepcopy(TASK)
    task["spec"]["params"][0]["name"] = "wanted"
    with pytest.raises(ManifestError) as raised:
        interface.check_version(write(component.folder, task))
    assert "the param needed is gone; the param wanted is new and required" in str(raised.value)
    assert f"then workshop component docs {component.folder}" in str(raised.value)


def test_the_largest_of_several_changes_decides(component: Component) -> None:
    task = copy.deepcopy(TASK)
    task["metadata"]["labels"]["app.kubernetes.io/version"] = "1.3.0"
    task["spec"]["params"] = [*task["spec"]["params"][1:], {"name": "more", "default": ""}]
    with pytest.raises(
        ManifestError, match=r"allowed: 2\.0\.0 or later: the param more is new; the param needed is gone"
    ):
        interface.check_version(write(component.folder, task))


@pytest.mark.parametrize("version", ["1", "1.2", "v1.2.3", "1.02.3", "1.2.3-rc1", ""])
def test_a_version_has_three_numbers(component: Component, version: str) -> None:
    with pytest.raises(ManifestError, match=r"allowed: MAJOR\.MINOR\.PATCH"):
        interface.lock_of(changed(component, PARAM, "more", {"default": ""}, version))


@pytest.mark.parametrize(
    "text", ["", "version: 1.2.3\n", "[]", "{version: x, params: {}, results: {}, workspaces: {}}"]
)
def test_a_broken_lock_is_an_error_with_its_file(component: Component, text: str) -> None:
    (component.folder / LOCK).write_text(text)
    with pytest.raises(ManifestError, match=r"interface\.lock"):
        interface.check_version(component)
