// Tables: the results of instant queries as rows, and those transformations of Grafana that the dashboards use.
// A table is { names, rows }, and a row is a Map from a column's name to its value.

export class Unknown extends Error {}

// One table for each query. The value's column has the query's letter when there are several, as in Grafana.
export function tables(answers) {
  return answers.map(({ refId, series }) => {
    const value = answers.length > 1 ? `Value #${refId}` : "Value";
    const labels = [...new Set(series.flatMap((one) => Object.keys(one.labels)))].filter((n) => n !== "__name__").sort();
    const rows = series.map((one) => {
      const [time, number] = one.points.at(-1);
      return new Map([["Time", time], ...labels.map((name) => [name, one.labels[name] ?? ""]), [value, number]]);
    });
    return { names: ["Time", ...labels, value], rows };
  });
}

export function transformed(answers, transformations) {
  let now = tables(answers);
  for (const { id, options } of transformations ?? []) {
    if (!(id in KNOWN)) throw new Unknown(`The transformation ${id} is done by Grafana only.`);
    now = KNOWN[id](now, options ?? {});
  }
  return now[0] ?? { names: [], rows: [] };
}

const KNOWN = {
  sortBy: (given, { sort }) => given.map((table) => {
    const [{ field, desc }] = sort;
    // Rows without a value come last, in either order.
    const order = (a, b) => missing(a.get(field)) - missing(b.get(field)) || compare(a.get(field), b.get(field)) * (desc ? -1 : 1);
    return { ...table, rows: [...table.rows].sort(order) };
  }),

  groupingToMatrix: (given, { rowField, columnField, valueField, emptyValue }) => given.map(({ rows }) => {
    const corner = `${rowField}\\${columnField}`;
    const columns = [...new Set(rows.map((row) => row.get(columnField)))];
    const found = new Map();
    for (const row of rows) {
      const key = row.get(rowField);
      if (!found.has(key)) found.set(key, new Map([[corner, key]]));
      found.get(key).set(row.get(columnField), row.get(valueField));
    }
    const empty = emptyValue === "zero" ? 0 : null;
    for (const row of found.values()) for (const name of columns) if (!row.has(name)) row.set(name, empty);
    return { names: [corner, ...columns], rows: [...found.values()] };
  }),

  // Rows of different queries with the same labels become one.
  merge: (given) => {
    const names = [...new Set(given.flatMap((table) => table.names))];
    const found = new Map();
    for (const row of given.flatMap((table) => table.rows)) {
      const key = [...row].filter(([name]) => name !== "Time" && !name.startsWith("Value")).join("\n");
      found.set(key, new Map([...(found.get(key) ?? []), ...row]));
    }
    return [{ names, rows: [...found.values()] }];
  },

  organize: (given, { excludeByName = {}, indexByName = {}, renameByName = {} }) => given.map(({ names, rows }) => {
    const kept = names.filter((name) => !excludeByName[name]);
    kept.sort((a, b) => (indexByName[a] ?? 99) - (indexByName[b] ?? 99));
    const renamed = (name) => renameByName[name] || name;
    return {
      names: kept.map(renamed),
      rows: rows.map((row) => new Map(kept.map((name) => [renamed(name), row.get(name)]))),
    };
  }),
};

const missing = (value) => value === undefined || value === null || Number.isNaN(value);

function compare(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
}
