// A form for any model. The model's OpenAPI document has its columns; page.json, if the use case has one, has the words.

import { make } from "./elements.js";
import { Form } from "./form.js";
import { _, tag } from "./language.js";
import { Away, Refused, post, request } from "./model.js";

const title = document.getElementById("answer-title");
const body = document.getElementById("answer-body");
const problem = document.getElementById("form-error");
const button = document.getElementById("ask");
const status = document.getElementById("status");

let form, words;
try {
  words = (await load("page.json")) ?? {};
  words = { ...words, ...words[tag] };
  say("title", words.title);
  say("about", words.about);
  if (words.title) document.title = words.title;
  const document_ = await load("../seldon.json");
  const columns = document_?.components?.schemas?.Row?.properties;
  if (!columns) throw new Error(document_ ? _("the model does not say which columns it has") : _("no model is deployed here yet"));
  form = new Form(document.getElementById("row"), columns, words.values ?? {}, words.columns ?? {});
  form.element.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
} catch (error) {
  show(_("There is nothing to ask"), make("p", { class: "notice bad", role: "alert" }, _("The form could not be made: {error}. Reload the page in a moment.", { error: error.message })));
  button.hidden = true;
}

// The content of a JSON file, or null where there is none.
async function load(address) {
  const answer = await fetch(address);
  if (answer.ok) return answer.json();
  if ([404, 503].includes(answer.status)) return null;
  throw new Error(`${address}: ${answer.status}`);
}

function say(id, text) {
  if (text) document.getElementById(id).textContent = text;
}

async function ask() {
  if (button.getAttribute("aria-disabled")) return;
  form.clearErrors();
  problem.hidden = true;
  const missing = form.missing();
  if (missing.length) {
    form.showErrors(missing);
    return;
  }
  const asked = request(form.row());
  button.setAttribute("aria-disabled", "true");
  status.textContent = _("Asking the model");
  try {
    const answer = await post("predictions", asked);
    const outputs = answer.data?.ndarray?.[0];
    if (!outputs?.every?.(Number.isFinite)) throw new Away(_("The answer is not one of this model."));
    const unit = words.unit ?? answer.meta?.tags?.unit ?? "";
    const names = answer.data.names ?? [];
    if (outputs.length === 1) {
      show(words.answer ?? _("The model's answer"), one(outputs[0], unit), truth(asked, answer, unit));
    } else {
      show(words.answer ?? _("The model's answer"), ...outputs.map((value, at) => make("p", {}, `${names[at] ?? at}: `, make("b", {}, rounded(value)))));
    }
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

function one(value, unit) {
  return make("div", {}, make("p", { class: "share" }, rounded(value)), make("p", { class: "quiet" }, unit));
}

function rounded(value) {
  return String(Number(value.toPrecision(3)));
}

function refused(error) {
  const errors = [...error.fields].map(([column, { got, allowed }]) => [column, _("The model got {got}. Allowed: {allowed}.", { got, allowed: allowed.replace(/null$/, _("nothing")) })]);
  const strangers = form.showErrors(errors);
  if (errors.length && !strangers.length) return;
  problem.replaceChildren(make("p", {}, _("The model refused these values: {error}", { error: error.message })));
  problem.hidden = false;
}

function away(error) {
  const again = make("button", { type: "button" }, _("Try again"));
  again.addEventListener("click", ask);
  show(_("No answer this time"), make("div", { class: "notice bad" }, make("p", {}, _("{error} Your values are kept: try again in a moment.", { error: error.message })), again));
}

// What the value really was, for those who know.
function truth(asked, answer, unit) {
  const note = make("p", { class: "quiet" }, _("If you already know, report it. The owners of the model then see how far it is off."));
  const input = make("input", { type: "number", step: "any", inputmode: "decimal", id: "truth", required: true });
  const send = make("button", { type: "submit" }, _("Report"));
  const label = make("label", { for: "truth" }, _("What was it really?"), unit ? make("span", { class: "unit" }, ` (${unit})`) : null);
  const fields = make("form", { class: "field", novalidate: true }, label, input, send);
  fields.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (input.value === "" || fields.getAttribute("aria-busy")) return;
    fields.setAttribute("aria-busy", "true");
    try {
      await post("feedback", { request: asked, response: answer, truth: { data: { ndarray: [[Number(input.value)]] } } });
      const thanks = make("p", { class: "notice", tabindex: "-1" }, _("Thank you. Your answer is counted."));
      note.remove();
      fields.replaceWith(thanks);
      thanks.focus();
    } catch (error) {
      note.textContent = _("Your report was not sent. {error}", { error: error.message });
      note.setAttribute("role", "alert");
    }
    fields.removeAttribute("aria-busy");
  });
  return make("section", { class: "feedback", "aria-labelledby": "truth-title" }, make("h3", { id: "truth-title" }, _("How did it go?")), note, fields);
}
