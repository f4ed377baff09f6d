// A field for each column of a model, made from its OpenAPI document, and errors next to the fields.

import { make } from "./elements.js";
import { _ } from "./language.js";

export class Form {
  // `columns` has the JSON Schema of each column by name, `values` what the form begins with. `words` has names and
  // descriptions in the reader's language: {weight: {name: ..., description: ...}}.
  constructor(element, columns, values, words) {
    this.element = element;
    this.columns = columns;
    for (const [name, column] of Object.entries(columns)) {
      document.getElementById("fields").append(field(name, column, values[name], words[name] ?? {}));
    }
    element.addEventListener("input", (event) => forgive(event.target));
  }

  // The row for the model: numbers as numbers, and an empty field that may be empty as null.
  row() {
    return Object.fromEntries(Object.entries(this.columns).map(([name, column]) => {
      const text = this.element.elements[name].value.trim();
      if (text === "") return [name, column.nullable ? null : undefined];
      return [name, column.type === "string" ? text : Number(text)];
    }));
  }

  // The fields that must not be empty and are, with a hint for each.
  missing() {
    return Object.entries(this.row()).filter(([, value]) => value === undefined).map(([name]) => [name, _("Enter a value.")]);
  }

  // Show each error next to its field and focus the first; returns those of columns without a field.
  showErrors(errors) {
    let first = null;
    const strangers = [];
    for (const [name, text] of errors) {
      const input = this.element.elements[name];
      if (!input) {
        strangers.push([name, text]);
        continue;
      }
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", `${input.id}-error`);
      input.parentElement.append(make("p", { class: "error", id: `${input.id}-error` }, text));
      first ??= input;
    }
    first?.focus();
    return strangers;
  }

  clearErrors() {
    for (const input of this.element.querySelectorAll("[aria-invalid]")) forgive(input);
  }
}

function field(name, column, value, translated) {
  const [, described, unit] = (column.description ?? "").match(/^(.*?)(?: ?\[(.*)\])?$/);
  const words = translated.description ?? described;
  const shown = translated.name ?? `${name.replaceAll("_", " ")[0].toUpperCase()}${name.replaceAll("_", " ").slice(1)}`;
  const label = make("label", { for: `field-${name}` }, shown, unit ? make("span", { class: "unit" }, ` (${unit})`) : null);
  const input = column.enum ? choice(column) : make("input", column.type === "string" ? {} : {
    type: "number", inputmode: "decimal", step: column.type === "integer" ? 1 : "any", min: column.minimum, max: column.maximum,
  });
  input.id = `field-${name}`;
  input.name = name;
  if (value !== undefined) input.value = value;
  const hint = [words, column.nullable ? _("may be empty") : ""].filter(Boolean).join("; ");
  return make("div", { class: "field" }, label, input, hint ? make("p", { class: "hint" }, hint) : null);
}

function choice(column) {
  const values = column.enum.filter((value) => value !== null);
  const empty = make("option", { value: "" }, column.nullable ? _("unknown") : _("Choose one"));
  return make("select", {}, empty, ...values.map((value) => make("option", { value }, value)));
}

function forgive(input) {
  document.getElementById(`${input.id}-error`)?.remove();
  input.removeAttribute("aria-invalid");
  input.removeAttribute("aria-describedby");
}
