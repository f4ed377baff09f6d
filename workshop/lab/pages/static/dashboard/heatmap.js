// The heatmap panel: a column of cells for each time, a row for each series or bucket; higher values are darker.

import { continuous } from "./colors.js";
import { Plot } from "./plot.js";

// Rows from the lowest up. Buckets are cumulative, so subtract the one below from each.
function rowsOf(series, buckets) {
  const number = (name) => (name === "+Inf" ? Infinity : Number(name));
  const sorted = [...series].sort((a, b) => number(a.name) - number(b.name));
  const all = sorted.map((one) => ({ name: one.name, at: new Map(one.points) }));
  if (!buckets) return all;
  return all.map((row, i) => ({
    name: row.name,
    at: new Map([...row.at].map(([time, value]) => [time, Math.max(0, value - (i ? all[i - 1].at.get(time) ?? 0 : 0))])),
  }));
}

export class Heatmap extends Plot {
  draw({ series, range, marks }) {
    Object.assign(this, { range, marks });
    this.buckets = this.panel.targets[0].format === "heatmap";
    const rows = rowsOf(series, this.buckets);
    const seen = (row) => [...row.at.values()].some((value) => value > 0);
    // Leave out empty buckets; tenths are a scale and stay.
    const above = rows.findLastIndex(seen);
    this.rows = this.buckets ? rows.slice(0, Math.max(above + 1, Math.min(3, rows.length))) : rows;
    this.most = Math.max(...this.rows.flatMap((row) => [...row.at.values()].filter(Number.isFinite)), 0);
    const times = [...new Set(this.rows.flatMap((row) => [...row.at.keys()]))].sort((a, b) => a - b);
    this.show(this.rows.map((row) => row.name).join("\n"), [times, times.map(() => 0)], this.options());
    this.showLegend();
  }

  options() {
    const every = Math.max(1, Math.ceil(this.rows.length / 10));
    return {
      cursor: { ...this.cursor(), y: true, points: { show: false } },
      scales: { x: this.timeScale(), y: { range: () => [0, Math.max(1, this.rows.length)] } },
      axes: [
        this.timeAxis(),
        {
          ...this.axis(), size: 68, grid: { show: false },
          splits: () => this.rows.map((_, i) => i + 0.5).filter((_, i) => i % every === 0),
          values: (_, ticks) => ticks.map((tick) => this.label(this.rows[Math.floor(tick)])),
        },
      ],
      series: [{}, { stroke: "transparent", points: { show: false } }],
      hooks: this.hooks(() => this.showLegend(), (plot) => this.paint(plot)),
    };
  }

  label(row) {
    if (!row) return "";
    const unit = this.panel.options.yAxis?.unit;
    if (!this.buckets) return row.name;
    return row.name === "+Inf" ? "more" : `≤ ${this.format(Number(row.name), unit)}`;
  }

  paint(plot) {
    const { ctx, bbox } = plot;
    const exponent = this.panel.options.color?.exponent ?? 0.5;
    const width = (this.range.step / (this.range.end - this.range.start)) * bbox.width;
    const height = bbox.height / Math.max(1, this.rows.length);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const [i, row] of this.rows.entries()) {
      const y = bbox.top + bbox.height - (i + 1) * height;
      for (const [time, value] of row.at) {
        if (!(value > 0)) continue;
        ctx.fillStyle = continuous((value / this.most) ** exponent);
        // A point of a range query covers the time before it.
        ctx.fillRect(plot.valToPos(time, "x", true) - width, y + 1, Math.ceil(width), Math.max(1, height - 2));
      }
    }
    ctx.restore();
  }

  showLegend() {
    const { plot } = this;
    const moment = plot ? this.moment(plot) : [];
    const row = plot && this.rows[Math.floor(plot.posToVal(plot.cursor.top, "y"))];
    const items = moment.map((word) => this.item("", word, undefined, "moment"));
    if (moment.length && row && plot.cursor.top >= 0) {
      const value = row.at.get(plot.data[0][plot.cursor.idx]);
      items.push(this.item("", this.label(row), this.format(value)));
    } else {
      items.push(this.item(continuous(0.1), "0"), this.item(continuous(1), "most:", this.format(this.most)));
    }
    this.describe([`${this.rows.length} rows, at most ${this.format(this.most)}`]);
    this.legend.replaceChildren(...items);
  }
}
