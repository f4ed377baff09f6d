// The WebSocket to one of the lab's shells. It reconnects when the lab answers again.
//
// `screen` has: begin() before the shell's earlier output; output(bytes, done), where the screen calls done() when the
// bytes are drawn; and away(text, again) at the end of the connection: `again` is "soon", or "ask" if the participant
// must request a new one.

import { sessionCode } from "../session.js";
import { _ } from "../texts.js";

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 15000;
const LONGEST_TEXT = 8192;
const ENDED = 1000, REFUSED = 1008, DROPPED = 4000;

export class Connection {
  constructor(number, screen) {
    this.address = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/guide/terminal/${number}`;
    this.screen = screen;
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
    // Bytes of output from before this page. Terminal queries in them must not be answered now.
    this.earlier = 0;
    socket.onmessage = ({ data }) => {
      if (socket !== this.socket) return;
      if (typeof data === "string") {
        this.earlier = JSON.parse(data).earlier;
        this.wait = FIRST_WAIT;
        this.screen.begin();
        if (this.size) this.resize(...this.size);
        return;
      }
      this.screen.output(new Uint8Array(data), () => {
        this.earlier = Math.max(0, this.earlier - data.byteLength);
        this.send({ type: "drawn", bytes: data.byteLength }, socket);
      });
    };
    socket.onclose = ({ code, reason }) => {
      if (this.closed || socket !== this.socket) return;
      if (code === ENDED) return this.screen.away(_("The shell has ended. Press Enter for a new one."), "ask");
      if (code === DROPPED || code === REFUSED) return this.screen.away(_("{reason}. Press Enter to reconnect.", { reason }), "ask");
      this.again();
    };
  }

  again() {
    if (this.closed) return;
    this.screen.away(_("The lab does not answer. The page tries again."), "soon");
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  send(message, socket = this.socket) {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  }

  type(text) {
    if (this.earlier) return;
    for (let at = 0; at < text.length; at += LONGEST_TEXT) {
      this.send({ type: "type", text: text.slice(at, at + LONGEST_TEXT).toWellFormed() });
    }
  }

  resize(rows, columns) {
    this.size = [rows, columns];
    this.send({ type: "resize", rows, columns });
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket.close();
  }
}
