// The theme switch and the copy buttons of every page. The document has the handlers, so that parts of a page can be
// replaced without adding handlers again.

import { _ } from "./texts.js";

function dark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

async function copy(button) {
  const text = button.closest(".code").querySelector("[data-copy]").dataset.copy;
  let word = _("Copied");
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    word = _("Copying is not allowed here");
  }
  button.textContent = word;
  setTimeout(() => { button.textContent = _("Copy"); }, 1500);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches(".copy")) copy(button);
  if (button.matches("#theme")) {
    const next = dark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    localStorage.setItem("theme", next);
    document.dispatchEvent(new CustomEvent("theme"));
  }
});
