/**
 * One conversation's socket, kept open: it says where it stands, comes back by itself after
 * growing jittered waits, and asks each time for what was missed (`after_seq`). On a page that is
 * looked at, a server that has fallen silent is noticed within five seconds.
 *
 * A frame is handed on as it came; what it means is the business of whoever listens.
 */

import { socketAddress } from "./api.js";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
const STEADY_AFTER_MS = 5_000;
const HELLO_WITHIN_MS = 10_000;
const PING_AFTER_MS = 2_000;
const PING_UNSEEN_AFTER_MS = 25_000;
const DOUBT_AFTER_MS = 2_500;
const PONG_WITHIN_MS = 10_000;

const CLOSED_BY_US = 1000;
const AUTH_CODES = new Set([4000, 4001]);
const FINAL_CODES = new Map([[4003, 403], [4004, 404]]);
const FINAL_STATUSES = new Map([
  [403, "You are not a participant in this conversation."],
  [404, "There is no such conversation."],
]);

/** Full jitter: anywhere between nothing and a ceiling that doubles, so a crowd spreads out. */
export function waitBefore(attempt, random = Math.random) {
  return random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
}

export class Connection {
  #api;
  #conversationId;
  #prepare;
  #position;
  #onFrame;
  #onState;
  #onClose;

  #socket = null;
  #timer = null;
  #turn = 0;
  #attempt = 0;
  #steadyFrom = Infinity;
  #hasRenewed = false;
  #isDoubted = false;
  #windowEvents = new AbortController();
  state = "connecting";

  /**
   * @param prepare   awaited before each attempt; what it throws counts as a failed attempt
   * @param position  gives the last `seq` seen
   * @param onState   told `(name, {retryAt?, reason?, status?})`; name is one of connecting,
   *                  connected, unanswered (what it was, but the server is silent), reconnecting,
   *                  offline, stopped, signed-out; the status is of HTTP, 403 or 404
   * @param onClose   told the close code, before anything else is done about it
   */
  constructor(api, conversationId, { prepare, position, onFrame, onState, onClose }) {
    this.#api = api;
    this.#conversationId = conversationId;
    this.#prepare = prepare;
    this.#position = position;
    this.#onFrame = onFrame;
    this.#onState = onState;
    this.#onClose = onClose;
  }

  start() {
    const { signal } = this.#windowEvents;
    const look = () => document.visibilityState === "visible" && this.nudge();
    window.addEventListener("online", () => this.nudge(), { signal });
    window.addEventListener("offline", () => this.nudge(), { signal });
    document.addEventListener("visibilitychange", look, { signal });
    this.#dial();
  }

  /** Close for good, silently. */
  stop() {
    this.#windowEvents.abort();
    this.#drop();
  }

  /** Something has changed: stop waiting, or make sure that an open socket still lives. */
  nudge() {
    if (this.state === "connected") this.#probe();
    else if (this.state === "reconnecting" || this.state === "offline") this.#dial();
  }

  /** Whether the frame was handed to an open connection. */
  send(frame) {
    if (this.state !== "connected" || this.#socket.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  async #dial() {
    this.#drop();
    this.#steadyFrom = Infinity;
    const turn = this.#turn;
    this.#become("connecting");
    this.#alarm(DOUBT_AFTER_MS, () => this.#doubt());
    try {
      await this.#prepare();
      const credential = await this.#api.socketCredential();
      if (turn === this.#turn) this.#open(credential);
    } catch (error) {
      if (turn === this.#turn) this.#failed(error);
    }
  }

  #open(credential) {
    const query = { ...credential, after_seq: this.#position() };
    this.#socket = new WebSocket(socketAddress(this.#conversationId, query));
    this.#socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    this.#socket.onclose = ({ code, reason }) => this.#closed(code, reason);
    this.#giveIt(HELLO_WITHIN_MS);
  }

  #hear(frame) {
    const pingAfter = document.hidden ? PING_UNSEEN_AFTER_MS : PING_AFTER_MS;
    this.#alarm(pingAfter, () => this.#probe());
    if (frame.type === "connection") {
      this.#steadyFrom = performance.now() + STEADY_AFTER_MS;
      this.#hasRenewed = false;
      this.#become("connected");
    } else if (this.#isDoubted) {
      this.#become(this.state);
    }
    this.#onFrame(frame);
  }

  /** Ask for a sign of life; a socket that gives none is dead, whatever the browser thinks. */
  #probe() {
    this.send({ type: "ping" });
    this.#giveIt(PONG_WITHIN_MS);
  }

  /** Wait so long for a frame, and say meanwhile that none comes. */
  #giveIt(ms) {
    this.#alarm(DOUBT_AFTER_MS, () => {
      this.#doubt();
      if (navigator.onLine) this.#alarm(ms - DOUBT_AFTER_MS, () => this.#wait());
      else this.#wait();
    });
  }

  #doubt() {
    this.#isDoubted = true;
    this.#onState("unanswered", {});
  }

  #closed(code, reason) {
    this.#drop();
    this.#onClose(code);
    if (AUTH_CODES.has(code)) this.#renew(reason);
    else if (FINAL_CODES.has(code)) this.#refused(FINAL_CODES.get(code));
    else this.#wait();
  }

  #failed(error) {
    if (error.status === 401) this.#end("signed-out", "Please log in again.");
    else if (error.isPassing) this.#wait();
    else this.#refused(error.status, error.message);
  }

  #refused(status, message) {
    this.#end("stopped", FINAL_STATUSES.get(status) ?? message, status);
  }

  /** The token is no longer good: try a new one, once. */
  async #renew(reason) {
    if (this.#hasRenewed) return this.#end("signed-out", reason || "Please log in again.");
    this.#hasRenewed = true;
    const turn = this.#turn;
    this.#become("connecting");
    try {
      await this.#api.renew();
      if (turn === this.#turn) this.#dial();
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#hasRenewed = false;
      if (error.isPassing) this.#wait();
      else this.#end("signed-out", reason || "Your login has ended.");
    }
  }

  #wait() {
    if (performance.now() > this.#steadyFrom) this.#attempt = 0;
    this.#drop();
    const wait = waitBefore(this.#attempt++);
    this.#become(navigator.onLine ? "reconnecting" : "offline", { retryAt: Date.now() + wait });
    this.#alarm(wait, () => this.#dial());
  }

  #end(name, reason, status) {
    this.stop();
    this.#become(name, { reason, status });
  }

  #drop() {
    this.#turn += 1;
    clearTimeout(this.#timer);
    if (!this.#socket) return;
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close(CLOSED_BY_US);
    this.#socket = null;
  }

  #alarm(ms, ring) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(ring, ms);
  }

  #become(name, detail = {}) {
    this.state = name;
    this.#isDoubted = false;
    this.#onState(name, detail);
  }
}
