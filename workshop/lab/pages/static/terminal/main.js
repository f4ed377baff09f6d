// The terminal of a module's page: a panel that opens on demand, and "Run" at each block of commands.
// It is loaded only after one of its buttons was pressed, on this page or on the page before.

import { _ } from "../texts.js";

const panel = document.getElementById("terminal");
const toggle = document.getElementById("terminal-toggle");
const body = document.getElementById("terminal-body");
const place = document.getElementById("terminal-screen");
const word = document.getElementById("terminal-word");
const number = document.getElementById("terminal-number");
let screen = null;

async function open() {
  body.hidden = false;
  toggle.textContent = _("Close");
  toggle.setAttribute("aria-expanded", "true");
  document.documentElement.classList.add("with-terminal");
  localStorage.setItem("terminal", number.value);
  if (screen) return screen;
  const { Screen } = await import("./screen.js");
  screen ??= new Screen(place, number.value, word);
  return screen;
}

function close() {
  body.hidden = true;
  toggle.textContent = _("Open");
  toggle.setAttribute("aria-expanded", "false");
  document.documentElement.classList.remove("with-terminal");
  localStorage.removeItem("terminal");
  screen?.close();
  screen = null;
}

// A line that ends with a backslash continues in the next line.
function commandsOf(text) {
  return text.split(/(?<!\\)\n/);
}

async function run(code) {
  const shown = await open();
  if (getComputedStyle(panel).position === "static") panel.scrollIntoView({ block: "end" });
  shown.run(commandsOf(code.querySelector("[data-copy]").dataset.copy));
  shown.focus();
}

for (const code of document.querySelectorAll(".code.wrap")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ghost run";
  button.textContent = _("Run");
  button.setAttribute("aria-label", _("Run {command}", { command: commandsOf(code.querySelector("[data-copy]").dataset.copy)[0].slice(0, 80) }));
  button.addEventListener("click", () => run(code));
  code.querySelector(".box").append(button);
  code.classList.add("runs");
}
toggle.addEventListener("click", async () => {
  if (!body.hidden) return close();
  (await open()).focus();
});
number.addEventListener("change", async () => {
  screen?.close();
  screen = null;
  (await open()).focus();
});
for (const event of ["theme", "change"]) {
  const from = event === "theme" ? document : matchMedia("(prefers-color-scheme: dark)");
  from.addEventListener(event, () => screen?.recolour());
}
panel.hidden = false;
const before = localStorage.getItem("terminal");
if (before) {
  number.value = before;
  open();
}
