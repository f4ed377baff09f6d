// The timeseries panel, drawn by uPlot: lines or stacked areas, thresholds, a legend that follows the cursor.

import { css, faded, named, override, series as palette } from "./colors.js";
import { format } from "./units.js";

const SYNC = "dashboard";

// Series with different times become columns of one table, as uPlot wants them; missing points are null.
function table(series) {
  const times = [...new Set(series.flatMap((one) => one.points.map(([time]) => time)))].sort((a, b) => a - b);
  const columns = series.map((one) => {
    const at = new Map(one.points);
    return times.map((time) => (Number.isFinite(at.get(time)) ? at.get(time) : null));
  });
  return [times, columns];
}

function stacked(columns) {
  const sums = [];
  return columns.map((column) => column.map((value, i) => {
    sums[i] = (sums[i] ?? 0) + (value ?? 0);
    return sums[i];
  }));
}

// Twenty-four hours, and the date only where a day is the step.
function clock(time, every) {
  const at = new Date(time * 1000);
  if (every >= 86400) return at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return at.toLocaleTimeString("en-GB", {
    hour: "2-digit", minute: "2-digit", second: every < 60 ? "2-digit" : undefined,
  });
}

export class TimeSeries {
  constructor(panel, body, zoom) {
    Object.assign(this, { panel, body, zoom, plot: null });
    this.box = document.createElement("div");
    this.box.className = "plot";
    this.legend = document.createElement("ul");
    this.legend.className = "legend";
    body.replaceChildren(this.box, this.legend);
    this.observer = new ResizeObserver(() => this.plot?.setSize(this.size()));
    this.observer.observe(this.box);
  }

  size() {
    return { width: Math.max(80, this.box.clientWidth), height: Math.max(60, this.box.clientHeight) };
  }

  draw(series, range) {
    this.range = range;
    const names = series.map((one) => one.name).join("\n");
    const [times, columns] = table(series);
    this.raw = columns;
    const stack = this.panel.fieldConfig.defaults.custom?.stacking?.mode === "normal" && series.length > 0;
    const data = [times, ...(stack ? stacked(columns) : columns)];
    if (!this.plot || names !== this.names || this.remake) {
      this.plot?.destroy();
      this.names = names;
      this.remake = false;
      this.plot = new uPlot(this.options(series, stack), data, this.box);
    } else {
      this.plot.setData(data, false);
      this.plot.setScale("x", { min: range.start, max: range.end });
    }
    this.showLegend(null);
  }

  options(series, stack) {
    const { defaults } = this.panel.fieldConfig;
    const custom = defaults.custom ?? {};
    const text = css("--muted");
    const grid = { stroke: css("--line"), width: 1 };
    this.colors = series.map((one, i) => override(this.panel, one.name) ?? palette(i));
    const fill = (custom.fillOpacity ?? 0) / 100;
    const axis = { stroke: text, grid, ticks: { ...grid, size: 4 }, font: "12px system-ui, sans-serif" };
    const soft = defaults.max === undefined ? 0.1 : 0;
    return {
      ...this.size(),
      padding: [10, 12, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: SYNC }, y: false, points: { size: 6 }, drag: { x: true, y: false } },
      scales: {
        x: { time: true, range: () => [this.range.start, this.range.end] },
        y: { range: {
          min: { pad: 0, hard: defaults.min ?? undefined, soft: 0, mode: 1 },
          max: { pad: soft, hard: defaults.max ?? undefined, soft: defaults.max ?? 0, mode: defaults.max ? 1 : 2 },
        } },
      },
      axes: [
        { ...axis, size: 30, space: 70, values: (_, ticks, __, ___, every) => ticks.map((tick) => clock(tick, every)) },
        { ...axis, size: 72, space: 32, values: (_, ticks) => ticks.map((tick) => format(tick, defaults.unit)) },
      ],
      series: [{}, ...series.map((one, i) => ({
        label: one.name,
        stroke: this.colors[i],
        width: custom.lineWidth ?? 1,
        fill: fill && !(stack && i > 0) ? faded(this.colors[i], fill) : undefined,
        points: { show: one.points.length === 1 },
        spanGaps: false,
      }))],
      bands: stack
        ? series.slice(1).map((_, i) => ({ series: [i + 2, i + 1], fill: faded(this.colors[i + 1], fill) }))
        : [],
      hooks: {
        draw: [(plot) => this.thresholds(plot)],
        setCursor: [(plot) => this.showLegend(plot.cursor.idx)],
        setSelect: [(plot) => {
          if (plot.select.width < 8) return;
          const at = (x) => plot.posToVal(x, "x");
          this.zoom(at(plot.select.left), at(plot.select.left + plot.select.width));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        }],
      },
    };
  }

  thresholds(plot) {
    const { defaults } = this.panel.fieldConfig;
    const mode = defaults.custom?.thresholdsStyle?.mode ?? "off";
    if (mode === "off") return;
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.setLineDash(mode === "dashed" ? [6, 6] : []);
    for (const step of defaults.thresholds?.steps ?? []) {
      const y = step.value === null ? NaN : plot.valToPos(step.value, "y", true);
      if (!(y >= bbox.top && y <= bbox.top + bbox.height)) continue;
      ctx.strokeStyle = named(step.color);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(bbox.left + bbox.width, y);
      ctx.stroke();
    }
    ctx.restore();
  }

  // The values under the cursor, or the last ones.
  showLegend(index) {
    const items = (this.names ? this.names.split("\n") : []).map((name, i) => {
      const column = this.raw[i] ?? [];
      const value = index === null || index === undefined ? column.findLast((v) => v !== null) : column[index];
      const item = document.createElement("li");
      const key = document.createElement("span");
      key.className = "key";
      key.style.background = this.colors[i];
      const figure = document.createElement("span");
      figure.className = "figure";
      figure.textContent = format(value, this.panel.fieldConfig.defaults.unit);
      item.append(key, name, " ", figure);
      return item;
    });
    this.legend.replaceChildren(...items);
  }
}
