/**
 * What this tab knows of one conversation: its messages by `seq`, who reacted, who has read how
 * far. Pure state; frames and pages of history go in, in any number of copies, and count once.
 *
 * A notice is a message that the server says to this account alone and does not keep: its `id` is
 * below zero, and its `seq` is only the place after which it was said.
 */

export function isNotice(message) {
  return message.id < 0;
}

export class Timeline {
  #byId = new Map();
  #early = []; // changes to messages not loaded, for a page of history that was read before them
  #readUpTo = new Map();
  messages = [];
  lastSeq = 0;
  hasOlder = false;

  get newest() {
    return this.messages.at(-1);
  }

  find(messageId) {
    return this.#byId.get(messageId);
  }

  /** A page of history, older than everything here. `isLast` says that nothing lies before it. */
  addPage(page, { isLast }) {
    this.hasOlder = !isLast;
    for (const message of page) this.#insert(message);
  }

  /** A frame from the socket; one that was seen before changes nothing. */
  apply(frame) {
    if (frame.type === "read") return this.#read(frame.user_id, frame.up_to_seq);
    if (frame.type === "message") return this.#post(frame);
    if (frame.seq === undefined || frame.seq <= this.lastSeq) return;
    this.lastSeq = frame.seq;
    if (!(frame.type in CHANGES)) return;
    const message = this.#byId.get(frame.message_id);
    if (message) CHANGES[frame.type](message, frame);
    else this.#early.push(frame);
  }

  /** The accounts whose reading ends at each message by `authorId`: message id → account ids. */
  readersOf(authorId) {
    const readers = new Map();
    for (const [reader, seq] of this.#readUpTo) {
      if (reader === authorId) continue;
      const last = this.messages.findLast((each) => each.sender_id === authorId && each.seq <= seq);
      if (last) readers.set(last.id, [...(readers.get(last.id) ?? []), reader]);
    }
    return readers;
  }

  readUpTo(accountId) {
    return this.#readUpTo.get(accountId) ?? 0;
  }

  #post(frame) {
    if (isNotice(frame)) return this.#insert(frame);
    const isOutOfReach = this.hasOlder && frame.seq < this.messages[0]?.seq;
    if (!isOutOfReach) this.#insert(frame);
    if (frame.sender_id !== null) this.#read(frame.sender_id, frame.seq);
  }

  #insert(message) {
    const isKept = !isNotice(message);
    if (isKept) this.lastSeq = Math.max(this.lastSeq, message.seq);
    if (this.#byId.has(message.id)) return;
    const known = { ...message, reactions: message.reactions ?? [] };
    const limit = isKept ? known.seq : known.seq + 1;
    const before = this.messages.findLastIndex((each) => each.seq < limit);
    this.messages.splice(before + 1, 0, known);
    this.#byId.set(known.id, known);
    for (const frame of this.#early) {
      if (frame.message_id === known.id) CHANGES[frame.type](known, frame);
    }
  }

  #read(accountId, seq) {
    if (seq > this.readUpTo(accountId)) this.#readUpTo.set(accountId, seq);
  }
}

const CHANGES = {
  message_edited(message, { content, edited_at }) {
    Object.assign(message, { content, edited_at });
  },

  message_deleted(message) {
    Object.assign(message, { content: "", attachment: null, is_deleted: true, reactions: [] });
  },

  reaction(message, { emoji, user_id, removed }) {
    let entry = message.reactions.find((each) => each.emoji === emoji);
    if (!entry) message.reactions.push((entry = { emoji, account_ids: [] }));
    entry.account_ids = entry.account_ids.filter((id) => id !== user_id);
    if (!removed) entry.account_ids.push(user_id);
    message.reactions = message.reactions.filter((each) => each.account_ids.length > 0);
  },
};
