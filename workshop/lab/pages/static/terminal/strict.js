// A document for xterm.js that keeps to a Content-Security-Policy without 'unsafe-inline'.
//
// xterm.js writes <style> elements and style attributes, which such a policy blocks. It allows the same rules in a
// constructed style sheet, and the same declarations by way of CSSOM. xterm.js takes the document that it works with
// as the option `documentOverride`. Version 6.0.0 still takes the page's own for some elements while it opens.

const create = Document.prototype.createElement.bind(document);

function sheet() {
  const made = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, made];
  const element = create("span");
  element.hidden = true;
  Object.defineProperty(element, "textContent", { set: (text) => made.replaceSync(text) });
  element.remove = () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== made);
    Element.prototype.remove.call(element);
  };
  return element;
}

function setAttribute(name, value) {
  if (name === "style") this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
}

function createElement(name, ...more) {
  if (name === "style") return sheet();
  const element = create(name, ...more);
  element.setAttribute = setAttribute;
  return element;
}

export const strictDocument = new Proxy(document, {
  get(target, name) {
    if (name === "createElement") return createElement;
    const value = Reflect.get(target, name, target);
    return typeof value === "function" ? value.bind(target) : value;
  },
});

// Call `work` while the page's own document creates elements in this way, too.
export function strictly(work) {
  document.createElement = createElement;
  try {
    work();
  } finally {
    delete document.createElement;
  }
}
