"""The tables of a component's README, made from its Task.

They are between two comments. The text around them is written by hand and stays.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workshop.components import interface
from workshop.components.component import LOCK, README, Component
from workshop.errors import ManifestError

BEGIN = "<!-- `workshop component docs` writes what follows from the Task. Do not edit it. -->"
END = "<!-- The text after this line is written by hand. -->"
ROLES = "mlops-workshop/roles"
"""The annotation with the Roles that the account of a run needs, with where: `deployer in staging`."""
TITLE, MINIMUM, TAGS = "tekton.dev/displayName", "tekton.dev/pipelines.minVersion", "tekton.dev/tags"


@dataclass(frozen=True)
class Page:
    """A file of a component as it should be."""

    path: Path
    text: str

    @property
    def stale(self) -> bool:
        """Whether the file on disk is another."""
        return not self.path.is_file() or self.path.read_text(encoding="utf-8") != self.text


def pages(component: Component) -> list[Page]:
    """README and lock as they should be.

    Raises ManifestError for a change that needs another version, and for a README without the two comments.
    """
    interface.check_version(component)
    readme = component.folder / README
    before = readme.read_text(encoding="utf-8") if readme.is_file() else f"# {_title(component)}\n\n{BEGIN}\n{END}\n"
    first, begin, rest = before.partition(BEGIN)
    _, end, last = rest.partition(END)
    if not begin or not end:
        raise ManifestError(f"{readme}: the two comments around the tables are missing", hint=f"{BEGIN}\n{END}")
    headings = re.findall(r"^(#+) ", first, re.M)
    text = f"{first}{BEGIN}\n\n{tables(component, headings[-1] if headings else '')}\n{END}{last}"
    return [Page(readme, text), Page(component.folder / LOCK, interface.lock_of(component).text)]


def _title(component: Component) -> str:
    return component.annotations.get(TITLE, component.name)


def tables(component: Component, above: str = "#") -> str:
    """Description, params, workspaces, results, steps and needs, in Markdown below a heading such as `##`."""
    spec, annotations, section = component.spec, component.annotations, partial(_section, f"{above}#")
    minimum = annotations.get(MINIMUM)
    facts = [f"version {component.version}", *([f"Tekton Pipelines {minimum} or later"] if minimum else [])]
    facts += [annotations[TAGS]] if annotations.get(TAGS) else []
    parts = [
        _text(spec.get("description", "")),
        f"Task `{component.name}`, {', '.join(facts)}.",
        f"    oc apply -f {component.file.name}",
        section("Params", ("name", "type", "default", "description"), _params(spec.get("params") or [])),
        section("Workspaces", ("name", "description"), _workspaces(spec.get("workspaces") or [])),
        section("Results", ("name", "type", "description"), _results(spec.get("results") or [])),
        section("Steps", ("name", "image", "runs as"), _steps(spec)),
        section("Needs", ("what", "for"), _needs(component)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(heading: str, title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"{heading} {title}", "", "| " + " | ".join(header) + " |", "|" + "---|" * len(header), *lines])


def _params(params: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for one in params:
        allowed = f" Allowed: {', '.join(f'`{value}`' for value in one['enum'])}." if one.get("enum") else ""
        default = _code(one["default"]) if "default" in one else "required"
        yield f"`{one['name']}`", _type(one), default, _text(one.get("description", "")) + allowed


def _workspaces(workspaces: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for one in workspaces:
        more = [word for word in ("optional", "readOnly") if one.get(word)]
        name = f"`{one['name']}`" + (f" ({', '.join(more)})" if more else "")
        yield name, _text(one.get("description", ""))


def _results(results: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    for one in results:
        yield f"`{one['name']}`", _type(one), _text(one.get("description", ""))


def _type(one: Mapping[str, Any]) -> str:
    keys = ", ".join(one.get("properties") or {})
    return interface.type_of(one) + (f": {keys}" if keys else "")


def _steps(spec: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    template = spec.get("stepTemplate") or {}
    for number, one in enumerate(spec["steps"]):
        image = str(one.get("image") or template.get("image") or "")
        security = (template.get("securityContext") or {}) | (one.get("securityContext") or {})
        yield f"`{one.get('name') or f'unnamed-{number}'}`", f"`{image}`", _user(security)


def _user(security: Mapping[str, Any]) -> str:
    """Who a step runs as, and which capabilities it adds."""
    added = (security.get("capabilities") or {}).get("add") or []
    more = f", with {', '.join(added)}" if added else ""
    if security.get("privileged"):
        return "privileged"
    if "runAsUser" in security:
        return f"user {security['runAsUser']}{more}"
    return f"{'any user but root' if security.get('runAsNonRoot') else 'the user of the image'}{more}"


def _needs(component: Component) -> Iterator[tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    template = component.spec.get("stepTemplate") or {}
    for step in (template, *component.spec["steps"]):
        for source, what in _sources(step):
            found.setdefault(source, set()).add(what)
    for volume in component.spec.get("volumes") or []:
        for kind, key in (("configMap", "name"), ("secret", "secretName")):
            if volume.get(kind):
                name = f"{kind[0].upper()}{kind[1:]} `{volume[kind][key]}`"
                found.setdefault(name + _if_optional(volume[kind]), set()).add(f"the volume `{volume['name']}`")
    yield from ((source, ", ".join(sorted(what))) for source, what in sorted(found.items()))
    if component.annotations.get(ROLES):
        for role in component.annotations[ROLES].split(","):
            name, _, where = role.strip().partition(" in ")
            yield f"Role `{name}`", f"the account of the run{', in the namespace of ' + where if where else ''}"


def _sources(step: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in step.get("envFrom") or []:
        for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if one.get(field):
                yield f"{kind} `{one[field]['name']}`{_if_optional(one[field])}", "its keys, as variables"
    for one in step.get("env") or []:
        for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            ref = (one.get("valueFrom") or {}).get(field)
            if ref:
                yield f"{kind} `{ref['name']}`{_if_optional(ref)}", f"its key `{ref['key']}`, as `{one['name']}`"


def _if_optional(ref: Mapping[str, Any]) -> str:
    return " (optional)" if ref.get("optional") else ""


def _code(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`".replace("|", "\\|") if text else "empty"


def _text(text: str) -> str:
    """A description on one line, as a cell of a table."""
    return " ".join(str(text).split()).replace("|", "\\|")
