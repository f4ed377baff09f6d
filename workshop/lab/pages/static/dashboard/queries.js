// Queries Prometheus through the lab; the page sends requests to no other server.

const API = "/dashboards/api";

export class Unavailable extends Error {}

async function ask(path, params) {
  let answer;
  try {
    answer = await fetch(`${API}/${path}?${new URLSearchParams(params)}`, { cache: "no-store" });
  } catch {
    throw new Unavailable("The lab does not answer. See: workshop status.");
  }
  if (answer.status === 401) location.reload();
  const body = await answer.json().catch(() => ({}));
  if (answer.status === 503) throw new Unavailable(body.error ?? "Prometheus does not answer.");
  if (!answer.ok) throw new Error(body.error ?? `HTTP ${answer.status}`);
  return body.data;
}

export async function labelValues(label, series, range) {
  const params = [["start", range.start], ["end", range.end]];
  if (series) params.push(["match[]", series]);
  return ask(`label/${label}/values`, params);
}

// One series for each result: its labels and [time, value] pairs. An instant query has one pair.
export async function query(expr, range, instant) {
  const data = instant
    ? await ask("query", { query: expr, time: range.end })
    : await ask("query_range", { query: expr, start: range.start, end: range.end, step: range.step });
  return data.result.map((series) => ({
    labels: series.metric,
    points: (series.values ?? [series.value]).map(([time, value]) => [time, Number(value)]),
  }));
}

export function legend(format, labels) {
  if (format) return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => labels[name] ?? "");
  const pairs = Object.entries(labels).filter(([name]) => name !== "__name__");
  return pairs.map(([, value]) => value).join(" ") || "value";
}
