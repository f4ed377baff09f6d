// Updates the sections of the console and of the board: requests them every two seconds while the page is visible, and replaces only changed
// ones, so that a selection or the focus elsewhere stays.

const EVERY = 2000;
const stale = document.getElementById("stale");
let tag = "";

async function refresh() {
  if (document.hidden) return;
  let answer;
  try {
    answer = await fetch(`${location.pathname}?part=live`, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
  } catch {
    stale.hidden = false;
    return;
  }
  if (answer.status === 401) location.reload();
  stale.hidden = answer.ok || answer.status === 304;
  if (!answer.ok) return;
  tag = answer.headers.get("ETag") ?? "";
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const section of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(section.id);
    if (next && next.innerHTML !== section.innerHTML) section.replaceChildren(...next.childNodes);
  }
}

setInterval(refresh, EVERY);
document.addEventListener("visibilitychange", refresh);
document.addEventListener("refresh", refresh);
