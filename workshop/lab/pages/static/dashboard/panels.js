// The panels without axes: stat, gauge, bar gauge and table.

import { continuous, threshold } from "./colors.js";
import { element, svg } from "./dom.js";
import { absent, last, settings, text, valueColor } from "./fields.js";

class Panel {
  constructor(panel, body) {
    Object.assign(this, { panel, body });
  }

  // The value of a panel with a single value: its field, value and colour.
  reading(series) {
    const field = settings(this.panel, series[0]?.name ?? "");
    const value = series.length ? last(series[0].points) : undefined;
    return { field, value, color: value === undefined ? "" : threshold(field.thresholds?.steps, value) };
  }

  nothing(field) {
    this.body.replaceChildren(element("p", "reading none", field.noValue ?? "no data"));
  }
}

function spark(points, color) {
  const values = points.map(([, value]) => value).filter(Number.isFinite);
  const made = svg("svg", { class: "spark", viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" });
  if (values.length < 2) return made;
  const top = Math.max(...values, 0);
  const bottom = Math.min(...values, 0);
  const x = (i) => (i / (values.length - 1)) * 100;
  const y = (value) => (top === bottom ? 29 : 29 - ((value - bottom) / (top - bottom)) * 27);
  const line = values.map((value, i) => `${x(i).toFixed(2)},${y(value).toFixed(2)}`).join(" ");
  for (const [tag, points, paint] of [["polygon", `0,30 ${line} 100,30`, "fill"], ["polyline", line, "stroke"]]) {
    const shape = svg(tag, { points, "vector-effect": "non-scaling-stroke" });
    shape.style[paint] = color;
    if (paint === "fill") shape.style.opacity = ".12";
    else shape.style.fill = "none";
    made.append(shape);
  }
  return made;
}

export class Stat extends Panel {
  draw({ series }) {
    const { field, value, color } = this.reading(series);
    if (value === undefined) return this.nothing(field);
    const figure = element("p", "reading", text(field, value));
    figure.style.color = color;
    const parts = [figure];
    if (this.panel.options.graphMode === "area") parts.push(spark(series[0].points, color));
    return this.body.replaceChildren(...parts);
  }
}

// Three quarters of a circle, from the lower left to the lower right.
function arc(share) {
  const [from, whole] = [Math.PI * 0.75, Math.PI * 1.5];
  const at = (angle) => `${(50 + 42 * Math.cos(angle)).toFixed(2)},${(50 + 42 * Math.sin(angle)).toFixed(2)}`;
  const to = from + whole * Math.min(1, Math.max(0.001, share));
  return `M${at(from)} A42,42 0 ${to - from > Math.PI ? 1 : 0} 1 ${at(to)}`;
}

export class Gauge extends Panel {
  draw({ series }) {
    const { field, value, color } = this.reading(series);
    if (value === undefined) return this.nothing(field);
    const [low, high] = [field.min ?? 0, field.max ?? 100];
    const dial = svg("svg", { class: "dial", viewBox: "0 0 100 88", "aria-hidden": "true" });
    const track = svg("path", { class: "track", d: arc(1) });
    const filled = svg("path", { d: arc((value - low) / (high - low)) });
    filled.style.stroke = color;
    dial.append(track, filled);
    const figure = element("p", "reading", text(field, value));
    const box = element("div", "dialbox");
    box.append(dial, figure);
    return this.body.replaceChildren(box);
  }
}

export class BarGauge extends Panel {
  draw({ series }) {
    const rows = series.map((one) => ({ name: one.name, value: last(one.points) ?? 0 }));
    rows.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    const most = this.panel.fieldConfig.defaults.max ?? Math.max(...rows.map((row) => row.value), 1e-9);
    const list = element("div", "bars");
    for (const row of rows) {
      const field = settings(this.panel, row.name);
      const bar = element("span", "track");
      const filled = element("span", "filled");
      filled.style.width = `${Math.min(100, Math.max(0, (row.value / most) * 100))}%`;
      filled.style.background = threshold(field.thresholds?.steps, row.value);
      bar.append(filled);
      list.append(element("span", "", row.name), bar, element("span", "figure", text(field, row.value)));
    }
    this.body.replaceChildren(list);
  }
}

export class Table extends Panel {
  draw({ table }) {
    const { names, rows } = table;
    const fields = names.map((name) => settings(this.panel, name));
    const numbers = rows.flatMap((row) => [...row.values()]).filter(Number.isFinite);
    const [low, high] = [Math.min(0, ...numbers), Math.max(...numbers, 1e-9)];
    const made = element("table");
    const top = element("tr");
    for (const [i, name] of names.entries()) {
      const cell = element("th", i ? "end" : "", name.replace("\\", " \\ "));
      cell.scope = "col";
      top.append(cell);
    }
    const head = element("thead");
    head.append(top);
    const body = element("tbody");
    for (const row of rows) {
      const line = element("tr");
      for (const [i, name] of names.entries()) line.append(this.cell(fields[i], row.get(name), i === 0, low, high));
      body.append(line);
    }
    made.append(head, body);
    const box = element("div", "table");
    // A table that is wider than its panel scrolls, so it must be reachable by keyboard.
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", this.panel.title);
    box.append(made);
    this.body.replaceChildren(box);
  }

  cell(field, value, first, low, high) {
    const shown = value === undefined || value === null ? absent(field) : text(field, value);
    const cell = element(first ? "th" : "td", first ? "" : "end figure", shown);
    if (first) cell.scope = "row";
    if (field.custom?.cellOptions?.type === "color-background" && typeof value === "number") {
      const share = (value - low) / (high - low);
      cell.classList.add("shaded");
      if (field.color?.mode?.startsWith("continuous")) {
        // Not too dark for text on it.
        cell.style.background = continuous(share, 0.4);
      } else {
        cell.style.background = valueColor(field, value, low, high);
      }
    }
    return cell;
  }
}
