// A client of Seldon's protocol for the deployment of this page: prediction, explanation, feedback.

import { _ } from "./language.js";

// The page lies in one folder below the deployment's own address in the lab, and at the top of its host on OpenShift,
// where a browser resolves .. to /: the same relative path leads to the API in both.
const API = "../api/v1.0/";
const PATIENCE = 10_000;
const UNKNOWN_THRESHOLD = 0.5;

// A request without an answer. `fields` has the errors by column, `text` any other message.
export class Refused extends Error {
  constructor(text, fields = new Map()) {
    super(text);
    this.fields = fields;
  }
}

export class Away extends Error {}

export function request(row) {
  return { data: { names: Object.keys(row), ndarray: [Object.values(row)] } };
}

export async function predict(asked) {
  const answer = await post("predictions", asked);
  const table = answer.data;
  const late = table?.ndarray?.[0]?.[table.names?.indexOf("late")];
  if (!Number.isFinite(late)) throw new Away(_("The answer is not one of this model."));
  // The threshold of the model that answered.
  const threshold = Number(answer.meta?.tags?.threshold) || UNKNOWN_THRESHOLD;
  return { late, threshold, answer };
}

// Null when the model cannot explain; the page then shows the rest.
export async function explain(asked) {
  try {
    const answer = await post("predictions", { jsonData: { explain: asked.data } });
    return answer.jsonData?.explanation ?? null;
  } catch (error) {
    if (error instanceof Refused || error instanceof Away) return null;
    throw error;
  }
}

export async function feedback(asked, answer, wasLate) {
  await post("feedback", { request: asked, response: answer, truth: { data: { ndarray: [[wasLate ? 1 : 0]] } } });
}

// The answer to a call of the API; throws Refused or Away.
export async function post(path, body) {
  let answer, content;
  try {
    answer = await fetch(API + path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
    });
    content = await answer.json().catch(() => null);
  } catch (error) {
    if (error.name === "TimeoutError") throw new Away(_("The model did not answer within ten seconds."));
    if (error instanceof TypeError) throw new Away(_("The model cannot be reached. Check your connection."));
    throw error;
  }
  if (answer.ok && content) return named(content, answer.headers.get("seldon-puid"));
  const info = content?.status?.info ?? "";
  if (answer.status === 404) throw new Away(_("No model is deployed here yet."));
  if ([502, 503, 504].includes(answer.status)) throw new Away(_("The model is busy or just starting."));
  if (answer.status >= 400 && answer.status < 500) throw new Refused(info || _("It refused with {status}.", answer), findings(info));
  throw new Away(_("The model's server failed ({status}).", answer));
}

// The answer with its identifier where feedback has it: a server counts feedback about a prediction once.
function named(answer, puid) {
  return puid ? { ...answer, meta: { ...answer.meta, puid } } : answer;
}

// 'row 0, column "temp": got 400, allowed: a number from -40 to 130 F; row 0, ...' by column. The model itself and the
// server in front of it use almost the same format.
function findings(info) {
  const found = new Map();
  const finding = /row 0, (?:column )?"?(\w+)"?: got (.*?), allowed: (.*?)(?=; row 0, |; and \d+ more|$)/g;
  for (const [, column, got, allowed] of info.matchAll(finding)) {
    if (!found.has(column)) found.set(column, { got: got.replace(/^'(.*)'$/, '"$1"'), allowed });
  }
  return found;
}
