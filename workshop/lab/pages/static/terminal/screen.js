// The view of a shell: xterm.js in the page's colours, and commands that are typed one by one at its prompt.
//
// The lab's shell marks its prompt and the start of a command as FinalTerm does (OSC 133, A and C), which shows
// whether it waits for a command.

import { _ } from "../texts.js";
import { FitAddon } from "../xterm-addon-fit-0.11.0.esm.js";
import { Terminal } from "../xterm-6.0.0.esm.js";
import { Connection } from "./connection.js";
import { strictDocument, strictly } from "./strict.js";

const LIGHT = {
  black: "#17222d", red: "#bb321b", green: "#19794a", yellow: "#96590a", blue: "#0a5fb0", magenta: "#8b3a9e",
  cyan: "#0b7285", white: "#556372", brightBlack: "#556372", brightRed: "#bb321b", brightGreen: "#19794a",
  brightYellow: "#96590a", brightBlue: "#0a5fb0", brightMagenta: "#8b3a9e", brightCyan: "#0b7285", brightWhite: "#17222d",
};
const DARK = {
  black: "#5d6d7c", red: "#ff8d78", green: "#4fc78f", yellow: "#ecb54f", blue: "#6db7ff", magenta: "#d7a0e8",
  cyan: "#66d0dd", white: "#e4ebf2", brightBlack: "#93a4b5", brightRed: "#ff8d78", brightGreen: "#4fc78f",
  brightYellow: "#ecb54f", brightBlue: "#6db7ff", brightMagenta: "#d7a0e8", brightCyan: "#66d0dd", brightWhite: "#ffffff",
};
const CLEAR_LINE = "\x05\x15"; // Ctrl-E, Ctrl-U: clear the typed line

export class Screen {
  constructor(place, number, word) {
    this.place = place;
    this.word = word;
    this.commands = [];
    this.prompt = false;
    this.seen = false;
    const style = getComputedStyle(place);
    this.terminal = new Terminal({
      documentOverride: strictDocument,
      fontFamily: style.fontFamily,
      fontSize: 13,
      cursorBlink: false,
      minimumContrastRatio: 4.5,
      screenReaderMode: true,
      scrollback: 5000,
      theme: this.colours(),
    });
    this.fitter = new FitAddon();
    this.terminal.loadAddon(this.fitter);
    strictly(() => this.terminal.open(place));
    // Tab goes to the shell, so Shift+Tab leaves the terminal; a text on the page explains it.
    this.terminal.attachCustomKeyEventHandler((event) => !(event.key === "Tab" && event.shiftKey));
    this.terminal.parser.registerOscHandler(133, (mark) => this.marked(mark));
    this.terminal.onData((text) => this.typed(text));
    this.terminal.onResize(({ rows, cols }) => this.connection.resize(rows, cols));
    this.connection = new Connection(number, {
      begin: () => this.begin(),
      output: (bytes, done) => this.terminal.write(bytes, done),
      away: (text, again) => this.away(text, again),
    });
    this.connection.resize(this.terminal.rows, this.terminal.cols);
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(place);
    this.fit();
  }

  colours() {
    const style = getComputedStyle(this.place);
    const dark = style.colorScheme === "dark"
      || (style.colorScheme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    return { ...(dark ? DARK : LIGHT), background: style.backgroundColor, foreground: style.color, cursor: style.color,
      cursorAccent: style.backgroundColor, selectionBackground: dark ? "#2b5c88" : "#b6d6f5" };
  }

  recolour() {
    this.terminal.options.theme = this.colours();
  }

  fit() {
    if (this.place.clientHeight > 0) this.fitter.fit();
  }

  again() {
    this.gone = false;
    this.seen = false;
    this.connection.open();
  }

  begin() {
    this.prompt = false;
    this.seen = false;
    this.word.textContent = "";
    this.terminal.reset();
  }

  away(text, again) {
    this.gone = again === "ask";
    this.commands = [];
    this.prompt = false;
    this.word.textContent = text;
  }

  marked(mark) {
    if (mark.startsWith("A")) {
      this.prompt = true;
      this.seen = true;
      this.next();
    } else if (mark.startsWith("C")) {
      this.prompt = false;
    }
    return true;
  }

  typed(text) {
    if (this.gone) return void (text === "\r" && this.again());
    // The participant types, so the remaining commands are not run.
    this.commands = [];
    if (text.includes("\r")) this.prompt = false;
    this.connection.type(text);
  }

  run(commands) {
    if (this.gone) this.again();
    if (this.seen && !this.prompt) {
      this.word.textContent = _("A program runs in this terminal. Wait for its prompt, or press Ctrl-C in it, then run again.");
      return;
    }
    this.word.textContent = "";
    this.commands = [...commands];
    this.next();
  }

  next() {
    // While output from before this page is drawn, a prompt in it may be an old one.
    if (this.connection.earlier) return void setTimeout(() => this.next(), 50);
    if (!this.prompt || this.commands.length === 0) return;
    this.prompt = false;
    const command = this.commands.shift().replaceAll("\n", "\r");
    const pasted = this.terminal.modes.bracketedPasteMode ? `\x1b[200~${command}\x1b[201~` : command;
    this.connection.type(`${CLEAR_LINE}${pasted}\r`);
    this.terminal.scrollToBottom();
  }

  focus() {
    this.terminal.focus();
  }

  close() {
    this.observer.disconnect();
    this.connection.close();
    this.terminal.dispose();
  }
}
