// Marks on the time axis, from the dashboard's annotation queries: a moment, or a time from its first sample to its last.

import { interpolate } from "./variables.js";
import { legend, query } from "./queries.js";

export async function marks(list, chosen, range) {
  const found = await Promise.all((list ?? []).filter((one) => one.enable && one.expr).map(async (one) => {
    const answers = await query(interpolate(one.expr, chosen, range), range, false);
    return answers.flatMap(({ labels, points }) => {
      const text = legend(one.titleFormat, labels);
      const made = one.useValueForTime
        ? [...new Set(points.map(([, value]) => value / 1000))].map((time) => ({ time }))
        : spans(points.filter(([, value]) => value === 1).map(([time]) => time), range.step);
      return made.map((mark) => ({ ...mark, text, color: one.iconColor }));
    });
  }));
  return found.flat().filter((mark) => (mark.until ?? mark.time) >= range.start && mark.time <= range.end);
}

function spans(times, step) {
  const made = [];
  for (const time of times) {
    const open = made.at(-1);
    if (open && time - open.until <= step * 1.5) open.until = time;
    else made.push({ time, until: time });
  }
  return made;
}
