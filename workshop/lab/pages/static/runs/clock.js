// Running times: durations that count up, and the bars of running tasks. The server's text is as of its rendering.

export function keepTime(root) {
  const now = Date.now() / 1000;
  for (const one of root.querySelectorAll("[data-since]")) {
    const text = duration(Math.max(0, Math.floor(now - one.dataset.since)));
    if (one.textContent !== text) one.textContent = text;
  }
  const table = root.querySelector("table.times[data-running=yes]");
  if (table) stretch(table, now);
}

function stretch(table, now) {
  const start = Number(table.dataset.start);
  const whole = Math.max(1, now - start);
  for (const bar of table.querySelectorAll("rect")) {
    const from = ((bar.dataset.start - start) / whole) * 1000;
    const to = (((bar.dataset.end ?? now) - start) / whole) * 1000;
    bar.setAttribute("x", Math.min(from, 996));
    bar.setAttribute("width", Math.max(to - from, 4));
  }
  table.querySelector("#whole").textContent = duration(Math.floor(whole));
}

function duration(seconds) {
  const pad = (number) => String(number).padStart(2, "0");
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${pad(Math.floor((seconds % 3600) / 60))} min`;
}

setInterval(() => { if (!document.hidden) keepTime(document); }, 1000);
