/**
 * Messages written but not yet answered, kept in sessionStorage so that a reload loses none.
 *
 * Each carries a `client_id` for its whole life: however often it is sent, the server stores it
 * once. One is on its way at a time, so a message never overtakes an earlier one. One that the
 * server leaves without an answer is sent again, and given up in the end, so that nothing waits
 * for ever behind it.
 */

const PAUSE_MS = 2_000;
const ANSWER_WITHIN_MS = 10_000;
const MOST_TRIES = 3;
const NO_ANSWER = "The server gave no answer.";

export class Outbox {
  #key;
  #send;
  #onChange;
  #inFlight = null;
  #pause = null;
  #patience = null;

  /** @param send hands a frame to the connection and says whether it could */
  constructor(accountId, conversationId, { send, onChange }) {
    this.#key = `folkmoot.outbox.${accountId}.${conversationId}`;
    this.#send = send;
    this.#onChange = onChange;
    this.entries = JSON.parse(sessionStorage.getItem(this.#key)) ?? [];
  }

  /** How many are still to be sent; what was refused is not. */
  get waiting() {
    return this.entries.filter((entry) => !entry.refusal).length;
  }

  /** @param attachment of an uploaded file, as messages show it; optional */
  add(content, attachment) {
    const client_id = crypto.randomUUID();
    this.entries.push({ client_id, content, attachment, typed_at: Date.now() });
    this.#changed();
  }

  /** Connected anew: whatever was on its way may be lost, so it is sent again. */
  restart() {
    this.rest();
    this.#pump();
  }

  /** Not connected: nothing can be answered. */
  rest() {
    clearTimeout(this.#pause);
    clearTimeout(this.#patience);
    this.#inFlight = null;
  }

  /** The server has answered the message with this `client_id`; its entry, if it waited here. */
  acknowledge(clientId) {
    const entry = this.#find(clientId);
    if (entry) this.discard(clientId);
    return entry;
  }

  discard(clientId) {
    this.entries = this.entries.filter((entry) => entry.client_id !== clientId);
    this.#land(clientId);
  }

  /** An `error` frame: it names its message, or speaks of the one on its way. */
  refuse({ client_id, message, passing, retry_after }) {
    const entry = this.#find(client_id ?? this.#inFlight);
    if (!entry) return false;
    if (passing) {
      entry.delay = message;
      this.#onChange();
      this.rest();
      this.#inFlight = entry.client_id;
      this.#pause = setTimeout(() => this.restart(), retry_after * 1000 || PAUSE_MS);
    } else {
      entry.refusal = message;
      this.#land(entry.client_id);
    }
    return true;
  }

  /** Nothing can be sent here any more, for this reason. */
  refuseAll(reason) {
    for (const entry of this.entries) entry.refusal ??= reason;
    this.rest();
    this.#changed();
  }

  retry(clientId) {
    const entry = this.#find(clientId);
    if (entry) delete entry.refusal;
    this.#changed();
  }

  #find(clientId) {
    return this.entries.find((entry) => entry.client_id === clientId);
  }

  #land(clientId) {
    if (this.#inFlight === clientId) this.rest();
    this.#changed();
  }

  #changed() {
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(this.entries));
    } catch {
      // The storage is full: the messages still live in this page, only a reload would lose them.
    }
    this.#onChange();
    this.#pump();
  }

  #pump() {
    const next = this.entries.find((entry) => !entry.refusal);
    if (this.#inFlight || !next) return;
    const { client_id, content, attachment } = next;
    const frame = { type: "message", client_id, content, attachment_id: attachment?.id };
    if (!this.#send(frame)) return;
    this.#inFlight = client_id;
    this.#patience = setTimeout(() => this.#unanswered(next), ANSWER_WITHIN_MS);
  }

  #unanswered(entry) {
    entry.tries = (entry.tries ?? 0) + 1;
    if (entry.tries >= MOST_TRIES) {
      entry.tries = 0;
      entry.refusal = NO_ANSWER;
    } else {
      entry.delay = "no answer yet";
    }
    this.#land(entry.client_id);
  }
}
