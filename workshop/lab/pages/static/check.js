// The check of a module: a line for each task, with what was seen and what to do next. The button stands where the
// module's section "Check" is.

const button = document.getElementById("check");
const place = document.getElementById("findings");
const section = document.getElementById("check-1") ?? [...document.querySelectorAll("h2")]
  .find((heading) => heading.textContent === "Check");

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function line({ task, ok, reason, hint }) {
  const item = element("li");
  const state = element("span", `state ${ok ? "ok" : "bad"}`, ok ? "Done" : "Not yet");
  const text = element("div");
  text.append(element("div", "", task), element("div", "quiet small", reason));
  if (hint) text.append(element("code", "hint", hint));
  item.append(state, text);
  return item;
}

async function check() {
  button.disabled = true;
  place.replaceChildren(element("p", "quiet", "Looking…"));
  try {
    const answer = await fetch(`/guide/api/check/${button.dataset.module}`, { method: "POST" });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error);
    const list = element("ul", "findings");
    list.append(...body.findings.map(line));
    const word = body.ok ? "All done." : `${body.findings.filter((f) => !f.ok).length} left to do.`;
    place.replaceChildren(list, element("p", "", word));
  } catch (error) {
    place.replaceChildren(element("p", "", `The check could not run: ${error.message}`));
  } finally {
    button.disabled = false;
  }
}

if (section) {
  let end = section.nextElementSibling;
  while (end && end.tagName !== "H2") end = end.nextElementSibling;
  end?.before(document.getElementById("proof"));
}
button.addEventListener("click", check);
