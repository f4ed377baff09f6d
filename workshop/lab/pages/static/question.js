// Keeps the reader's answers to the questions of a module, and shows them beside the right ones.

import { _ } from "./texts.js";

function text(form, answer) {
  const chosen = form.querySelector(`input[type=radio][value="${answer}"] + span`);
  return chosen ? chosen.textContent : answer;
}

async function keep(form) {
  const state = form.querySelector("[role=status]");
  const answer = new FormData(form).get("answer");
  const body = JSON.stringify({ module: form.dataset.module, question: Number(form.dataset.question), answer });
  try {
    const reply = await fetch("/guide/api/answer", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const said = await reply.json();
    if (!reply.ok) throw new Error(said.error ?? `the lab answers ${reply.status}`);
    const given = form.querySelector(".given");
    given.querySelector("b").textContent = text(form, said.answers[form.dataset.question]);
    given.hidden = false;
    state.textContent = _("Kept. Run the command, then open the answer.");
  } catch (error) {
    state.textContent = _("The lab does not answer: {error}", { error: error.message });
  }
}

for (const form of document.querySelectorAll("form.question")) {
  form.querySelector("[type=submit]").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keep(form);
  });
}
