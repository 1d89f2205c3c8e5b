"""The house style of our panels: what a number, a curve, a bar and a table look like, said once."""

from typing import NamedTuple, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphGradientMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${source}")
TAG = "aidc"
REFRESH = "15s"
HEIGHT = 8


class Query(NamedTuple):
    """An expression, and the name of each of its series by its labels."""

    expression: str
    legend: str = ""


AnyPanel = TypeVar("AnyPanel", stat.Panel, bargauge.Panel, timeseries.Panel)

NOTHING = "–"
"""What a panel shows where there is nothing to show, unless it knows why."""
Limits = tuple[tuple[float, str], ...]
"""Colours from which value on, the lowest first."""


def number(
    title: str,
    text: str,
    *queries: Query,
    unit: str = "short",
    width: int = 4,
    limits: Limits = (),
    empty: str = NOTHING,
) -> stat.Panel:
    """Plain numbers, as they are now."""
    panel = stat.Panel().unit(unit).graph_mode(BigValueGraphMode.NONE).orientation(VizOrientation.AUTO)
    panel.reduce_options(_last()).color_mode(BigValueColorMode.VALUE if limits else BigValueColorMode.NONE)
    panel.thresholds(_thresholds(limits)).no_value(empty).title(title).description(text).datasource(SOURCE)
    return _at(panel, queries, width, instant=True)


def bars(
    title: str,
    text: str,
    *queries: Query,
    unit: str = "short",
    width: int = 12,
    limits: Limits = (),
    empty: str = NOTHING,
) -> bargauge.Panel:
    """Values side by side, as they are now."""
    panel = bargauge.Panel().unit(unit).orientation(VizOrientation.HORIZONTAL).reduce_options(_last()).min(0)
    panel.thresholds(_thresholds(limits)).no_value(empty).title(title).description(text).datasource(SOURCE)
    return _at(panel, queries, width, instant=True)


def curves(
    title: str,
    text: str,
    *queries: Query,
    unit: str = "short",
    width: int = 12,
    stacked: bool = False,
    empty: str = NOTHING,
) -> timeseries.Panel:
    """Values over time."""
    panel = timeseries.Panel().unit(unit).min(0).fill_opacity(25 if stacked else 5).title(title).description(text)
    panel.no_value(empty)
    panel.gradient_mode(GraphGradientMode.NONE).datasource(SOURCE)
    panel.tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    panel.legend(
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    return _at(panel, queries, width, instant=False)


def rows(
    title: str,
    text: str,
    query: Query,
    columns: tuple[str, ...],
    unit: str = "short",
    width: int = 12,
    empty: str = NOTHING,
) -> table.Panel:
    """One row a series: the labels named, then the value."""
    order = {name: place for place, name in enumerate((*columns, "Value"))}
    tidy = DataTransformerConfig(
        id_val="organize",
        options={"includeByName": dict.fromkeys(order, True), "indexByName": order, "excludeByName": {"Time": True}},
    )
    panel = table.Panel().unit(unit).with_transformation(tidy).no_value(empty).title(title).description(text)
    panel.datasource(SOURCE).with_target(_target(0, query, instant=True).format(PromQueryFormat.TABLE))
    return panel.span(width).height(HEIGHT)


def board(name: str, title: str, text: str, hours: int) -> dashboard.Dashboard:
    """An empty dashboard that shows so many hours, for whichever Prometheus is chosen."""
    return (
        dashboard.Dashboard(title)
        .uid(f"aidc-{name}")
        .description(text)
        .tags([TAG])
        .refresh(REFRESH)
        .time(f"now-{hours}h", "now")
        .timezone("browser")
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("aidc")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .keep_time(True)
        )
        .with_variable(dashboard.DatasourceVariable("source").label("Prometheus").type("prometheus"))
    )


def choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """A label value to choose, such as a company."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": query, "refId": name})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    )


def row(title: str) -> dashboard.Row:
    """A heading across the dashboard."""
    return dashboard.Row(title)


def _at(panel: AnyPanel, queries: tuple[Query, ...], width: int, *, instant: bool) -> AnyPanel:
    for place, query in enumerate(queries):
        panel.with_target(_target(place, query, instant=instant))
    return panel.span(width).height(HEIGHT)


def _target(place: int, query: Query, *, instant: bool) -> prometheus.Dataquery:
    target = prometheus.Dataquery().expr(query.expression).ref_id(chr(ord("A") + place)).datasource(SOURCE)
    target = target.legend_format(query.legend or "__auto")
    return target.instant() if instant else target.range()


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _thresholds(limits: Limits) -> dashboard.ThresholdsConfig:
    steps = [Threshold(value=None, color="blue"), *(Threshold(value=value, color=color) for value, color in limits)]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
