"""The dashboard of a served model: is it up, is it fast, what does it say, and was it right.

Nothing in it is about flights but the class names in `config.py`, so another classifier gets it for free.
"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from grafana import panels
from grafana.config import REQUESTS, UID

_ROWS = {
    "The service": (
        panels.request_rate,
        panels.error_ratio,
        panels.slow_answers,
        panels.servers,
        panels.requests_by_predictor,
        panels.requests_by_code,
        panels.latency,
        panels.model_errors,
    ),
    "What the model says": (
        panels.predictions_by_class,
        panels.positive_share,
        panels.probability_deciles,
    ),
    "What happened": (
        panels.accuracy,
        panels.precision,
        panels.recall,
        panels.confusion,
        panels.feedback_rate,
    ),
}


def build() -> Dashboard:
    """The dashboard, with ids and refIds set: the SDK leaves both empty."""
    builder = (
        dashboard.Dashboard("Model serving")
        .uid(UID)
        .description("One served model: requests, errors, latency, predictions, and how they turned out.")
        .tags(["mlops-workshop"])
        .time("now-30m", "now")
        .refresh("10s")
        .timezone("browser")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_values_of("namespace", "Namespace", f"{REQUESTS}_count"))
        .with_variable(
            _values_of("deployment", "Deployment", f'{REQUESTS}_count{{namespace=~"$namespace"}}', "deployment_name")
        )
    )
    for title, row in _ROWS.items():
        builder = builder.with_row(dashboard.Row(title))
        for panel in row:
            builder = builder.with_panel(panel())
    return _numbered(builder.build())


def _values_of(name: str, label: str, series: str, of: str = "") -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .query({"query": f"label_values({series}, {of or name})", "refId": name})
        .datasource(panels.SOURCE)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )


def _numbered(built: Dashboard) -> Dashboard:
    for number, panel in enumerate(built.panels or [], start=1):
        panel.id_val = number
        for letter, target in zip("ABCDEFGH", getattr(panel, "targets", None) or [], strict=False):
            target.ref_id = letter
    return built
