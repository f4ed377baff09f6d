// The form: dependent choices, assumed values, and errors next to their fields.

import { make } from "./elements.js";
import { _ } from "./language.js";
import { ASSUMED, KINDS, clock, inWords } from "./reference.js";

const OWN = "own";
// The field of a column of the model, where the names differ.
const FIELD_OF = { weekday: "date" };
const MISSING = {
  origin: _("Choose where you leave from."),
  dest: _("Choose where you fly to."),
  carrier: _("Choose your airline."),
  date: _("Enter the day of departure."),
  sched_dep: _("Enter the time of departure, for example 17:30."),
};

export class Form {
  constructor(element, reference) {
    this.element = element;
    this.reference = reference;
    this.fields = element.elements;
    this.#build();
    element.addEventListener("change", (event) => this.#changed(event.target));
    element.addEventListener("input", (event) => this.#edited(event.target));
    document.getElementById("typical").addEventListener("click", () => this.#typical());
  }

  // The row for the model, by column name. Call it when `missing` returns nothing.
  row() {
    const { origin, dest, carrier, date, sched_dep } = this.#known();
    const assumed = Object.fromEntries(Object.keys(ASSUMED).map((name) => [name, this.#assumed(name)]));
    const { sched_arr, distance, plane_age, seats, ...sky } = assumed;
    const weekday = new Date(`${date}T00:00Z`).getUTCDay() || 7;
    return { weekday, sched_dep, sched_arr, carrier, origin, dest, distance, plane_age, seats, ...sky };
  }

  // The empty fields that only the user can fill in, with a hint for each.
  missing() {
    return new Map(Object.entries(MISSING).filter(([name]) => !this.fields[name].value));
  }

  // Show each error next to its field and focus the first; returns the columns without a field.
  showErrors(errors) {
    const strangers = [];
    let first = null;
    for (const [column, text] of errors) {
      const field = this.fields[FIELD_OF[column] ?? column];
      if (!field) {
        strangers.push([column, text]);
        continue;
      }
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", `${field.id}-error`);
      field.parentElement.append(make("p", { class: "error", id: `${field.id}-error` }, text));
      if (field.closest("details")) field.closest("details").open = true;
      first ??= field;
    }
    first?.focus();
    return strangers;
  }

  clearErrors() {
    for (const error of this.element.querySelectorAll(".error")) error.remove();
    for (const field of this.element.querySelectorAll("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    }
  }

  // The user's values, for the address of this flight.
  state() {
    const known = Object.keys(MISSING).map((name) => [name, this.fields[name].value]);
    return new URLSearchParams([...known, ["sky", this.fields.sky.value]].filter(([, value]) => value && value !== OWN));
  }

  restore(state) {
    for (const name of ["date", "sched_dep", "origin", "dest", "carrier"]) {
      if (state.has(name)) this.fields[name].value = state.get(name);
      this.#choices(name);
    }
    this.#assume();
    const chosen = document.getElementById(`sky-${state.get("sky")}`);
    if (chosen && !chosen.parentElement.hidden) chosen.checked = true;
    this.#assume();
  }

  #build() {
    const date = new Date(Date.now() + 24 * 3600 * 1000);
    this.fields.date.value = `${date.getFullYear()}-${String(date.getMonth() + 1).padStart(2, "0")}-${String(date.getDate()).padStart(2, "0")}`;
    this.fields.sched_dep.value = "17:30";
    for (const [value, label] of [...KINDS, [OWN, _("My own")]]) {
      const input = make("input", { type: "radio", name: "sky", id: `sky-${value}`, value, checked: value === "typical" });
      document.getElementById("sky").append(make("div", { class: "chip" }, input, make("label", { for: input.id }, label)));
    }
    for (const [name, [label, unit, step]] of Object.entries(ASSUMED)) {
      const input = step === null ? make("input", { type: "time" }) : make("input", { type: "number", step, inputmode: "decimal" });
      input.id = input.name = name;
      const words = make("label", { for: name }, label, unit && make("span", { class: "unit" }, ` (${unit})`));
      document.getElementById("assumed-fields").append(make("div", { class: "field" }, words, input));
    }
    options(this.fields.origin, _("Choose an airport"), this.reference.origins());
    this.#choices("origin");
    this.#assume();
  }

  #known() {
    const { origin, dest, carrier, date, sched_dep } = this.fields;
    const departs = sched_dep.value ? minutes(sched_dep.value) : null;
    return { origin: origin.value, dest: dest.value, carrier: carrier.value, date: date.value, sched_dep: departs };
  }

  #assumed(name) {
    const text = this.fields[name].value;
    if (text === "") return null;
    return ASSUMED[name][2] === null ? minutes(text) : Number(text);
  }

  #changed(field) {
    this.#choices(field.name);
    if (field.name in MISSING || field.name === "sky") this.#assume();
    if (field.id === `sky-${OWN}`) {
      field.closest("form").querySelector("details").open = true;
    }
  }

  #edited(field) {
    this.#forgive(field);
    if (this.reference.weather.columns.includes(field.name)) document.getElementById(`sky-${OWN}`).checked = true;
    if (field.name in ASSUMED) this.#say();
  }

  #forgive(field) {
    document.getElementById(`${field.id}-error`)?.remove();
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }

  // Update the choices after `name` has changed: destinations of an airport, airlines of a route.
  #choices(name) {
    const { origin, dest, carrier } = this.fields;
    if (name === "origin") options(dest, origin.value ? _("Choose a city") : _("Choose From first"), this.reference.destinations(origin.value));
    if (name === "origin" || name === "dest") {
      options(carrier, dest.value ? _("Choose an airline") : _("Choose To first"), this.reference.flown(origin.value, dest.value));
      if (carrier.options.length === 2) carrier.selectedIndex = 1;
      if (dest.value) this.#forgive(dest);
      if (carrier.value) this.#forgive(carrier);
    }
  }

  // Fill in the assumed values. Weather that the user has set is not changed.
  #assume() {
    const { origin, dest, carrier, date, sched_dep } = this.#known();
    const { sched_arr, ...flight } = this.reference.flight(origin, dest, carrier, sched_dep);
    this.fields.sched_arr.value = sched_arr === undefined ? "" : clock(sched_arr);
    this.#fill(flight);
    const month = Number(date.slice(5, 7)) || 6;
    const hour = Math.floor((sched_dep ?? 720) / 60);
    for (const [kind] of KINDS) {
      const chip = document.getElementById(`sky-${kind}`).parentElement;
      chip.hidden = this.reference.sky(kind, month, hour) === null;
      if (chip.hidden && chip.firstElementChild.checked) document.getElementById("sky-typical").checked = true;
    }
    if (this.fields.sky.value !== OWN) this.#fill(this.reference.sky(this.fields.sky.value, month, hour));
    this.#say();
  }

  #fill(values) {
    for (const [name, value] of Object.entries(values)) {
      this.fields[name].value = value ?? "";
      this.#forgive(this.fields[name]);
    }
  }

  #typical() {
    document.getElementById("sky-typical").checked = true;
    this.#assume();
  }

  #say() {
    const row = Object.fromEntries(Object.keys(ASSUMED).map((name) => [name, this.#assumed(name)]));
    const words = inWords(row);
    const parts = row.distance === null ? [words.weather] : [_("{miles} miles", { miles: row.distance }), words.plane, words.weather];
    document.getElementById("assumed-text").textContent = parts.filter(Boolean).join(_("; ")) + _(".");
  }
}

function options(select, prompt, choices) {
  const before = select.value;
  select.replaceChildren(make("option", { value: "" }, prompt), ...choices.map(([value, label]) => make("option", { value }, label)));
  if (choices.some(([value]) => value === before)) select.value = before;
}

function minutes(text) {
  const [hours, rest] = text.split(":").map(Number);
  return hours * 60 + rest;
}
