// The translations that a page has for its scripts; a text without one stays English.

const texts = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");

// `{name}` in a text is replaced by the value of that name.
export function _(english, values = {}) {
  return (texts[english] ?? english).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}
