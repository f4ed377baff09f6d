// The timeseries panel, drawn by uPlot: lines or stacked areas, thresholds, a legend that follows the cursor.

import { faded, named } from "./colors.js";
import { element } from "./dom.js";
import { lineColor, settings, text } from "./fields.js";
import { Plot } from "./plot.js";

// Series become columns of one table, as uPlot requires: a row for each step of the query. Where a series has no
// point, null leaves a gap in its line.
function table(series, { start, end, step }) {
  const times = Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, i) => start + i * step);
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

export class TimeSeries extends Plot {
  hidden = new Set();

  draw({ series, range, filled, marks }) {
    Object.assign(this, { given: { series, range, filled, marks }, range, marks });
    this.fields = series.map((one) => settings(this.panel, one.name, filled));
    this.colors = this.fields.map((field, i) => lineColor(field, i));
    this.names = series.map((one) => one.name);
    const at = series.map((_, i) => i).filter((i) => !this.hidden.has(this.names[i]));
    const [times, columns] = table(at.map((i) => series[i]), range);
    this.values = new Map(at.map((i, n) => [i, columns[n]]));
    const stack = this.panel.fieldConfig.defaults.custom?.stacking?.mode === "normal" && at.length > 0;
    const shape = at.map((i) => this.names[i]).join("\n") + stack;
    this.show(shape, [times, ...(stack ? stacked(columns) : columns)], this.options(at, stack));
    this.showLegend();
  }

  options(at, stack) {
    const lines = at.map((i) => {
      const { custom } = this.fields[i];
      const fill = (custom.fillOpacity ?? 0) / 100;
      return { color: this.colors[i], fill: fill ? faded(this.colors[i], fill) : undefined, custom, name: this.names[i] };
    });
    return {
      cursor: this.cursor(),
      scales: {
        x: this.timeScale(),
        y: this.valueScale(),
      },
      axes: [
        this.timeAxis(),
        this.valueAxis(),
      ],
      series: [{}, ...lines.map(({ color, fill, custom, name }, n) => ({
        label: name,
        stroke: color,
        width: custom.lineWidth ?? 1,
        dash: custom.lineStyle?.fill === "dash" ? custom.lineStyle.dash : undefined,
        fill: stack && n > 0 ? undefined : fill,
        points: { show: (plot, one) => plot.data[one].filter((value) => value !== null).length === 1 },
        spanGaps: false,
      }))],
      bands: stack ? lines.slice(1).map(({ fill }, n) => ({ series: [n + 2, n + 1], fill })) : [],
      hooks: this.hooks(() => this.showLegend(), (plot) => this.thresholds(plot)),
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
  showLegend() {
    const index = this.plot?.cursor.idx;
    const under = index !== null && index !== undefined && this.plot.cursor.left >= 0;
    const items = this.names.map((name, i) => {
      const column = this.values.get(i);
      const value = column && (under ? column[index] : column.findLast((v) => v !== null));
      const shown = column ? text(this.panel.fieldConfig.defaults, value) : "hidden";
      const item = this.item(this.colors[i], "", shown, column ? "" : "off");
      const button = element("button", "", name);
      button.type = "button";
      button.title = column ? `Hide ${name}` : `Show ${name}`;
      button.addEventListener("click", () => this.toggle(name));
      item.querySelector(".key").after(button);
      return item;
    });
    this.describe(items.map((item) => item.textContent));
    const moment = this.plot ? this.moment(this.plot) : [];
    this.legend.replaceChildren(...moment.map((word) => this.item("", word, undefined, "moment")), ...items);
  }

  toggle(name) {
    if (!this.hidden.delete(name)) this.hidden.add(name);
    this.draw(this.given);
    [...this.legend.querySelectorAll("button")].find((button) => button.textContent === name)?.focus();
  }
}
