// The bar chart panel: vertical bars from a table, side by side for each of its columns of numbers.

import { faded } from "./colors.js";
import { lineColor, settings, text } from "./fields.js";
import { Plot } from "./plot.js";

const GROUP = 0.8; // the share of the space between two ticks that bars take

export class BarChart extends Plot {
  draw({ table }) {
    const x = this.panel.options.xField ?? table.names[0];
    this.names = table.names.filter((name) => name !== x);
    const field = settings(this.panel, x);
    this.labels = table.rows.map((row) => text(field, row.get(x)));
    this.columns = this.names.map((name) => table.rows.map((row) => row.get(name) ?? null));
    this.colors = this.names.map((name, i) => lineColor(settings(this.panel, name), i));
    const positions = this.labels.map((_, i) => i);
    this.show([...this.names, this.labels.length].join("\n"), [positions, ...this.columns], this.options());
    this.showLegend();
  }

  options() {
    const { defaults } = this.panel.fieldConfig;
    const width = GROUP / Math.max(1, this.names.length);
    const fill = (defaults.custom?.fillOpacity ?? 80) / 100;
    const left = (n) => (_, __, from, to) =>
      Array.from({ length: to - from + 1 }, (___, i) => from + i - GROUP / 2 + (n + 0.5) * width);
    return {
      cursor: { y: false, x: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { time: false, range: () => [-0.5, Math.max(1, this.labels.length) - 0.5] },
        y: this.valueScale(),
      },
      axes: [
        {
          ...this.axis(), size: 30, grid: { show: false },
          splits: (plot) => this.labels.map((_, i) => i).filter((i) => i % Math.ceil(520 / plot.width) === 0),
          values: (_, ticks) => ticks.map((tick) => this.labels[tick] ?? ""),
        },
        this.valueAxis(),
      ],
      series: [{}, ...this.names.map((name, n) => ({
        label: name,
        stroke: this.colors[n],
        fill: faded(this.colors[n], fill),
        width: 1,
        points: { show: false },
        paths: uPlot.paths.bars({
          disp: { x0: { unit: 1, values: left(n) }, size: { unit: 1, values: () => [width * 0.94] } },
        }),
      }))],
      hooks: { setCursor: [() => this.showLegend()] },
    };
  }

  showLegend() {
    const index = this.plot?.cursor.idx;
    const under = index !== null && index !== undefined && this.plot.cursor.left >= 0;
    const items = this.names.map((name, i) =>
      this.item(this.colors[i], name, under ? this.format(this.columns[i][index]) : undefined));
    this.describe(this.labels.map((label, i) =>
      `${label}: ${this.columns.map((column) => this.format(column[i])).join(" and ")}`));
    if (under) items.unshift(this.item("", this.labels[index], undefined, "moment"));
    this.legend.replaceChildren(...items);
  }
}
