// Asks the instructor for help, and takes that back. The request is on the instructor's board only.

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
  form.querySelector("[type=submit]").textContent = waits ? "Change the request" : "Ask for help";
  const about = help?.module ? ` about module ${Number(help.module)}` : "";
  const text = help?.text ? `: “${help.text}”` : ".";
  if (waits) state.textContent = `You asked for help${about} at ${clock(help.asked)}${text} The instructor sees it.`;
  else if (help) state.textContent = `The instructor marked your request${about} as done at ${clock(help.helped)}.`;
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
    state.textContent = `The lab does not answer: ${error.message}`;
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
