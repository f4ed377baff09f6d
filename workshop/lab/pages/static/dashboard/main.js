// Draws a Grafana dashboard from its JSON: the layout, the time range, the refresh. What a panel type is, is told in
// panels.js and timeseries.js; a type that is not there is named instead of drawn.

import { BarGauge, Stat, Table } from "./panels.js";
import { TimeSeries } from "./timeseries.js";
import { legend, query, Unavailable } from "./queries.js";
import { interpolate, SCRAPE, Variables } from "./variables.js";

const TYPES = { bargauge: BarGauge, stat: Stat, table: Table, timeseries: TimeSeries };
const RANGES = { "now-5m": 300, "now-15m": 900, "now-30m": 1800, "now-1h": 3600, "now-3h": 10800, "now-6h": 21600,
                 "now-24h": 86400, "now-7d": 604800 };

const grid = document.getElementById("panels");
const form = document.getElementById("controls");
const word = document.getElementById("word");
const dashboard = JSON.parse(document.getElementById("dashboard").textContent);

let zoomed = null;
let timer = 0;
let busy = false;
let drawn = false;

function range() {
  if (zoomed) return { ...zoomed, step: step(zoomed.end - zoomed.start) };
  const seconds = RANGES[form.elements.range.value] ?? 1800;
  const end = Math.floor(Date.now() / 1000 / SCRAPE) * SCRAPE;
  return { start: end - seconds, end, step: step(seconds) };
}

function step(seconds) {
  return Math.max(SCRAPE, Math.ceil(seconds / 360 / SCRAPE) * SCRAPE);
}

function zoom(start, end) {
  zoomed = { start: Math.floor(start), end: Math.ceil(Math.max(end, start + 30)) };
  form.elements.back.hidden = false;
  refresh();
}

function place(panel) {
  const section = document.createElement("section");
  const { x, y, w, h } = panel.gridPos;
  section.style.setProperty("--x", x + 1);
  section.style.setProperty("--y", y + 1);
  section.style.setProperty("--w", w);
  section.style.setProperty("--h", h);
  const title = document.createElement("h2");
  title.textContent = panel.title;
  if (panel.type === "row") {
    section.className = "row";
    section.append(title);
    grid.append(section);
    return null;
  }
  section.className = `panel ${panel.type}`;
  const head = document.createElement("header");
  head.append(title);
  if (panel.description) {
    const about = document.createElement("details");
    const mark = document.createElement("summary");
    mark.textContent = "?";
    mark.ariaLabel = `About ${panel.title}`;
    mark.title = panel.description;
    const text = document.createElement("p");
    text.textContent = panel.description;
    about.append(mark, text);
    head.append(about);
  }
  const body = document.createElement("div");
  body.className = "body";
  const note = document.createElement("p");
  note.className = "note";
  note.hidden = true;
  section.append(head, body, note);
  grid.append(section);
  if (!(panel.type in TYPES)) {
    body.textContent = `Panels of type ${panel.type} are drawn by Grafana only.`;
    return null;
  }
  return { panel, note, section, view: new TYPES[panel.type](panel, body, zoom) };
}

async function fill({ panel, note, view }, now) {
  try {
    const answers = await Promise.all(panel.targets.map(async (target) => {
      const found = await query(interpolate(target.expr, variables.chosen, now), now, target.instant);
      return found.map((one) => ({ ...one, name: legend(target.legendFormat, one.labels) }));
    }));
    const series = answers.flat();
    view.draw(series, now);
    const empty = !series.some((one) => one.points.some(([, value]) => Number.isFinite(value)));
    note.hidden = !empty || panel.type === "stat";
    note.textContent = "No data in this time";
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    note.hidden = false;
    note.textContent = error.message;
  }
}

async function refresh() {
  if (busy || document.hidden) return;
  busy = true;
  const now = range();
  try {
    await variables.refresh(now);
    await Promise.all(panels.map((panel) => fill(panel, now)));
    word.hidden = true;
    grid.hidden = false;
    drawn = true;
  } catch (error) {
    word.hidden = false;
    // Old lines are better than none; an empty frame is worse than the word alone.
    grid.hidden = !drawn;
    word.querySelector("p").textContent = error.message;
  } finally {
    busy = false;
    grid.ariaBusy = "false";
  }
}

function schedule() {
  clearInterval(timer);
  const seconds = Number(form.elements.every.value);
  if (seconds) timer = setInterval(refresh, seconds * 1000);
}

const variables = new Variables(dashboard.templating?.list ?? [], form, refresh);
const panels = dashboard.panels.map(place).filter(Boolean);
form.elements.range.value = dashboard.time?.from in RANGES ? dashboard.time.from : "now-30m";
form.elements.every.value = String(parseInt(dashboard.refresh, 10) || 10);
form.addEventListener("submit", (event) => event.preventDefault());
form.elements.range.addEventListener("change", () => { zoomed = null; form.elements.back.hidden = true; refresh(); });
form.elements.back.addEventListener("click", () => { zoomed = null; form.elements.back.hidden = true; refresh(); });
form.elements.every.addEventListener("change", schedule);
document.addEventListener("visibilitychange", refresh);
function recolor() {
  for (const { view } of panels) view.remake = true;
  refresh();
}
document.addEventListener("theme", recolor);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
schedule();
refresh();
