// The common parts of panels with axes: the size, the axes, the annotations, the zoom by dragging.

import { css, faded, named } from "./colors.js";
import { clock, element } from "./dom.js";
import { format } from "./units.js";

const SYNC = "dashboard";

export class Plot {
  constructor(panel, body, zoom) {
    Object.assign(this, { panel, body, zoom, plot: null, marks: [] });
    this.box = element("div", "plot");
    this.box.setAttribute("role", "img");
    this.legend = element("ul", "legend");
    body.replaceChildren(this.box, this.legend);
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.box);
  }

  size() {
    return { width: Math.max(80, this.box.clientWidth), height: Math.max(60, this.box.clientHeight) };
  }

  // Data of the same shape reuses the plot; `shape` describes the plot's data.
  show(shape, data, options) {
    if (this.plot && shape === this.shape) {
      this.plot.setData(data);
      return;
    }
    this.plot?.destroy();
    this.shape = shape;
    this.plot = new uPlot({ ...this.size(), legend: { show: false }, padding: [10, 22, 0, 0], ...options }, data, this.box);
  }

  // The plot contains the theme's colours, so another theme needs another plot.
  forget() {
    this.shape = null;
  }

  axis() {
    const grid = { stroke: css("--line"), width: 1 };
    return { stroke: css("--muted"), grid, ticks: { ...grid, size: 4 }, font: "12px system-ui, sans-serif" };
  }

  timeAxis() {
    return {
      ...this.axis(), size: 30, space: 70,
      values: (_, ticks, __, ___, every) => ticks.map((tick) => clock(tick, every)),
    };
  }

  valueAxis() {
    const { unit } = this.panel.fieldConfig.defaults;
    return {
      ...this.axis(), size: 68, space: 32,
      // Bytes have ticks at powers of two.
      ...(unit === "bytes" ? { incrs: Array.from({ length: 40 }, (_, i) => 2 ** i) } : {}),
      values: (_, ticks) => ticks.map((tick) => this.format(tick)),
    };
  }

  // From the minimum to slightly above the highest value: a share of 3 % is not drawn on a scale to 100 %.
  valueScale() {
    const { min, max } = this.panel.fieldConfig.defaults;
    return { range: (_, low, high) => [min ?? Math.min(0, low ?? 0), Math.min(max ?? Infinity, (high || 1) * 1.1)] };
  }

  timeScale() {
    return { time: true, range: () => [this.range.start, this.range.end] };
  }

  cursor() {
    return { sync: { key: SYNC, scales: ["x", null] }, y: false, points: { size: 6 }, drag: { x: true, y: false } };
  }

  hooks(move, draw) {
    return {
      draw: [(plot) => this.drawMarks(plot), ...(draw ? [draw] : [])],
      setCursor: [(plot) => move(plot)],
      setSelect: [(plot) => {
        if (plot.select.width < 8) return;
        const at = (x) => plot.posToVal(x, "x");
        this.zoom(at(plot.select.left), at(plot.select.left + plot.select.width));
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      }],
    };
  }

  // A dashed line for an event, a shade for its duration.
  drawMarks(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const { time, until, color } of this.marks) {
      const x = plot.valToPos(time, "x", true);
      const ink = named(color);
      if (until) {
        ctx.fillStyle = faded(ink, 0.08);
        ctx.fillRect(x, bbox.top, plot.valToPos(until, "x", true) - x, bbox.height);
      }
      ctx.strokeStyle = faded(ink, 0.8);
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  // The text at the cursor: the time, and the annotations near it.
  moment(plot) {
    const { idx, left } = plot.cursor;
    if (idx === null || idx === undefined || left < 0) return [];
    const time = plot.data[0][idx];
    const near = (this.range.end - this.range.start) / 100;
    const shown = this.marks.filter((mark) => mark.until
      ? mark.time <= time && time <= mark.until : Math.abs(mark.time - time) <= near);
    return [clock(time, this.range.step), ...new Set(shown.map((mark) => mark.text))];
  }

  item(color, name, value, className = "") {
    const made = element("li", className);
    if (color) {
      const key = element("span", "key");
      key.style.background = color;
      made.append(key);
    }
    made.append(name);
    if (value !== undefined) made.append(" ", element("span", "figure", value));
    return made;
  }

  describe(parts) {
    this.box.ariaLabel = `${this.panel.title}. ${parts.length ? parts.join(", ") : "No data"}`;
  }

  format(value, unit = this.panel.fieldConfig.defaults.unit) {
    return format(value, unit);
  }
}
