// Functions that create elements.

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

export function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// Twenty-four hours, and the date only where a day is the step.
export function clock(time, every = 60) {
  const at = new Date(time * 1000);
  if (every >= 86400) return at.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return at.toLocaleTimeString("en-GB", {
    hour: "2-digit", minute: "2-digit", second: every < 60 ? "2-digit" : undefined,
  });
}
