// Colours that hold on both grounds; Grafana's names mean the page's own.

const NAMED = {
  green: "--ok", red: "--bad", yellow: "--warn", "#EAB839": "--warn", orange: "--warn", blue: "--accent", text: "--ink",
};
const LIGHT = ["#0a5fb0", "#c2570c", "#19794a", "#8a3ea8", "#a8791a", "#0f7f8a", "#b3305f", "#5b6b7b"];
const DARK = ["#6db7ff", "#ffa566", "#4fc78f", "#cf96e8", "#e3c25b", "#5fd0da", "#ff8fb4", "#a9b8c7"];

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

// Canvas knows no custom properties, so names become the colours of the moment.
const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

export function css(name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

export function named(color) {
  if (color === "transparent") return "transparent";
  return NAMED[color] ? css(NAMED[color]) : color;
}

export function series(index) {
  const palette = isDark() ? DARK : LIGHT;
  return palette[index % palette.length];
}

export function faded(color, alpha) {
  const found = /rgba?\((\d+), (\d+), (\d+)/.exec(color);
  if (found) return `rgba(${found[1]}, ${found[2]}, ${found[3]}, ${alpha})`;
  return `${color}${Math.round(alpha * 255).toString(16).padStart(2, "0")}`;
}

// The colour of a value by a panel's thresholds.
export function threshold(steps, value) {
  let color = "text";
  for (const step of steps ?? []) {
    if (step.value === null || step.value === undefined || value >= step.value) color = step.color;
  }
  return named(color);
}

// A fixed colour that an override gives to a series of this name.
export function override(panel, name) {
  for (const rule of panel.fieldConfig.overrides ?? []) {
    const { id, options } = rule.matcher;
    const hit = id === "byName" ? options === name
      : id === "byRegexp" ? new RegExp(options.replace(/^\/|\/$/g, "")).test(name) : false;
    const color = hit && rule.properties.find((property) => property.id === "color")?.value;
    if (color?.fixedColor) return named(color.fixedColor);
  }
  return null;
}
