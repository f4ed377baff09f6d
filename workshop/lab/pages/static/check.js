// The buttons of a module (check, solve, reset) in its section "Check". The output of solve and reset is shown while
// they run. The command continues when the page is closed; the page shows it again when it is opened.

import { _ } from "./texts.js";

const EVERY = 1000;
const PATIENCE = 20;  // Failures in a row until the page stops asking.
const button = document.getElementById("proof-check");
const place = document.getElementById("findings");
const number = button.dataset.module;
const job = document.getElementById("job");
const others = [...document.querySelectorAll("#proof [data-verb]")];

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function line({ task, ok, reason, hint }) {
  const item = element("li");
  const state = element("span", `state ${ok ? "ok" : "bad"}`, ok ? _("Done") : _("Not yet"));
  const text = element("div");
  text.append(element("div", "", task), element("div", "quiet small", reason));
  if (hint) text.append(element("code", "hint", hint));
  item.append(state, text);
  return item;
}

async function ask(path, method) {
  const answer = await fetch(path, { method });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ?? `the lab answers ${answer.status}`);
  return body;
}

async function check() {
  button.disabled = true;
  place.replaceChildren(element("p", "quiet", _("Looking…")));
  try {
    const body = await ask(`/guide/api/check/${number}`, "POST");
    const list = element("ul", "findings");
    list.append(...body.findings.map(line));
    const word = body.ok ? _("All done.") : _("{count} left to do.", { count: body.findings.filter((f) => !f.ok).length });
    place.replaceChildren(list, element("p", "", word));
    const entry = document.querySelector(`.side [data-module="${number}"]`);
    entry?.classList.toggle("done", body.ok);
    entry?.classList.toggle("open", !body.ok);
  } catch (error) {
    place.replaceChildren(element("p", "", _("The check could not run: {error}", { error: error.message })));
  } finally {
    button.disabled = false;
  }
}

function show(state) {
  if (!state.command || state.module !== number) return;
  job.hidden = false;
  const ended = state.code === 0 ? _("{command} is done", state) : _("{command} ended with {code}", state);
  document.getElementById("job-title").textContent = state.running ? _("{command} runs", state) : ended;
  const lines = document.getElementById("job-lines");
  const atEnd = lines.scrollTop + lines.clientHeight >= lines.scrollHeight - 4;
  lines.textContent = state.lines.join("\n");
  if (atEnd) lines.scrollTop = lines.scrollHeight;
}

// One answer that does not come is no reason to stop: the lab may be busy, or start again.
async function follow() {
  for (const each of others) each.disabled = true;
  for (let failures = 0; failures < PATIENCE;) {
    try {
      const state = await ask("/guide/api/job", "GET");
      show(state);
      if (!state.running) break;
      failures = 0;
    } catch (error) {
      failures += 1;
      job.hidden = false;
      document.getElementById("job-title").textContent = _("The lab does not answer: {error}", { error: error.message });
    }
    await new Promise((resolve) => { setTimeout(resolve, EVERY); });
  }
  for (const each of others) each.disabled = false;
}

// A reset keeps the participant's work; the question says where.
function agreed(verb) {
  return verb !== "reset" || confirm(
    _("Take module {number} back to its start?", { number: Number(number) }) + "\n\n" +
    _("What you made is kept: commits as a branch kept/..., changes that are not committed as a git stash, answers in answers/kept."),
  );
}

async function begin(event) {
  if (!agreed(event.target.dataset.verb)) return;
  try {
    show(await ask(`/guide/api/${event.target.dataset.verb}/${number}`, "POST"));
  } catch (error) {
    place.replaceChildren(element("p", "", error.message));
    return;
  }
  await follow();
  await check();
}

const headings = [...document.querySelectorAll("article > h2")];
headings[4]?.before(document.getElementById("proof"));
button.addEventListener("click", check);
for (const each of others) each.addEventListener("click", begin);
ask("/guide/api/job", "GET").then((state) => {
  if (state.running && state.module === number) follow().then(check);
}, () => {});
