// Asks the instructor for help, and takes that back. The request is on the instructor's board only.

import { _ } from "./texts.js";

const EVERY = 15000;
const form = document.getElementById("help-form");
const state = document.getElementById("help-state");
const back = document.getElementById("help-back");
const number = document.getElementById("proof-check").dataset.module;

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function show({ help }) {
  const waits = Boolean(help) && !help.helped;
  back.hidden = !waits;
  form.querySelector("[type=submit]").textContent = waits ? _("Change the request") : _("Ask for help");
  const about = help?.module ? _(" about module {number}", { number: Number(help.module) }) : "";
  const text = help?.text ? _(": “{text}”", help) : _(".");
  if (waits) state.textContent = _("You asked for help{about} at {time}{text} The instructor sees it.", { about, time: clock(help.asked), text });
  else if (help) state.textContent = _("The instructor marked your request{about} as done at {time}.", { about, time: clock(help.helped) });
  else state.textContent = "";
  if (waits) document.getElementById("help").open = true;
}

async function ask(options) {
  try {
    const answer = await fetch("/guide/api/help", options);
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error ?? `the lab answers ${answer.status}`);
    show(body);
  } catch (error) {
    state.textContent = _("The lab does not answer: {error}", { error: error.message });
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const body = JSON.stringify({ module: number, text: form.elements.text.value });
  ask({ method: "POST", headers: { "Content-Type": "application/json" }, body });
});
back.addEventListener("click", () => ask({ method: "DELETE" }));
setInterval(() => { if (!document.hidden && !back.hidden) ask({}); }, EVERY);
ask({});
