// The settings of a panel's field: the defaults, and the overrides that match the field's name.

import { css, continuous, named, series as palette, threshold } from "./colors.js";
import { format } from "./units.js";

function matches({ id, options }, name) {
  if (id === "byName") return options === name;
  if (id === "byRegexp") return new RegExp(options.replace(/^\/|\/$/g, "")).test(name);
  return false;
}

// `filled` replaces the variables in an override's name by the chosen values.
export function settings(panel, name, filled = (text) => text) {
  const { defaults, overrides } = panel.fieldConfig;
  const made = { ...defaults, custom: { ...defaults.custom } };
  for (const { matcher, properties } of overrides ?? []) {
    if (!matches({ ...matcher, options: filled(String(matcher.options)) }, name)) continue;
    for (const { id, value } of properties) {
      if (id.startsWith("custom.")) made.custom[id.slice(7)] = value;
      else made[id] = value;
    }
  }
  return made;
}

// The text of a missing value: that of a mapping, else a dash.
export function absent(field) {
  const found = (field.mappings ?? []).find(({ type, options }) => type === "special" && options.match.startsWith("null"));
  return found?.options.result.text ?? "–";
}

export function text(field, value) {
  for (const { type, options } of field.mappings ?? []) {
    if (type === "value" && options[value]) return options[value].text;
    if (type === "range" && inside(options, value)) return options.result.text;
  }
  return typeof value === "string" ? value : format(value, field.unit, field.decimals);
}

// A missing or null end is open.
function inside({ from, to }, value) {
  return typeof value === "number" && value >= (from ?? -Infinity) && value <= (to ?? Infinity);
}

// The colour of a line or bar: fixed by an override, else the next of the palette.
export function lineColor(field, index) {
  return field.color?.mode === "fixed" ? named(field.color.fixedColor) : palette(index);
}

// The colour of a value: by thresholds, or darker with the value between `low` and `high`.
export function valueColor(field, value, low, high) {
  if (field.color?.mode?.startsWith("continuous")) {
    return continuous(high > low ? (value - low) / (high - low) : 0);
  }
  return threshold(field.thresholds?.steps, value) ?? css("--ink");
}

export function last(points) {
  return points.findLast(([, value]) => Number.isFinite(value))?.[1];
}
