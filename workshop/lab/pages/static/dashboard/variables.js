// The variables of a dashboard: their options, the chosen values, and queries with the values filled in.

import { element } from "./dom.js";
import { labelValues } from "./queries.js";

const LABEL_VALUES = /^label_values\((?:(.+),\s*)?([a-zA-Z_]\w*)\)$/;
const ALL = "$__all";
export const SCRAPE = 5; // seconds; the scrape interval of the lab's Prometheus

export function interpolate(text, chosen, range) {
  const whole = range ? Math.round(range.end - range.start) : 3600;
  const step = range ? range.step : SCRAPE;
  const built = {
    __interval: `${step}s`,
    // As in Grafana: at least four scrapes, so that a rate always has two points.
    __rate_interval: `${Math.max(step + SCRAPE, 4 * SCRAPE)}s`,
    __range: `${whole}s`,
    __range_s: String(whole),
  };
  return text.replace(/\$\{(\w+)(?::\w+)?\}|\$(\w+)/g, (found, braced, bare) => {
    const name = braced ?? bare;
    return built[name] ?? chosen.get(name)?.pattern ?? found;
  });
}

const quoted = (value) => value.replace(/\\/g, "\\\\").replace(/"/g, '\\"');
// PromQL reads the value as a regular expression inside a double-quoted string.
const escaped = (value) => quoted(value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));

export class Variables {
  constructor(list, box, changed) {
    // The data source cannot be chosen: there is one Prometheus.
    this.list = list.filter((variable) => variable.type !== "datasource");
    Object.assign(this, { box, changed, chosen: new Map(), controls: new Map() });
    const wanted = new URLSearchParams(location.search);
    for (const variable of this.list) {
      const given = wanted.getAll(`var-${variable.name}`);
      const current = variable.includeAll ? [ALL] : [variable.current?.value].flat().filter(Boolean);
      this.choose(variable, given.length ? given : current);
      const control = variable.multi ? new Several(variable, this) : new One(variable, this);
      this.controls.set(variable.name, control);
      box.append(control.node);
      if (variable.type === "custom") control.offer(variable.query.split(","), this.chosen.get(variable.name).values);
    }
  }

  choose(variable, values) {
    let pattern = variable.allValue ?? ".*";
    if (!values.includes(ALL)) {
      pattern = variable.multi ? values.map(escaped).join("|") : quoted(values[0] ?? "");
      if (variable.multi && values.length > 1) pattern = `(${pattern})`;
    }
    this.chosen.set(variable.name, { values, pattern });
  }

  picked(variable, values) {
    this.choose(variable, values);
    const address = new URL(location.href);
    address.searchParams.delete(`var-${variable.name}`);
    for (const value of values) if (value !== ALL) address.searchParams.append(`var-${variable.name}`, value);
    history.replaceState(null, "", address);
    this.changed();
  }

  // A text with the chosen values instead of the variables' names, for display.
  filled(text) {
    return text.replace(/\$(\w+)/g, (whole, name) => this.chosen.get(name)?.values.join(", ") ?? whole);
  }

  // Query the values of each, in order: a later one may depend on an earlier one. False if there are variables and no values.
  async refresh(range) {
    const asked = this.list.filter((one) => one.type === "query");
    let some = !asked.length;
    for (const variable of asked) {
      const text = typeof variable.query === "string" ? variable.query : variable.query.query;
      const found = LABEL_VALUES.exec(text);
      if (!found) throw new Error(`variable ${variable.name}: only label_values(series, label) is known here`);
      const values = await labelValues(found[2], interpolate(found[1] ?? "", this.chosen, range), range);
      some ||= values.length > 0;
      const now = this.chosen.get(variable.name).values;
      if (!variable.includeAll && !now.length && values.length) this.choose(variable, [values[0]]);
      this.controls.get(variable.name).offer(values, this.chosen.get(variable.name).values);
    }
    return some;
  }
}

// A choice of one value.
class One {
  constructor(variable, variables) {
    this.node = element("label", "", `${variable.label ?? variable.name} `);
    if (variable.description) this.node.title = variable.description;
    this.select = element("select");
    this.select.name = variable.name;
    this.select.addEventListener("change", () => variables.picked(variable, [this.select.value]));
    this.node.append(this.select);
  }

  offer(values, chosen) {
    const all = [...new Set([...values, ...chosen])];
    if (all.join("\n") !== [...this.select.options].map((option) => option.value).join("\n")) {
      this.select.replaceChildren(...all.map((value) => new Option(value, value)));
    }
    this.select.disabled = !all.length;
    this.select.value = chosen[0] ?? "";
  }
}

// A choice of several values, or of all.
class Several {
  constructor(variable, variables) {
    Object.assign(this, { variable, variables });
    this.node = element("details", "several");
    this.word = element("summary");
    this.list = element("div", "choices");
    this.node.append(this.word, this.list);
    this.list.addEventListener("change", (event) => {
      const on = [...this.list.querySelectorAll("input:checked")].map((input) => input.value);
      const all = event.target.value === ALL || !on.length;
      variables.picked(variable, all ? [ALL] : on.filter((value) => value !== ALL));
    });
    this.node.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.node.open = false;
        this.word.focus();
      }
    });
    document.addEventListener("click", (event) => {
      if (!this.node.contains(event.target)) this.node.open = false;
    });
  }

  offer(values, chosen) {
    const all = [...new Set([...(this.variable.includeAll ? [ALL] : []), ...values, ...chosen])];
    const shown = chosen.includes(ALL) ? "All" : chosen.join(", ");
    this.word.replaceChildren(`${this.variable.label ?? this.variable.name} `, element("b", "", shown));
    const key = `${all.join("\n")}\n\n${chosen.join("\n")}`;
    if (key === this.key) return;
    this.key = key;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.value : null;
    this.list.replaceChildren(...all.map((value) => {
      const label = element("label");
      const box = element("input");
      Object.assign(box, { type: "checkbox", value, name: this.variable.name, checked: chosen.includes(value) });
      label.append(box, ` ${value === ALL ? "All" : value}`);
      return label;
    }));
    if (focused) [...this.list.querySelectorAll("input")].find((input) => input.value === focused)?.focus();
  }
}
