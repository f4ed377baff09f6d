// The page in the reader's language. texts.json has the translations; the workshop's catalogs make it (make translations).
// The language is the one chosen on this page or on the workshop's pages, else the first of the browser's that is known.

const COOKIE = "workshop-language";
const languages = await load();
export const tag = chosen();
const texts = languages[tag] ?? {};

// `{name}` in a text is replaced by the value of that name; a text without a translation stays English.
export function _(english, values = {}) {
  return (texts[english] ?? english).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

async function load() {
  try {
    const answer = await fetch("texts.json");
    return answer.ok ? await answer.json() : {};
  } catch {
    return {};
  }
}

function chosen() {
  const kept = document.cookie.split("; ").find((one) => one.startsWith(`${COOKIE}=`))?.split("=")[1];
  const known = ["en", ...Object.keys(languages)];
  if (known.includes(kept)) return kept;
  for (const wanted of navigator.languages) {
    const locale = new Intl.Locale(wanted);
    const likely = locale.maximize();
    const found = known.find((one) => [wanted, `${likely.language}-${likely.script}`, locale.language].includes(one));
    if (found) return found;
  }
  return "en";
}

// Translate the elements of the HTML file, and offer the other languages.
if (tag !== "en") {
  document.documentElement.lang = tag;
  document.title = _(document.title);
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const { data } = walker.currentNode;
    const words = data.trim().replace(/\s+/g, " ");
    if (texts[words]) walker.currentNode.data = data.replace(data.trim(), () => texts[words]);
  }
}
const others = ["en", ...Object.keys(languages)].filter((one) => one !== tag).map((one) => {
  const button = document.createElement("button");
  Object.assign(button, { type: "button", className: "plain", lang: one });
  button.textContent = languages[one]?.English ?? "English";
  button.addEventListener("click", () => {
    document.cookie = `${COOKIE}=${one}; Path=/; Max-Age=31536000; SameSite=Lax`;
    location.reload();
  });
  return button;
});
document.getElementById("languages").append(...others);
