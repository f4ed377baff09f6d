// The variables of a dashboard: what they may be, what is chosen, and the text of a query with them filled in.

import { labelValues } from "./queries.js";

const LABEL_VALUES = /^label_values\((?:(.+),\s*)?([a-zA-Z_]\w*)\)$/;
const ALL = "$__all";
export const SCRAPE = 5; // seconds between two looks of the lab's Prometheus

export function interpolate(text, chosen, range) {
  const step = range ? range.step : SCRAPE;
  const built = {
    __interval: `${step}s`,
    // As Grafana: at least four scrapes, so that a rate always sees two.
    __rate_interval: `${Math.max(step + SCRAPE, 4 * SCRAPE)}s`,
    __range: range ? `${Math.round(range.end - range.start)}s` : "1h",
    __range_s: range ? `${Math.round(range.end - range.start)}` : "3600",
  };
  return text.replace(/\$\{(\w+)(?::\w+)?\}|\$(\w+)/g, (whole, braced, bare) => {
    const name = braced ?? bare;
    return built[name] ?? chosen.get(name)?.pattern ?? whole;
  });
}

// PromQL reads the value as a regular expression inside a double-quoted string.
function escaped(value) {
  return value.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\\/g, "\\\\").replace(/"/g, '\\"');
}

export class Variables {
  constructor(list, form, changed) {
    this.list = list.filter((variable) => variable.type === "query");
    this.form = form;
    this.changed = changed;
    this.chosen = new Map();
    const wanted = new URLSearchParams(location.search);
    for (const variable of this.list) this.choose(variable, wanted.get(`var-${variable.name}`) ?? ALL);
  }

  choose(variable, value) {
    const pattern = value === ALL ? (variable.allValue ?? ".*") : escaped(value);
    this.chosen.set(variable.name, { value, pattern });
  }

  // Ask for the values of each, in order: a later one may depend on an earlier one.
  async refresh(range) {
    for (const variable of this.list) {
      const text = typeof variable.query === "string" ? variable.query : variable.query.query;
      const found = LABEL_VALUES.exec(text);
      if (!found) throw new Error(`variable ${variable.name}: only label_values(series, label) is known here`);
      const values = await labelValues(found[2], interpolate(found[1] ?? "", this.chosen, range), range);
      this.show(variable, values);
    }
  }

  show(variable, values) {
    let select = this.form.querySelector(`select[name="${variable.name}"]`);
    if (!select) {
      const label = document.createElement("label");
      label.append(`${variable.label ?? variable.name} `);
      select = document.createElement("select");
      select.name = variable.name;
      select.addEventListener("change", () => {
        this.choose(variable, select.value);
        const address = new URL(location.href);
        address.searchParams.set(`var-${variable.name}`, select.value);
        history.replaceState(null, "", address);
        this.changed();
      });
      label.append(select);
      this.form.prepend(label);
      for (const before of this.list) {
        const known = this.form.querySelector(`select[name="${before.name}"]`)?.parentElement;
        if (known) this.form.querySelector(".times").before(known);
      }
    }
    const chosen = this.chosen.get(variable.name).value;
    const options = [ALL, ...new Set([...values, ...(chosen === ALL ? [] : [chosen])])];
    const now = [...select.options].map((option) => option.value);
    if (options.join("\n") === now.join("\n")) return;
    select.replaceChildren(...options.map((value) => new Option(value === ALL ? "All" : value, value)));
    select.value = chosen;
  }
}
