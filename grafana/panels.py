"""The panels: each function returns one, with the title, the description that teaches, and the unit."""

from __future__ import annotations

from typing import Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    LineInterpolation,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana import queries
from grafana.config import DATASOURCE, POSITIVE

GREEN, YELLOW, RED = "green", "#EAB839", "red"
SOURCE = DataSourceRef(type_val="prometheus", uid=DATASOURCE)


class _Panel(Protocol):
    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def datasource(self, datasource: DataSourceRef) -> Self: ...
    def span(self, w: int) -> Self: ...
    def height(self, h: int) -> Self: ...
    def with_target(self, target: Builder[Dataquery]) -> Self: ...


_P = TypeVar("_P", bound=_Panel)


# -- the service -------------------------------------------------------------------------------------------


def request_rate() -> stat.Panel:
    """How much the model is asked."""
    panel = _stat("Requests", "Predictions asked for, a second, over all predictors.", "reqps", 6)
    return panel.with_target(_query(queries.request_rate()))


def error_ratio() -> stat.Panel:
    """How much of it fails."""
    panel = _stat(
        "Failed",
        "Share of requests that the server failed (5xx). A caller's mistake (4xx) is not one.",
        "percentunit",
        6,
    )
    return panel.thresholds(_thresholds(GREEN, (0.01, YELLOW), (0.05, RED))).with_target(_query(queries.error_ratio()))


def slow_answers() -> stat.Panel:
    """How long the slow ones take."""
    panel = _stat("p95 latency", "19 of 20 answers are faster than this.", "s", 6)
    return panel.thresholds(_thresholds(GREEN, (0.1, YELLOW), (0.5, RED))).with_target(_query(queries.latency(0.95)))


def servers() -> stat.Panel:
    """How many servers run."""
    panel = _stat(
        "Servers up",
        "Model servers that answered Prometheus's last scrape; red when there is none.",
        "none",
        6,
    )
    return panel.thresholds(_thresholds(RED, (1, GREEN))).with_target(_query(queries.servers_up()))


def requests_by_predictor() -> timeseries.Panel:
    """Who answers: the picture of a canary."""
    panel = _series(
        "Requests by predictor",
        "During a canary or an A/B test each predictor gets its share; after a promotion one is left.",
        "reqps",
        12,
    )
    return _stacked(panel).with_target(
        _query(queries.request_rate_by_predictor(), "{{deployment_name}} / {{predictor_name}}")
    )


def requests_by_code() -> timeseries.Panel:
    """What the answers are."""
    panel = _series(
        "Requests by status",
        "200 is a prediction, 4xx a request that was refused with a reason, 5xx a failure of the service.",
        "reqps",
        12,
    )
    for codes, color in (("/^2/", "green"), ("/^4/", "yellow"), ("/^5/", "red")):
        panel = panel.override_by_regexp(codes, [_fixed(color)])
    return _stacked(panel).with_target(_query(queries.request_rate_by_code(), "{{code}}"))


def latency() -> timeseries.Panel:
    """How long answers take."""
    panel = _series(
        "Latency",
        "Half of the answers are faster than p50, 99 of 100 faster than p99. Estimated inside histogram "
        "buckets, the lowest of which ends at 5 ms.",
        "s",
        12,
    )
    for quantile, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
        panel = panel.with_target(_query(queries.latency(quantile), name))
    return panel.thresholds(_thresholds("transparent", (0.5, RED))).thresholds_style(
        common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
    )


def model_errors() -> timeseries.Panel:
    """When the model's own code fails."""
    panel = _series(
        "Errors in the model's code",
        "Calls in which the model raised, or returned what cannot be sent. Zero in a healthy service.",
        "cps",
        12,
    )
    return panel.with_target(_query(queries.model_error_rate(), "{{method}}"))


# -- what the model says -----------------------------------------------------------------------------------


def predictions_by_class() -> timeseries.Panel:
    """What is predicted."""
    panel = _series("Predictions by class", "Rows predicted a second. A request may hold many rows.", "cps", 8)
    return _stacked(panel).with_target(_query(queries.predictions_by_class(), "{{class}}"))


def positive_share() -> timeseries.Panel:
    """The first sign of drift."""
    panel = _series(
        f"Share predicted {POSITIVE}",
        "Compare it with the share in the training data. When it moves, the data or the model has "
        "changed; it needs no truth, so it is the first sign.",
        "percentunit",
        8,
    )
    return panel.min(0).max(1).with_target(_query(queries.positive_share_by_predictor(), "{{predictor_name}}"))


def probability_deciles() -> bargauge.Panel:
    """How sure the model is."""
    panel = _common(
        bargauge.Panel(),
        "Predicted probability, by tenths",
        f"How many rows got which probability of being {POSITIVE}, over the chosen time. "
        "Mass at both ends is a sure model; a hill in the middle is one that does not know.",
        "short",
        8,
        8,
    )
    return (
        panel.orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .decimals(0)
        .min(0)
        .reduce_options(_last())
        .with_target(_query(queries.probability_deciles(), "0.{{decile}}", instant=True))
    )


# -- what happened -----------------------------------------------------------------------------------------


def accuracy() -> stat.Panel:
    """How often the model is right."""
    panel = _stat(
        "Accuracy",
        "Share of predictions that turned out right, of those whose truth came back over the chosen time.",
        "percentunit",
        4,
    )
    return panel.thresholds(_thresholds(RED, (0.6, YELLOW), (0.7, GREEN))).with_target(
        _query(queries.accuracy(), instant=True)
    )


def precision() -> stat.Panel:
    """How much a warning is worth."""
    panel = _stat(
        "Precision",
        f"Of the rows predicted {POSITIVE}, the share that were. Low: false alarms.",
        "percentunit",
        4,
    )
    return panel.with_target(_query(queries.precision(), instant=True))


def recall() -> stat.Panel:
    """How much is caught."""
    panel = _stat(
        "Recall",
        f"Of the rows that were {POSITIVE}, the share that was predicted. Low: surprises.",
        "percentunit",
        4,
    )
    return panel.with_target(_query(queries.recall(), instant=True))


def confusion() -> table.Panel:
    """Which mistakes it makes."""
    panel = _common(
        table.Panel(),
        "Confusion matrix",
        "Rows: what happened. Columns: what was predicted. Counters, so a restart loses nothing.",
        "short",
        6,
        8,
    )
    by = {"columnField": "predicted", "rowField": "actual", "valueField": "Value", "emptyValue": "zero"}
    return (
        panel.decimals(0)
        .with_transformation(DataTransformerConfig(id_val="groupingToMatrix", options=by))
        .with_target(_query(queries.confusion(), instant=True).format(PromQueryFormat.TABLE))
    )


def feedback_rate() -> timeseries.Panel:
    """Whether truth arrives at all."""
    panel = _series(
        "Truth received",
        "Feedback calls a second. Without truth the panels of this row say nothing.",
        "cps",
        6,
    )
    return panel.with_target(_query(queries.feedback_rate(), "feedback"))


# -- the look ----------------------------------------------------------------------------------------------


def _common(panel: _P, title: str, description: str, unit: str, span: int, height: int) -> _P:
    return panel.title(title).description(description).unit(unit).datasource(SOURCE).span(span).height(height)


def _stat(title: str, description: str, unit: str, span: int) -> stat.Panel:
    panel = _common(stat.Panel(), title, description, unit, span, 4 if span == 6 else 8)
    return (
        panel.graph_mode(BigValueGraphMode.NONE if span < 6 else BigValueGraphMode.AREA)
        .color_mode(BigValueColorMode.VALUE)
        .reduce_options(_last())
        .no_value("no data")
        .thresholds(_thresholds("text"))
    )


def _series(title: str, description: str, unit: str, span: int) -> timeseries.Panel:
    panel = _common(timeseries.Panel(), title, description, unit, span, 8)
    return (
        panel.line_width(2)
        .fill_opacity(8)
        .line_interpolation(LineInterpolation.LINEAR)
        .show_points(VisibilityMode.NEVER)
        .min(0)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )


def _stacked(panel: timeseries.Panel) -> timeseries.Panel:
    return panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(30)


def _fixed(color: str) -> DynamicConfigValue:
    return DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color})


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _thresholds(base: str, *steps: tuple[float, str]) -> ThresholdsConfig:
    """Colours by value: `base` below the first step, then each step's colour from its value on."""
    every = [Threshold(value=None, color=base), *(Threshold(value=at, color=color) for at, color in steps)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(every)


def _query(expr: str, legend: str = "", *, instant: bool = False) -> prometheus.Dataquery:
    query = prometheus.Dataquery().expr(expr).legend_format(legend).datasource(SOURCE)
    return query.instant() if instant else query.range()
