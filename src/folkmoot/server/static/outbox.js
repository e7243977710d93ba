/**
 * Messages written but not yet acknowledged, kept in sessionStorage so that a reload loses none.
 *
 * Each carries a `client_id` for its whole life: however often it is sent, the server stores it
 * once. One is on its way at a time, so a message never overtakes an earlier one.
 */

const PAUSE_MS = 2_000;

export class Outbox {
  #key;
  #send;
  #onChange;
  #inFlight = null;
  #pause = null;

  /** @param send hands a frame to the connection and says whether it could */
  constructor(accountId, conversationId, { send, onChange }) {
    this.#key = `folkmoot.outbox.${accountId}.${conversationId}`;
    this.#send = send;
    this.#onChange = onChange;
    this.entries = JSON.parse(sessionStorage.getItem(this.#key)) ?? [];
  }

  add(content) {
    this.entries.push({ client_id: crypto.randomUUID(), content, typed_at: Date.now() });
    this.#changed();
  }

  /** Connected anew: whatever was on its way may be lost, so it is sent again. */
  restart() {
    clearTimeout(this.#pause);
    this.#inFlight = null;
    this.#pump();
  }

  /** The server has stored the message with this `client_id`. */
  acknowledge(clientId) {
    if (this.#find(clientId)) this.discard(clientId);
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
      clearTimeout(this.#pause);
      this.#pause = setTimeout(() => this.restart(), retry_after * 1000 || PAUSE_MS);
    } else {
      entry.refusal = message;
      this.#land(entry.client_id);
    }
    return true;
  }

  retry(clientId) {
    delete this.#find(clientId)?.refusal;
    this.#changed();
  }

  #find(clientId) {
    return this.entries.find((entry) => entry.client_id === clientId);
  }

  #land(clientId) {
    if (this.#inFlight === clientId) this.#inFlight = null;
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
    const { client_id, content } = next;
    if (this.#send({ type: "message", client_id, content })) this.#inFlight = client_id;
  }
}
