// Colours for the light and the dark theme; Grafana's colour names become the page's colours.

const NAMED = {
  green: "--ok", red: "--bad", yellow: "--warn", "#EAB839": "--warn", blue: "--accent", text: "--ink",
};
const LIGHT = ["#0a5fb0", "#c2570c", "#19794a", "#8a3ea8", "#a8791a", "#0f7f8a", "#b3305f", "#5b6b7b"];
const DARK = ["#6db7ff", "#ffa566", "#4fc78f", "#cf96e8", "#e3c25b", "#5fd0da", "#ff8fb4", "#a9b8c7"];

export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

// Canvas does not support custom properties, so names become the current theme's colours.
const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

export function css(name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

export function named(color) {
  if (color === "transparent") return "transparent";
  if (color === "orange") return series(1);
  return NAMED[color] ? css(NAMED[color]) : color;
}

export function series(index) {
  const palette = isDark() ? DARK : LIGHT;
  return palette[index % palette.length];
}

function parts(color) {
  const found = /rgba?\((\d+), (\d+), (\d+)/.exec(color);
  if (found) return found.slice(1, 4).map(Number);
  return [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16));
}

export function faded(color, alpha) {
  return `rgba(${parts(color).join(", ")}, ${alpha})`;
}

// From the background (0) to the accent (1), never fully, so that text on it stays readable.
export function continuous(share, strongest = 1) {
  const at = Math.min(1, Math.max(0, share)) * strongest;
  const [from, to] = [parts(css("--sunken")), parts(series(0))];
  return `rgb(${from.map((part, i) => Math.round(part + (to[i] - part) * at)).join(", ")})`;
}

// The colour of a value by a panel's thresholds.
export function threshold(steps, value) {
  let color = "text";
  for (const step of steps ?? []) {
    if (step.value === null || step.value === undefined || value >= step.value) color = step.color;
  }
  return named(color);
}
