"""The defaults of each kind of panel, so that a panel has only its own settings."""

from __future__ import annotations

from typing import Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import (
    barchart,
    bargauge,
    common,
    gauge,
    heatmap,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import (
    AxisPlacement,
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
    DashboardRangeMapOptions,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    RangeMap,
    Threshold,
    ThresholdsMode,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode, HeatmapColorScale
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from grafana.config import DATASOURCE

GREEN, YELLOW, RED, BLUE, ORANGE = "green", "#EAB839", "red", "blue", "orange"
PLAIN = "text"
"""Neutral: the colour of text."""
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


# -- kinds of panels; spans are of the 24 columns ------------------------------------------------------------


def figure(title: str, description: str, unit: str, span: int = 4, height: int = 4) -> stat.Panel:
    """One number with its history as a sparkline."""
    return (
        _common(stat.Panel(), title, description, unit, span, height)
        .graph_mode(BigValueGraphMode.AREA)
        .color_mode(BigValueColorMode.VALUE)
        .reduce_options(_last())
        .no_value("no data")
        .thresholds(thresholds(PLAIN))
    )


def dial(title: str, description: str, span: int = 4, height: int = 5) -> gauge.Panel:
    """A share on a gauge from 0 to 1."""
    return (
        _common(gauge.Panel(), title, description, "percentunit", span, height)
        .min(0)
        .max(1)
        .decimals(1)
        .reduce_options(_last())
        .no_value("no data")
        .thresholds(thresholds(BLUE))
    )


def series(title: str, description: str, unit: str, span: int = 8, *, signed: bool = False) -> timeseries.Panel:
    """Lines over time, from 0 on unless they are `signed`."""
    panel = (
        _common(timeseries.Panel(), title, description, unit, span, 8)
        .line_width(2)
        .fill_opacity(8)
        .line_interpolation(LineInterpolation.LINEAR)
        .show_points(VisibilityMode.NEVER)
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )
    return panel if signed else panel.min(0)


def bars(title: str, description: str, unit: str, span: int = 8, height: int = 8) -> bargauge.Panel:
    """A horizontal bar for each name."""
    return (
        _common(bargauge.Panel(), title, description, unit, span, height)
        .orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .min(0)
        .reduce_options(_last())
        .thresholds(thresholds(BLUE))
    )


def columns(title: str, description: str, unit: str, x: str, span: int = 8) -> barchart.Panel:
    """Vertical bars, side by side for each column of a table except `x`."""
    return (
        _common(barchart.Panel(), title, description, unit, span, 8)
        .x_field(x)
        .min(0)
        .fill_opacity(80)
        .show_value(VisibilityMode.NEVER)
        .legend(_legend())
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )


def cells(title: str, description: str, unit: str, axis: str, span: int = 8) -> heatmap.Panel:
    """A heatmap: a column of cells for each moment. `axis` is the unit of the rows."""
    color = (
        heatmap.HeatmapColorOptions()
        .mode(HeatmapColorMode.SCHEME)
        .scheme("Blues")
        .steps(64)
        .scale(HeatmapColorScale.EXPONENTIAL)
        .exponent(0.5)
    )
    return (
        _common(heatmap.Panel(), title, description, unit, span, 8)
        .calculate(False)
        .color(color)
        .cell_gap(1)
        .cell_values(heatmap.CellValues().unit(unit))
        .y_axis(heatmap.YAxisConfig().unit(axis).axis_placement(AxisPlacement.LEFT))
        .hide_legend()
    )


def grid(title: str, description: str, unit: str, span: int, height: int = 6) -> table.Panel:
    """A table."""
    return _common(table.Panel(), title, description, unit, span, height).no_value("no data")


# -- queries of panels -------------------------------------------------------------------------------------


def query(expr: str, legend: str = "") -> prometheus.Dataquery:
    """A query over the displayed time."""
    return prometheus.Dataquery().expr(expr).legend_format(legend).datasource(SOURCE).range()


def now(expr: str, legend: str = "") -> prometheus.Dataquery:
    """A query at the end of the displayed time."""
    return prometheus.Dataquery().expr(expr).legend_format(legend).datasource(SOURCE).instant()


def rows(expr: str) -> prometheus.Dataquery:
    """A query at the end of the displayed time, with a table row for each series."""
    return now(expr).format(PromQueryFormat.TABLE)


def buckets(expr: str) -> prometheus.Dataquery:
    """Cumulative buckets over time. The panel computes the differences."""
    return query(expr, "{{le}}").format(PromQueryFormat.HEATMAP)


def matrix(row: str, column: str, empty: str = "zero") -> list[DataTransformerConfig]:
    """One row for each value of a label, one column for each value of another; both in order."""
    options = {"columnField": column, "rowField": row, "valueField": "Value", "emptyValue": empty}
    return [
        _sorted(column),
        _sorted(row),
        DataTransformerConfig(id_val="groupingToMatrix", options=options),
    ]


def joined(names: dict[str, str], largest: str = "") -> list[DataTransformerConfig]:
    """Join the tables of several queries, rename the columns and sort the rows.

    The order is that of the first column, or with `largest` the rows with the largest values of that column come first.
    """
    organized = {
        "excludeByName": {"Time": True},
        "indexByName": {name: at for at, name in enumerate(names)},
        "renameByName": names,
    }
    return [
        DataTransformerConfig(id_val="merge", options={}),
        DataTransformerConfig(id_val="organize", options=organized),
        _sorted(largest or next(iter(names.values())), descending=bool(largest)),
    ]


def _sorted(field: str, descending: bool = False) -> DataTransformerConfig:
    order = {"field": field, "desc": descending}
    return DataTransformerConfig(id_val="sortBy", options={"fields": {}, "sort": [order]})


def stacked(panel: timeseries.Panel) -> timeseries.Panel:
    """Stack the series, because they add up."""
    return panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(30)


def limit(panel: timeseries.Panel, at: float, color: str = RED) -> timeseries.Panel:
    """Draw a threshold as a dashed line."""
    style = common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
    return panel.thresholds(thresholds("transparent", (at, color))).thresholds_style(style)


def bounds(first: float, last: float) -> list[ValueMapping]:
    """Show a time at or outside the first and the last bound as that bound: `≤ 0.1 ms`, `≥ 10 s`."""
    return [_range(None, first, f"≤ {seconds(first)}"), _range(last, None, f"≥ {seconds(last)}")]


def missing_as(text: str) -> DynamicConfigValue:
    """Show a text where there is no value."""
    return DynamicConfigValue(
        id_val="mappings",
        value=[{"type": "special", "options": {"match": "null+nan", "result": {"text": text, "index": 0}}}],
    )


def seconds(value: float) -> str:
    """A time in the format of the panels."""
    return f"{value:g} s" if value >= 1 else f"{value * 1000:g} ms"


def _range(low: float | None, high: float | None, text: str) -> ValueMapping:
    return RangeMap(DashboardRangeMapOptions(low, high, ValueMappingResult(text=text)))


def thresholds(base: str, *steps: tuple[float, str]) -> ThresholdsConfig:
    """Colours by value: `base` below the first step, then the colour of each step from its value on."""
    every = [Threshold(value=None, color=base), *(Threshold(value=at, color=color) for at, color in steps)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(every)


def fixed(color: str) -> list[DynamicConfigValue]:
    """Use one colour for all values."""
    return [DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": color})]


def dashed(color: str) -> list[DynamicConfigValue]:
    """Draw a series for comparison: a dashed line without an area."""
    return [
        *fixed(color),
        DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [8, 8]}),
        DynamicConfigValue(id_val="custom.fillOpacity", value=0),
        DynamicConfigValue(id_val="custom.lineWidth", value=1),
    ]


def shaded() -> FieldColor:
    """Colour by value: a larger value is darker."""
    return FieldColor().mode(FieldColorModeId.CONTINUOUS_BLUES)


def _common(panel: _P, title: str, description: str, unit: str, span: int, height: int) -> _P:
    return panel.title(title).description(description).unit(unit).datasource(SOURCE).span(span).height(height)


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])
