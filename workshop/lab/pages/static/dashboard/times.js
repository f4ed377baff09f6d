// The time range: relative until now, or between two times. The address contains it as in Grafana (`from`, `to`), so
// that a link opens the same range.

import { SCRAPE } from "./variables.js";

const SECONDS = { s: 1, m: 60, h: 3600, d: 86400 };
const POINTS = 240; // points of a line: as many as are visible in a third of a screen

function seconds(from) {
  const found = /^now-(\d+)([smhd])$/.exec(from ?? "");
  return found ? Number(found[1]) * SECONDS[found[2]] : 0;
}

export class Times {
  constructor(form, preset, changed) {
    Object.assign(this, { form, changed, between: null });
    const { range, from, to, back } = form.elements;
    const address = new URLSearchParams(location.search);
    const [start, end] = [Number(address.get("from")), Number(address.get("to"))];
    const wanted = address.get("from") ?? preset;
    range.value = [...range.options].some((option) => option.value === wanted) ? wanted : "now-30m";
    if (end > start && start > 0) this.set(start / 1000, end / 1000);
    range.addEventListener("change", () => {
      if (range.value === "between") {
        const now = this.range();
        this.set(now.start, now.end);
        from.focus();
      } else {
        this.between = null;
        this.keep();
      }
      this.show();
      changed();
    });
    for (const input of [from, to]) {
      input.addEventListener("change", () => {
        const [a, b] = [from, to].map((one) => new Date(one.value).getTime() / 1000);
        const right = b > a;
        to.setCustomValidity(right ? "" : "The end lies before the beginning.");
        to.reportValidity();
        if (right) this.set(a, b, true);
      });
    }
    back.addEventListener("click", () => {
      this.between = null;
      range.value = this.before ?? "now-30m";
      this.keep();
      this.show();
      changed();
    });
    this.show();
  }

  set(start, end, notify = false) {
    const { range } = this.form.elements;
    if (range.value !== "between") this.before = range.value;
    this.between = { start: Math.floor(start), end: Math.ceil(Math.max(end, start + 30)) };
    range.value = "between";
    this.keep();
    this.show();
    if (notify) this.changed();
  }

  range() {
    const length = this.between ? this.between.end - this.between.start : seconds(this.form.elements.range.value) || 1800;
    const end = this.between?.end ?? Math.floor(Date.now() / 1000 / SCRAPE) * SCRAPE;
    return { start: end - length, end, step: Math.max(SCRAPE, Math.ceil(length / POINTS / SCRAPE) * SCRAPE) };
  }

  show() {
    const { range, back, from, to } = this.form.elements;
    const exact = range.value === "between";
    back.hidden = !exact;
    this.form.querySelector(".between").hidden = !exact;
    if (!exact) return;
    for (const [input, time] of [[from, this.between.start], [to, this.between.end]]) {
      // The input takes local time without a zone.
      const at = new Date(time * 1000);
      input.value = new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
    }
  }

  keep() {
    const address = new URL(location.href);
    const { between } = this;
    address.searchParams.set("from", between ? between.start * 1000 : this.form.elements.range.value);
    address.searchParams.set("to", between ? between.end * 1000 : "now");
    history.replaceState(null, "", address);
  }
}
