// Connects form, model and answer. Assumed values are from reference.json.

import { askHowItWent, chance, moved, phrase } from "./answer.js";
import { make } from "./elements.js";
import { Form } from "./form.js";
import { _ } from "./language.js";
import { Away, Refused, explain, feedback, predict, request } from "./model.js";
import { Reference } from "./reference.js";

const title = document.getElementById("answer-title");
const body = document.getElementById("answer-body");
const problem = document.getElementById("form-error");
const button = document.getElementById("ask");
const status = document.getElementById("status");

let form, reference;
try {
  reference = await Reference.load();
  form = new Form(document.getElementById("flight"), reference);
  form.restore(new URLSearchParams(location.hash.slice(1)));
  form.element.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
} catch (error) {
  show(_("This page is not complete"), make("p", { class: "notice bad", role: "alert" }, _("The list of routes could not be loaded. Reload the page. ({error})", { error: error.message })));
  button.hidden = true;
}

async function ask() {
  if (button.getAttribute("aria-disabled")) return;
  form.clearErrors();
  problem.hidden = true;
  const missing = form.missing();
  if (missing.size) {
    form.showErrors(missing);
    return;
  }
  history.replaceState(null, "", `#${form.state()}`);
  const row = form.row();
  const asked = request(row);
  button.setAttribute("aria-disabled", "true");
  status.textContent = _("Asking the model");
  try {
    const { late, threshold, answer } = await predict(asked);
    const explanation = await explain(asked);
    show(
      phrase(late, threshold),
      ...chance(late, threshold, row, reference),
      moved(explanation, late, row, reference),
      askHowItWent((wasLate) => feedback(asked, answer, wasLate)),
    );
  } catch (error) {
    if (error instanceof Refused) refused(error);
    else if (error instanceof Away) away(error);
    else throw error;
  } finally {
    button.removeAttribute("aria-disabled");
    status.textContent = "";
  }
}

function show(heading, ...content) {
  title.textContent = heading;
  body.replaceChildren(...content);
  title.focus();
}

function refused(error) {
  const errors = [...error.fields].map(([column, { got, allowed }]) => [column, _("The model got {got}. Allowed: {allowed}.", { got, allowed: allowed.replace(/null$/, _("nothing")) })]);
  const strangers = form.showErrors(errors);
  if (errors.length && !strangers.length) return;
  problem.replaceChildren(make("p", {}, _("The model refused this flight: {error}", { error: error.message })));
  problem.hidden = false;
}

function away(error) {
  const again = make("button", { type: "button" }, _("Try again"));
  again.addEventListener("click", ask);
  const message = make("div", { class: "notice bad" }, make("p", {}, _("{error} Your flight is kept: try again in a moment.", { error: error.message })), again);
  show(_("No answer this time"), message);
}
