// The WebSocket to one of the lab's shells. It comes back by itself when the lab does; what it cannot mend it says.
//
// `hear` has: begin() before the shell's output so far, output(bytes, done) where done() says that it is drawn, and
// away(text, again) when nothing comes any more: `again` is "soon", or "ask" when the participant has to ask for it.

import { sessionCode } from "../session.js";

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 15000;
const LONGEST_TEXT = 8192;
const ENDED = 1000, REFUSED = 1008, DROPPED = 4000;

export class Connection {
  constructor(number, hear) {
    this.address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/guide/terminal/${number}`;
    this.hear = hear;
    this.wait = FIRST_WAIT;
    this.closed = false;
    this.open();
  }

  async open() {
    clearTimeout(this.timer);
    let code;
    try {
      code = await sessionCode("terminal");
    } catch {
      return this.again();
    }
    if (this.closed) return;
    const socket = new WebSocket(`${this.address}?code=${code}`);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    // Bytes of output from before this page; answers to what a program asked then are not for now.
    this.earlier = 0;
    socket.onmessage = ({ data }) => {
      if (socket !== this.socket) return;
      if (typeof data === "string") {
        this.earlier = JSON.parse(data).earlier;
        this.wait = FIRST_WAIT;
        this.hear.begin();
        if (this.size) this.resize(...this.size);
        return;
      }
      this.hear.output(new Uint8Array(data), () => {
        this.earlier = Math.max(0, this.earlier - data.byteLength);
        this.say({ type: "drawn", bytes: data.byteLength }, socket);
      });
    };
    socket.onclose = ({ code, reason }) => {
      if (this.closed || socket !== this.socket) return;
      if (code === ENDED) return this.hear.away("The shell has ended. Press Enter for a new one.", "ask");
      if (code === DROPPED || code === REFUSED) return this.hear.away(`${reason}. Press Enter to come back.`, "ask");
      this.again();
    };
  }

  again() {
    if (this.closed) return;
    this.hear.away("The lab does not answer. This page tries again.", "soon");
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  say(message, socket = this.socket) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  type(text) {
    if (this.earlier) return;
    for (let at = 0; at < text.length; at += LONGEST_TEXT) {
      this.say({ type: "type", text: text.slice(at, at + LONGEST_TEXT).toWellFormed() });
    }
  }

  resize(rows, columns) {
    this.size = [rows, columns];
    this.say({ type: "resize", rows, columns });
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket.close();
  }
}
