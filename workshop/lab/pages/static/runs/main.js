// A page that follows its run: after a server-sent event it requests its live part and changes only the differences.
// Every link works without this script; it saves the reload.

import { _ } from "../texts.js";
import { keepTime } from "./clock.js";
import { showEvidence } from "./evidence.js";
import { draw, move } from "./graph.js";
import { syncLogs } from "./logs.js";
import { morph } from "./morph.js";

const live = document.getElementById("live");
const stale = document.getElementById("stale");
const announced = document.getElementById("announced");
let source = null;
let tag = "";
let requested = "";
let busy = false;
let again = false;
let states = seen();

function seen() {
  return new Map([...live.querySelectorAll("[data-state]")].map((one) => [one.dataset.key ?? one.id, one.dataset.state]));
}

// A screen reader announces changes of state, not every second.
function announce() {
  const now = seen();
  const changed = [...now].filter(([key, state]) => states.has(key) && states.get(key) !== state);
  if (changed.length) announced.textContent = changed.map(([key, state]) => `${key}: ${state}`).join(". ");
  states = now;
}

function settle() {
  const nodes = document.getElementById("nodes");
  if (nodes) draw(nodes, document.getElementById("arrows"));
  syncLogs(live);
  showEvidence(live);
  keepTime(live);
}

async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  const url = new URL(location.href);
  url.hash = "";
  url.searchParams.set("part", "live");
  try {
    const headers = tag && requested === url.href ? { "If-None-Match": tag } : {};
    const answer = await fetch(url, { headers, cache: "no-store" });
    if (answer.status === 401 || answer.status === 404) location.reload();
    stale.hidden = answer.ok || answer.status === 304;
    if (answer.ok) {
      tag = answer.headers.get("ETag") ?? "";
      requested = url.href;
      const fresh = new DOMParser().parseFromString(`<div id="live">${await answer.text()}</div>`, "text/html");
      morph(live, fresh.getElementById("live"));
      announce();
      settle();
    }
  } catch {
    stale.hidden = false;
  } finally {
    busy = false;
    if (again) { again = false; refresh(); }
  }
}

function follow() {
  source?.close();
  source = null;
  // A hidden page makes no requests: a browser has six connections to a server, and other tabs need them.
  if (document.hidden) return;
  const mine = new EventSource(live.dataset.events);
  source = mine;
  mine.addEventListener("changed", refresh);
  mine.addEventListener("error", () => {
    stale.hidden = false;
    // The browser reconnects by itself unless it was refused.
    if (mine.readyState === EventSource.CLOSED && source === mine) setTimeout(follow, 2000);
  });
}

async function look(link) {
  history.replaceState(null, "", link.getAttribute("href"));
  await refresh();
  const panel = document.getElementById("panel");
  const task = document.getElementById("panel-title")?.textContent.trim();
  if (task) announced.textContent = _("{task} is shown", { task });
  // If the panel is below the graph, scroll to it.
  if (panel && panel.getBoundingClientRect().top > innerHeight * 0.7) panel.scrollIntoView();
}

async function answer(form, button) {
  const refused = form.querySelector("[role=alert]");
  refused.textContent = "";
  for (const one of form.querySelectorAll("button")) one.disabled = true;
  try {
    const reply = await fetch(form.dataset.approval, {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ answer: button.value, message: form.elements.message.value }),
    });
    if (!reply.ok) refused.textContent = (await reply.json()).error;
  } catch {
    refused.textContent = _("The lab does not answer; nothing was changed.");
  }
  for (const one of form.querySelectorAll("button")) one.disabled = false;
  refresh();
}

live.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-look]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  look(link);
});
live.addEventListener("keydown", (event) => {
  const nodes = document.getElementById("nodes");
  if (event.key.startsWith("Arrow") && nodes?.contains(event.target) && move(nodes, event.target, event.key)) {
    event.preventDefault();
  }
});
live.addEventListener("toggle", () => syncLogs(live), true);
live.addEventListener("submit", (event) => {
  if (!event.target.dataset.approval) return;
  event.preventDefault();
  answer(event.target, event.submitter);
});
document.getElementById("filters")?.addEventListener("change", (event) => event.currentTarget.requestSubmit());
document.addEventListener("visibilitychange", () => { follow(); syncLogs(live); });
addEventListener("pagehide", () => { source?.close(); source = null; });
addEventListener("pageshow", (event) => { if (event.persisted) follow(); });
settle();
follow();
