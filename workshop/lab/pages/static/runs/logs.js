// The logs of steps: an open step's log is read as server-sent events until the step has ended. A page keeps the end of
// a long log only; a link opens the whole log.

import { _ } from "../texts.js";

const LONGEST = 512 * 1024;
const ESCAPES = /\x1b\[[0-9;?]*[A-Za-z]/g;
const logs = new Map();

class Log {
  constructor(url, pre, note) {
    Object.assign(this, { url, pre, note, source: null, at: "", ended: false, left: 0, line: "" });
    this.text = pre.appendChild(document.createTextNode(""));
    this.last = pre.appendChild(document.createTextNode(""));
  }

  open() {
    if (this.ended || this.source) return;
    this.source = new EventSource(`${this.url}/events${this.at && `?at=${this.at}`}`);
    this.source.addEventListener("start", (event) => this.start(event));
    this.source.addEventListener("message", (event) => this.add(event));
    this.source.addEventListener("end", (event) => this.end(event));
    this.source.addEventListener("error", () => {
      if (this.source?.readyState !== EventSource.CLOSED) return;
      this.close();
      this.note.textContent = _("The log cannot be read.");
    });
  }

  close() {
    this.source?.close();
    this.source = null;
  }

  start({ data, lastEventId }) {
    this.at = lastEventId;
    this.text.data = this.last.data = this.line = "";
    this.left = JSON.parse(data).skipped;
    this.explain("");
  }

  add({ data, lastEventId }) {
    this.at = lastEventId;
    const follows = this.pre.scrollHeight - this.pre.scrollTop - this.pre.clientHeight < 40;
    const lines = (this.line + JSON.parse(data)).split("\n");
    this.line = lines.pop();
    if (lines.length) this.text.appendData(`${lines.map(shown).join("\n")}\n`);
    this.last.data = shown(this.line);
    if (this.text.length > LONGEST) {
      const cut = this.text.data.indexOf("\n", this.text.length - LONGEST / 2) + 1;
      this.left += cut;
      this.text.deleteData(0, cut);
      this.explain("");
    }
    if (follows) this.pre.scrollTop = this.pre.scrollHeight;
  }

  end() {
    this.ended = true;
    this.close();
    this.explain(this.pre.textContent ? "" : _("It printed nothing."));
  }

  explain(word) {
    const left = this.left ? _("The first {size} KiB are left out.", { size: Math.ceil(this.left / 1024) }) : "";
    this.note.textContent = [word, left].filter(Boolean).join(" ");
  }
}

// A line as a terminal shows it: without colour codes, and only the last state of a progress bar.
function shown(line) {
  const text = line.replace(ESCAPES, "").replace(/\r+$/, "");
  return text.slice(text.lastIndexOf("\r") + 1);
}

export function syncLogs(root) {
  const wanted = new Set();
  for (const step of root.querySelectorAll("details.step[data-log][open]")) {
    const pre = step.querySelector("pre.log");
    // A step in a folded attempt is not visible.
    if (!pre || step.parentElement.closest("details:not([open])")) continue;
    wanted.add(pre);
    if (!logs.has(pre)) logs.set(pre, new Log(step.dataset.log, pre, step.querySelector("[id^=note-]")));
  }
  for (const [pre, log] of logs) {
    if (!pre.isConnected) logs.delete(pre);
    if (wanted.has(pre) && !document.hidden) log.open();
    else log.close();
  }
}
