// The cost of errors by threshold: the counts and the gate's checks come from the lab, the arithmetic is here.

import { _ } from "../texts.js";

const form = document.getElementById("choices");
const word = document.getElementById("word");
const summary = document.getElementById("summary");
const sources = document.getElementById("sources");
const [missed, alarm, slider, shown] = ["missed", "alarm", "threshold", "value"].map((id) => document.getElementById(id));
const { positive, negative } = form.dataset;
const TITLES = { test: _("The model's test"), production: _("Production, feedback of a day") };
const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [600, 180];

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function drawn(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const sum = (values) => values.reduce((all, one) => all + one, 0);
const share = (part, whole) => (whole ? `${((100 * part) / whole).toFixed(1)} %` : "unknown");
const number = (value) => value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 2 : 0 });

// The counts at the threshold where each bin begins.
function outcomes({ scores }) {
  return scores.positive.map((_, at) => ({
    hits: sum(scores.positive.slice(at)),
    misses: sum(scores.positive.slice(0, at)),
    alarms: sum(scores.negative.slice(at)),
    rejections: sum(scores.negative.slice(0, at)),
  }));
}

class Source {
  constructor(name, found, model) {
    Object.assign(this, { name, found, model });
    this.card = element("section", undefined, { class: "card", "aria-labelledby": `${name}-title` });
    this.card.append(element("h2", TITLES[name], { id: `${name}-title` }));
    if (found.missing) {
      this.card.append(element("p", found.missing, { class: "empty" }));
      return;
    }
    this.outcomes = outcomes(found);
        this.card.append(element("p", _("{count} rows with truth, in steps of {step}.", { count: found.rows.toLocaleString("en"), step: found.step.toFixed(2) }), { class: "quiet small" }));
    this.body = element("div");
    this.card.append(this.body);
  }

  // The bin that begins at the threshold, or the last one before it.
  at(threshold) {
    return Math.min(this.outcomes.length - 1, Math.floor(threshold / this.found.step + 1e-9));
  }

  costs(prices) {
    const one = ({ misses, alarms }) => (1000 * (prices.missed * misses + prices.alarm * alarms)) / this.found.rows;
    return this.outcomes.map(one);
  }

  // The threshold that costs least.
  best(prices) {
    const costs = this.costs(prices);
    return costs.indexOf(Math.min(...costs)) * this.found.step;
  }

  draw(threshold, prices) {
    if (!this.outcomes) return;
    const at = this.at(threshold);
    const now = this.outcomes[at];
    const costs = this.costs(prices);
    const parts = [];
    if (Math.abs(at * this.found.step - threshold) > 1e-6) {
      parts.push(element("p", _("At {at}, the step before {threshold}.", { at: (at * this.found.step).toFixed(2), threshold: threshold.toFixed(2) }), { class: "small" }));
    }
    parts.push(
      this.figures([
        [_("Cost of 1,000 rows"), number(costs[at])],
        [_("Precision"), share(now.hits, now.hits + now.alarms)],
        [_("Recall"), share(now.hits, now.hits + now.misses)],
        [_("Costs least at"), this.best(prices).toFixed(2)],
      ]),
      this.curve(costs, at, prices),
      this.matrix(now),
      ...this.gate(this.found.checks[at]),
    );
    this.body.replaceChildren(...parts);
  }

  figures(pairs) {
    const list = element("dl", undefined, { class: "figures" });
    for (const [title, value] of pairs) {
      const box = element("div");
      box.append(element("dt", title), element("dd", value, { class: "number" }));
      list.append(box);
    }
    return list;
  }

  curve(costs, at, prices) {
    const most = Math.max(...costs, 1e-9);
    const x = (bin) => (bin / (costs.length - 1)) * WIDTH;
    const y = (cost) => HEIGHT - 8 - (cost / most) * (HEIGHT - 16);
    const best = Math.round(this.best(prices) / this.found.step);
    const label = _("Cost of 1,000 rows by threshold. It is least at {threshold}.", { threshold: this.best(prices).toFixed(2) });
    const picture = drawn("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, class: "curve" });
    picture.append(
      drawn("line", { class: "base", x1: 0, x2: WIDTH, y1: HEIGHT - 8, y2: HEIGHT - 8 }),
      drawn("polyline", { points: costs.map((cost, bin) => `${x(bin).toFixed(1)},${y(cost).toFixed(1)}`).join(" ") }),
      drawn("line", { class: "now", x1: x(at), x2: x(at), y1: 0, y2: HEIGHT - 8 }),
      drawn("circle", { class: "best", cx: x(best), cy: y(costs[best]), r: 6 }),
      drawn("circle", { class: "now", cx: x(at), cy: y(costs[at]), r: 6 }),
    );
    const ends = element("p", undefined, { class: "quiet small between" });
    ends.append(element("span", _("threshold 0")), element("span", _("○ costs least   ● now")), element("span", "1"));
    const box = element("div");
    box.append(picture, ends);
    return box;
  }

  matrix({ hits, misses, alarms, rejections }) {
    const table = element("table", undefined, { class: "matrix" });
    table.append(element("caption", _("Rows by outcome and prediction")));
    const top = element("tr");
    for (const text of [_("outcome"), _("predicted {outcome}", { outcome: positive }), _("predicted {outcome}", { outcome: negative })]) top.append(element("th", text, { scope: "col" }));
    const head = element("thead");
    head.append(top);
    const body = element("tbody");
    for (const [name, ...counts] of [[positive, hits, misses], [negative, alarms, rejections]]) {
      const row = element("tr");
      row.append(element("th", name, { scope: "row" }), ...counts.map((count) => element("td", count.toLocaleString("en"), { class: "number" })));
      body.append(row);
    }
    table.append(head, body);
    return table;
  }

  gate(checks) {
    const failed = checks.filter((check) => !check.passed);
    const verdict = element("p");
    const text = failed.length ? _("The gate would be closed: {checks}", { checks: failed.map((check) => check.name).join(", ") }) : _("The gate would be open");
    verdict.append(element("span", text, { class: `state ${failed.length ? "bad" : "ok"}` }));
    const list = element("ul", undefined, { class: "plain small checks" });
    for (const check of checks) {
      const line = element("li");
      line.append(element("span", check.name, { class: `state ${check.passed ? "ok" : "bad"}` }), _(" {measured}, allowed: {allowed}", check));
      list.append(line);
    }
    const more = element("details");
    more.open = this.open ?? false;
    more.addEventListener("toggle", () => { this.open = more.open; });
    more.append(element("summary", _("All checks")), list);
    return [verdict, more];
  }
}

function draw(all) {
  const prices = { missed: Math.max(0, Number(missed.value) || 0), alarm: Math.max(0, Number(alarm.value) || 0) };
  const threshold = Number(slider.value);
  shown.value = threshold.toFixed(2);
  for (const source of all) source.draw(threshold, prices);
  const test = all.find((source) => source.outcomes);
  if (test) {
    const [now, least] = [test.costs(prices)[test.at(threshold)], Math.min(...test.costs(prices))];
    const more = now - least > 0.005 * least ? _(", {cost} more than at {threshold}", { cost: number(now - least), threshold: test.best(prices).toFixed(2) }) : _(", the least");
    summary.textContent = _("A threshold of {threshold} costs {cost} in 1,000 rows of {where}{more}.", { threshold: threshold.toFixed(2), cost: number(now), where: test.name === "test" ? _("the test") : _(test.name), more });
  }
}

// The address keeps the choices. Browsers limit how often it may change, so a slider in motion does not change it.
function keep() {
  const address = new URL(location.href);
  for (const [name, value] of [["missed", missed.value], ["alarm", alarm.value], ["threshold", slider.value]]) address.searchParams.set(name, value);
  history.replaceState(null, "", address);
}

function begin(answer) {
  const model = answer.model;
  const all = Object.entries(answer.sources).map(([name, found]) => new Source(name, found, model));
  sources.replaceChildren(...all.map((source) => source.card));
  const asked = new URLSearchParams(location.search);
  for (const [input, name, otherwise] of [[missed, "missed", "5"], [alarm, "alarm", "1"], [slider, "threshold", String(model.threshold)]]) {
    input.value = asked.get(name) ?? otherwise;
  }
  const set = (value) => { slider.value = value; draw(all); keep(); };
  form.addEventListener("input", () => draw(all));
  form.addEventListener("change", keep);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("own").addEventListener("click", () => set(model.threshold));
  const test = all.find((source) => source.outcomes);
  document.getElementById("best").addEventListener("click", () => {
    if (test) set(test.best({ missed: Number(missed.value) || 0, alarm: Number(alarm.value) || 0 }));
  });
  word.replaceChildren(element("p", _("Version {version}, {candidate}. Its own threshold is {threshold}. The bounds of the gate are those of params.yaml in your clone; the comparison with the champion needs no threshold.", model)));
  form.hidden = sources.hidden = false;
  draw(all);
}

async function load() {
  const answer = await fetch(form.dataset.numbers, { cache: "no-store" }).catch(() => null);
  if (answer?.status === 401) return location.reload();
  const body = await answer?.json().catch(() => null);
  if (answer?.ok && body) return begin(body);
  word.className = "notice warn";
  return word.replaceChildren(element("p", body?.error ?? _("The lab does not answer. See: workshop status.")));
}

load();
