// Draws a Grafana dashboard from its JSON: the layout, the refresh, and for each panel its queries. The
// panel types are in panels.js, timeseries.js and similar files; the name of an unsupported type is shown instead.

import { marks } from "./annotations.js";
import { BarChart } from "./barchart.js";
import { element } from "./dom.js";
import { transformed } from "./frames.js";
import { Heatmap } from "./heatmap.js";
import { BarGauge, Gauge, Stat, Table } from "./panels.js";
import { legend, query, Unavailable } from "./queries.js";
import { TimeSeries } from "./timeseries.js";
import { Times } from "./times.js";
import { interpolate, Variables } from "./variables.js";

const TYPES = {
  barchart: BarChart, bargauge: BarGauge, gauge: Gauge, heatmap: Heatmap, stat: Stat, table: Table, timeseries: TimeSeries,
};

const grid = document.getElementById("panels");
const form = document.getElementById("controls");
const word = document.getElementById("word");
const fresh = document.getElementById("fresh");
const firing = document.getElementById("firing");
const dashboard = JSON.parse(document.getElementById("dashboard").textContent);
const prometheus = grid.dataset.prometheus;

let timer = 0;
let busy = false;
let again = false;
let drawn = false;

// -- the layout

// A panel with what Grafana fills in: a dashboard that a person writes may leave it out.
function whole(panel, at) {
  const fieldConfig = { defaults: { custom: {}, ...panel.fieldConfig?.defaults }, overrides: panel.fieldConfig?.overrides ?? [] };
  const gridPos = { x: 0, y: 9 * at, w: 24, h: 9 };
  return { id: at, title: "", gridPos, options: {}, targets: [], transformations: [], ...panel, fieldConfig };
}

// Rows and the panels below them. Each row can be folded.
function lay(panels) {
  const made = [];
  let body = null;
  let top = 0;
  for (const panel of panels.map(whole)) {
    if (panel.type === "row" || !body) {
      body = group(panel.type === "row" ? panel.title : "");
      top = panel.type === "row" ? panel.gridPos.y + panel.gridPos.h : 0;
      if (panel.type === "row") continue;
    }
    made.push(place(panel, body, top));
  }
  return made.filter(Boolean);
}

function group(title) {
  const fold = element("details", "row");
  fold.open = true;
  const summary = element("summary");
  summary.append(element("h2", "", title));
  const body = element("div", "grid");
  fold.append(summary, body);
  if (title) grid.append(fold);
  else grid.append(body);
  return body;
}

function place(panel, parent, top) {
  const section = element("section", `panel type-${panel.type}`);
  const { x, y, w, h } = panel.gridPos;
  for (const [name, value] of [["--x", x + 1], ["--y", y - top + 1], ["--w", w], ["--h", h]]) {
    section.style.setProperty(name, value);
  }
  const title = element("h3", "", panel.title);
  title.id = `panel-${panel.id}`;
  section.setAttribute("aria-labelledby", title.id);
  const head = element("header");
  const about = help(panel);
  head.append(title, enlarger(panel, section), about.node);
  const body = element("div", "body");
  const note = element("p", "note");
  note.hidden = true;
  section.append(head, body, note);
  parent.append(section);
  if (!(panel.type in TYPES)) {
    body.textContent = `Panels of type ${panel.type} are drawn by Grafana only.`;
    return null;
  }
  const view = new TYPES[panel.type](panel, body, (start, end) => times.set(start, end, true));
  return { panel, section, note, title, about, view };
}

// The description, and below it the queries as they were sent.
function help(panel) {
  const node = element("details");
  const mark = element("summary", "", "?");
  mark.ariaLabel = `About ${panel.title}`;
  mark.title = panel.description ?? "";
  const box = element("div", "about");
  const queries = element("div");
  box.append(element("p", "", panel.description), queries);
  node.append(mark, box);
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    node.open = false;
    mark.focus();
  });
  document.addEventListener("click", (event) => {
    if (!node.contains(event.target)) node.open = false;
  });
  const show = (sent) => {
    if (node.open) return;
    queries.replaceChildren(...sent.map((expr) => {
      const line = element("p", "sent");
      line.append(element("code", "", expr));
      if (prometheus) {
        const link = element("a", "", "Ask Prometheus");
        link.href = `${prometheus}/graph?${new URLSearchParams({ "g0.expr": expr, "g0.tab": "0" })}`;
        link.target = "_blank";
        link.rel = "noreferrer";
        line.append(" ", link);
      }
      return line;
    }));
  };
  return { node, show };
}

function enlarger(panel, section) {
  const button = element("button", "enlarge", "⤢");
  button.type = "button";
  const set = (large) => {
    section.classList.toggle("large", large);
    document.body.classList.toggle("has-large", large);
    button.ariaPressed = String(large);
    button.ariaLabel = button.title = large ? "Back to all panels" : `Enlarge ${panel.title}`;
  };
  set(false);
  button.addEventListener("click", () => set(!section.classList.contains("large")));
  section.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && section.classList.contains("large")) set(false);
  });
  return button;
}

// -- the data

async function fill({ panel, section, note, title, about, view }, range, found) {
  title.textContent = variables.filled(panel.title);
  const sent = panel.targets.map((target) => interpolate(target.expr, variables.chosen, range));
  about.show(sent);
  try {
    const answers = await Promise.all(panel.targets.map(async (target, i) => {
      const series = await query(sent[i], range, target.instant);
      const name = (labels) => variables.filled(legend(target.legendFormat, labels));
      return { refId: target.refId, series: series.map((one) => ({ ...one, name: name(one.labels) })) };
    }));
    const series = answers.flatMap((answer) => answer.series);
    const empty = !series.some((one) => one.points.some(([, value]) => Number.isFinite(value)));
    const table = transformed(answers, panel.transformations);
    view.draw({ series, table, range, marks: found, filled: (text) => variables.filled(text) });
    const hasOwnText = ["stat", "gauge"].includes(panel.type);
    note.hidden = !empty || hasOwnText;
    section.classList.toggle("empty", empty && !hasOwnText);
    note.textContent = variables.filled(panel.fieldConfig.defaults.noValue ?? "No data in this time");
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    note.hidden = false;
    note.textContent = error.message;
  }
}

// The lab renders the list and escapes the alerts' texts.
async function showAlerts() {
  const answer = await fetch("/dashboards/alerts", { cache: "no-store" }).catch(() => null);
  if (!answer?.ok) return;
  const list = new DOMParser().parseFromString(`<ul>${await answer.text()}</ul>`, "text/html").querySelector("ul");
  if (list.innerHTML !== firing.innerHTML) firing.replaceChildren(...list.childNodes);
}

async function refresh() {
  if (document.hidden) return;
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  grid.ariaBusy = "true";
  const range = times.range();
  showAlerts();
  try {
    const some = await variables.refresh(range);
    const found = await marks(dashboard.annotations?.list, variables.chosen, range);
    await Promise.all(panels.map((panel) => fill(panel, range, found)));
    word.hidden = true;
    fresh.hidden = some;
    grid.hidden = false;
    drawn = true;
  } catch (error) {
    word.hidden = false;
    // Keep old lines when there are any; else show the text alone, without an empty frame.
    grid.hidden = !drawn;
    word.querySelector("p").textContent = error.message;
  } finally {
    busy = false;
    grid.ariaBusy = "false";
    if (again) {
      again = false;
      refresh();
    }
  }
}

function schedule() {
  clearInterval(timer);
  const seconds = Number(form.elements.every.value);
  if (seconds) timer = setInterval(refresh, seconds * 1000);
}

const times = new Times(form, dashboard.time?.from, refresh);
const variables = new Variables(dashboard.templating?.list ?? [], document.getElementById("variables"), refresh);
const panels = lay(dashboard.panels);
form.elements.every.value = String(parseInt(dashboard.refresh, 10) || 10);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  refresh();
});
form.elements.every.addEventListener("change", schedule);
document.addEventListener("visibilitychange", refresh);
// Links to other dashboards keep the deployment and the time.
for (const link of document.querySelectorAll("a[data-dashboard]")) {
  link.addEventListener("click", () => { link.search = location.search; });
}
function recolor() {
  for (const { view } of panels) view.forget?.();
  refresh();
}
document.addEventListener("theme", recolor);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
schedule();
refresh();
