// The panels that show values rather than lines: stat, bar gauge and table.

import { series as palette, threshold } from "./colors.js";
import { format } from "./units.js";

function last(points) {
  return points.findLast(([, value]) => Number.isFinite(value))?.[1];
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function spark(points, color) {
  const values = points.map(([, value]) => value).filter(Number.isFinite);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", "0 0 100 30");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  if (values.length < 2) return svg;
  const top = Math.max(...values, 0);
  const bottom = Math.min(...values, 0);
  const x = (i) => (i / (values.length - 1)) * 100;
  const y = (value) => (top === bottom ? 29 : 29 - ((value - bottom) / (top - bottom)) * 27);
  const line = values.map((value, i) => `${x(i).toFixed(2)},${y(value).toFixed(2)}`).join(" ");
  for (const [tag, points, paint] of [["polygon", `0,30 ${line} 100,30`, "fill"], ["polyline", line, "stroke"]]) {
    const shape = document.createElementNS("http://www.w3.org/2000/svg", tag);
    shape.setAttribute("points", points);
    shape.style[paint] = color;
    if (paint === "fill") shape.style.opacity = ".12";
    else shape.style.fill = "none";
    shape.setAttribute("vector-effect", "non-scaling-stroke");
    svg.append(shape);
  }
  return svg;
}

export class Stat {
  constructor(panel, body) {
    Object.assign(this, { panel, body });
  }

  draw(series) {
    const { defaults } = this.panel.fieldConfig;
    const value = series.length ? last(series[0].points) : undefined;
    const none = value === undefined;
    const figure = element("p", none ? "reading none" : "reading",
      none ? (defaults.noValue ?? "no data") : format(value, defaults.unit, defaults.decimals));
    if (!none) figure.style.color = threshold(defaults.thresholds?.steps, value);
    const parts = [figure];
    if (this.panel.options.graphMode === "area" && !none) parts.push(spark(series[0].points, figure.style.color));
    this.body.replaceChildren(...parts);
  }
}

export class BarGauge {
  constructor(panel, body) {
    Object.assign(this, { panel, body });
  }

  draw(series) {
    const { defaults } = this.panel.fieldConfig;
    const rows = series.map((one) => ({ name: one.name, value: last(one.points) ?? 0 }));
    rows.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    const most = defaults.max ?? Math.max(...rows.map((row) => row.value), 1e-9);
    const list = element("div", "bars");
    for (const row of rows) {
      const bar = element("span", "track");
      const filled = element("span", "filled");
      filled.style.width = `${Math.min(100, Math.max(0, (row.value / most) * 100))}%`;
      filled.style.background = palette(0);
      bar.append(filled);
      list.append(element("span", "name", row.name), bar,
        element("span", "figure", format(row.value, defaults.unit, defaults.decimals)));
    }
    this.body.replaceChildren(list);
  }
}

// Rows and columns: a series a row, or the matrix that Grafana's groupingToMatrix makes of two labels.
export class Table {
  constructor(panel, body) {
    Object.assign(this, { panel, body });
  }

  draw(series) {
    const matrix = (this.panel.transformations ?? []).find((one) => one.id === "groupingToMatrix");
    const [head, rows] = matrix ? this.matrix(series, matrix.options) : this.plain(series);
    const made = element("table");
    made.append(element("thead"), element("tbody"));
    const top = element("tr");
    for (const [i, name] of head.entries()) {
      const cell = element("th", i ? "end" : "", name);
      cell.scope = "col";
      top.append(cell);
    }
    made.tHead.append(top);
    for (const row of rows) {
      const line = element("tr");
      for (const [i, text] of row.entries()) line.append(element(i ? "td" : "th", i ? "end figure" : "", text));
      made.tBodies[0].append(line);
    }
    const box = element("div", "table");
    box.append(made);
    this.body.replaceChildren(box);
  }

  matrix(series, { columnField, rowField, emptyValue }) {
    const { unit, decimals } = this.panel.fieldConfig.defaults;
    const columns = [...new Set(series.map((one) => one.labels[columnField]))].sort();
    const names = [...new Set(series.map((one) => one.labels[rowField]))].sort();
    const rows = names.map((name) => [name, ...columns.map((column) => {
      const hit = series.find((one) => one.labels[rowField] === name && one.labels[columnField] === column);
      return hit ? format(last(hit.points), unit, decimals) : emptyValue === "zero" ? "0" : "";
    })]);
    return [[`${rowField} \\ ${columnField}`, ...columns], rows];
  }

  plain(series) {
    const { unit, decimals } = this.panel.fieldConfig.defaults;
    const labels = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].filter((n) => n !== "__name__");
    const rows = series.map((one) => [
      ...labels.map((label) => one.labels[label] ?? ""), format(last(one.points), unit, decimals)]);
    return [[...labels, "Value"], rows];
  }
}
