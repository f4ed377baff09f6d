// Makes elements from text. Text is never parsed as markup, so a response cannot run scripts.

export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const PLANE = "M21 15.2v-1.7l-7.6-4.8V3.6a1.4 1.4 0 0 0-2.8 0v5.1L3 13.5v1.7l7.6-2.4v5.1l-2 1.5v1.3L12 19.8l3.4.9v-1.3l-2-1.5v-5.1z";

export function plane(isLate) {
  const space = "http://www.w3.org/2000/svg";
  const made = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  made.setAttribute("viewBox", "2 1 20 21");
  if (isLate) made.setAttribute("class", "is-late");
  path.setAttribute("d", PLANE);
  made.append(path);
  return made;
}
