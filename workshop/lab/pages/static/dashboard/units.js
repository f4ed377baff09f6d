// Formatted numbers, in the units of Grafana that the dashboards use.

function short(value, digits = 3) {
  const size = Math.abs(value);
  if (size >= 1e9) return `${trim(value / 1e9, digits)} B`;
  if (size >= 1e6) return `${trim(value / 1e6, digits)} M`;
  if (size >= 1e4) return `${trim(value / 1e3, digits)} k`;
  return trim(value, digits);
}

// Significant digits, without trailing zeros and without an exponent.
function trim(value, digits) {
  if (value === 0) return "0";
  return Number(value.toPrecision(digits)).toLocaleString("en", { maximumFractionDigits: 6, useGrouping: false });
}

function seconds(value) {
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  if (size < 1e-3) return `${trim(value * 1e6, 3)} µs`;
  if (size < 1) return `${trim(value * 1e3, 3)} ms`;
  if (size < 60) return `${trim(value, 3)} s`;
  return `${trim(value / 60, 3)} min`;
}

function bytes(value) {
  for (const [size, name] of [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"]]) {
    if (Math.abs(value) >= size) return `${trim(value / size, 3)} ${name}`;
  }
  return `${trim(value, 3)} B`;
}

export const UNITS = {
  bytes,
  cps: (v) => `${short(v)}/s`,
  none: (v) => short(v),
  percentunit: (v) => `${trim(v * 100, 3)}%`,
  reqps: (v) => `${short(v)} req/s`,
  s: seconds,
  short: (v) => short(v),
};

export function format(value, unit, decimals) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (decimals !== undefined && decimals !== null) {
    if (unit === "percentunit") return `${(value * 100).toFixed(decimals)}%`;
    if (unit === "short" || unit === "none") return value.toFixed(decimals);
  }
  return (UNITS[unit] ?? UNITS.short)(value);
}
