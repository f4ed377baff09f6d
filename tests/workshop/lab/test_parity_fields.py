"""Every field of every kind of the parity page has a row, and admission does with the field what the row says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests import parity
from tests.fields import Setting, at, settings
from workshop.lab.admission import admit
from workshop.lab.api.validation import check
from workshop.lab.api_errors import ApiError
from workshop.lab.kinds import built_in
from workshop.manifests.tekton.config import Config, FeatureFlags

ALL_FLAGS = Config(FeatureFlags(enable_api_fields="alpha", param_enum=True, cel_in_when=True))
OF_REFUSED = ("Breakpoints", "Debug", "Logger")
"""Types of refused fields whose own fields have rows too."""
SECTIONS: dict[str, tuple[Callable[[], list[parity.Row]], str]] = {
    "Tekton": (parity.tekton_rows, "CustomRun Pipeline PipelineRun StepAction Task TaskRun"),
    "Triggers": (
        parity.triggers_rows,
        "ApprovalTask ClusterInterceptor ClusterTriggerBinding EventListener Interceptor Trigger TriggerBinding "
        "TriggerTemplate",
    ),
    "Pipelines as Code": (parity.pipelinesascode_rows, "Repository"),
    "Seldon": (parity.seldon_rows, "SeldonDeployment"),
    "Routes": (parity.route_rows, "Route"),
    "BuildConfigs": (parity.builds_rows, "BuildConfig"),
    "monitoring": (parity.monitoring_rows, "AlertmanagerConfig PodMonitor PrometheusRule ServiceMonitor"),
}
KINDS = [(section, kind) for section, (_, kinds) in SECTIONS.items() for kind in kinds.split()]


@cache
def rows(section: str) -> dict[str, parity.Row]:
    found = SECTIONS[section][0]()
    known = {row.field: row for row in found}
    assert len(known) == len(found), "a field has two rows"
    return known


@cache
def of_kind(section: str, kind: str) -> tuple[Setting, ...]:
    """The fields of a kind, without those of the types of accepted and refused fields that have no rows."""
    known = rows(section)
    types = {name.partition(".")[0] for name in known}

    def entered(field: str, type_: str) -> bool:
        if type_ == "ObjectMeta":
            return False
        row = known.get(field)
        return row is None or row.status == "supported" or type_ in (OF_REFUSED if row.status == "refused" else types)

    return tuple(settings(built_in(kind).api_version, kind, entered))


def outcome(one: Setting) -> str:
    """The refusal of the object, or whether admission keeps the field."""
    kind = built_in(one.kind)
    try:
        check(kind, one.obj, "Strict")
        made = admit(kind, one.obj, None, ALL_FLAGS)
        at(made, one.path)
    except ApiError as e:
        return e.message
    except (KeyError, IndexError, TypeError):
        return "the field is dropped"
    return "admitted"


def differs(row: parity.Row | None, one: Setting, found: str) -> bool:
    if row is None:
        return True
    if row.status != "refused":
        return found != "admitted"
    named = any(re.search(rf"{re.escape(path)}(?![\w.[])", found) for path in paths(one.path))
    return not named or not has_words(row.note, found)


def has_words(note: str, found: str) -> bool:
    before, _, after = note.partition("{value}")
    return before in found and after in found


def paths(path: str) -> Iterator[str]:
    """A path, and those of the fields that it is in: an outer field may be refused before an inner one."""
    while path.count("."):
        yield path
        path = path.rpartition(".")[0]


@pytest.mark.parametrize(("section", "kind"), KINDS, ids=[kind for _, kind in KINDS])
def test_admission_does_with_each_field_what_its_row_says(section: str, kind: str) -> None:
    found = [(one.field, one.path, outcome(one), rows(section).get(one.field)) for one in of_kind(section, kind)]
    assert found
    wrong = [
        (field, path, row.status if row else "no row", result)
        for (field, path, result, row), one in zip(found, of_kind(section, kind), strict=True)
        if differs(row, one, result)
    ]
    assert wrong == []


@pytest.mark.parametrize("section", SECTIONS)
def test_each_row_is_of_a_field(section: str) -> None:
    kinds = SECTIONS[section][1].split()
    tried = {one.field for kind in kinds for one in of_kind(section, kind)}
    of_objects = {f"{kind}.{name}" for kind in kinds for name in ("apiVersion", "kind", "metadata", "spec", "status")}
    of_objects.add("Repository.pipelinerun_status")
    assert {name.partition(":")[0] for name in rows(section)} - of_objects - tried == set()
