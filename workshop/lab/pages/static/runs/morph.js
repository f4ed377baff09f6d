// Makes an element equal to another, in place: unchanged parts keep their focus, selection and scroll position.
// Elements with the same id are the same; elements that are added and removed need one. Others are compared by their
// position. Content with data-keep belongs to scripts or to the user; a script's changes of `style` stay too.

export function morph(from, to) {
  if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName) {
    from.replaceWith(to);
    return;
  }
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if ("keep" in from.dataset) return;
  attributes(from, to);
  children(from, to);
}

function attributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (name !== "style" && name !== "open" && !to.hasAttribute(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (name !== "open" && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  if (from.nodeName === "DETAILS") unfold(from, to);
}

// A user's opening or closing stays, until the server sends another state than the last time.
const served = new WeakMap();
function unfold(from, to) {
  const wanted = to.hasAttribute("open");
  if (served.has(from) ? served.get(from) !== wanted : from.open !== wanted) from.open = wanted;
  served.set(from, wanted);
}

function children(from, to) {
  const known = new Map([...from.children].filter((one) => one.id).map((one) => [one.id, one]));
  const wanted = new Set([...to.children].map((one) => one.id).filter(Boolean));
  let at = from.firstChild;
  for (const next of [...to.childNodes]) {
    let same = null;
    if (next.id) same = known.get(next.id);
    else if (at && !at.id && at.nodeType === next.nodeType && at.nodeName === next.nodeName) same = at;
    if (!same) {
      from.insertBefore(next, at);
      continue;
    }
    // Remove unwanted elements before it; moving an element instead would lose its scroll position and focus.
    while (at && at !== same && same.id && !wanted.has(at.id)) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
    if (same === at) at = at.nextSibling;
    else from.insertBefore(same, at);
    morph(same, next);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}
