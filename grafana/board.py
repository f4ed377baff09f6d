"""The parts that all dashboards share: variables, annotations, links and ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    Panel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from grafana import queries
from grafana.config import FEATURE_REFERENCE, PLACE, REQUESTS, TARGET
from grafana.look import BLUE, RED, SOURCE

TAG = "mlops-workshop"
Rows = Mapping[str, Sequence[Callable[[], Builder[Panel]]]]


def board(title: str, uid: str, description: str, counter: str = f"{REQUESTS}_count") -> dashboard.Dashboard:
    """A dashboard without panels, with the variables that choose a deployment among those that have the counter."""
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .time("now-30m", "now")
        .refresh("10s")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .link(
            dashboard.DashboardLink("Dashboards of the workshop")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .keep_time(True)
            .include_vars(True)
        )
        .annotation(
            dashboard.AnnotationQuery()
            .name("Servers started")
            .datasource(SOURCE)
            .icon_color(BLUE)
            .expr(queries.starts())
            .use_value_for_time(True)
            .title_format("{{pod}} started")
        )
        .annotation(
            dashboard.AnnotationQuery()
            .name("Alerts")
            .datasource(SOURCE)
            .icon_color(RED)
            .expr(queries.firing())
            .title_format("{{alertname}} fires")
        )
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_values_of("namespace", "Namespace", "namespace", counter))
        .with_variable(
            _values_of("deployment", "Deployment", "deployment_name", f'{counter}{{namespace=~"$namespace"}}')
        )
        .with_variable(_several("predictor", "Predictor", "predictor_name", f"{REQUESTS}_count{{{PLACE}}}"))
        .with_variable(_several("version", "Version", "predictor_version", f"{REQUESTS}_count{{{PLACE}}}"))
    )


def choice(name: str, label: str, description: str, values: Sequence[str], chosen: str) -> dashboard.CustomVariable:
    """A variable with fixed values."""
    option = VariableOption(selected=True, text=chosen, value=chosen)
    return (
        dashboard.CustomVariable(name)
        .label(label)
        .description(description)
        .values(",".join(values))
        .current(option)
        .options([VariableOption(selected=value == chosen, text=value, value=value) for value in values])
    )


def features() -> dashboard.QueryVariable:
    """A variable for one feature of the deployment's models."""
    return _values_of("feature", "Feature", "feature", f"{FEATURE_REFERENCE}{{{PLACE}}}")


def slices(counter: str) -> dashboard.QueryVariable:
    """A variable for one of the features by whose values the quality is counted by `counter`."""
    return _values_of("slice", "Slice", "slice", f"{counter}{{{PLACE}}}")


def target() -> dashboard.QueryVariable:
    """A variable for what a regression predicts, with its unit: the titles of panels have it."""
    return _values_of("target", "Predicts", "target", f"{TARGET}{{{PLACE}}}")


def windows(builder: dashboard.Dashboard) -> dashboard.Dashboard:
    """The dashboard with the variables for windows and for an earlier time."""
    return builder.with_variable(
        choice(
            "window",
            "Averaged over",
            "The window of shares and scores over time: wider is smoother, and later.",
            ("1m", "2m", "5m", "15m", "1h", "6h", "1d"),
            "2m",
        )
    ).with_variable(
        choice(
            "compare",
            "Compared with",
            "How long ago the time lies that the present is compared with.",
            ("5m", "15m", "1h", "6h", "1d", "7d"),
            "15m",
        )
    )


def filled(builder: dashboard.Dashboard, rows: Rows) -> Dashboard:
    """The dashboard with its rows of panels, and with ids and refIds, which the SDK does not set."""
    for title, panels in rows.items():
        builder = builder.with_row(dashboard.Row(title))
        for panel in panels:
            builder = builder.with_panel(panel())
    built = builder.build()
    for number, made in enumerate(built.panels or [], start=1):
        made.id_val = number
        targets: list[Any] = getattr(made, "targets", None) or []
        for letter, target in zip("ABCDEFGH", targets, strict=False):
            target.ref_id = letter
    return built


def _values_of(name: str, label: str, of: str, series: str) -> dashboard.QueryVariable:
    """A variable for one value of a label.

    The default is the first value; `user1-production` is sorted before staging.
    """
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .query({"query": f"label_values({series}, {of})", "refId": name})
        .datasource(SOURCE)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def _several(name: str, label: str, of: str, series: str) -> dashboard.QueryVariable:
    """A variable for several values of a label, or all."""
    return (
        _values_of(name, label, of, series)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )
