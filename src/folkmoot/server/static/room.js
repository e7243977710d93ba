/**
 * One conversation on the page, from entering to leaving: wires the connection, the timeline,
 * the outbox, the log, the people and the composer together.
 */

import { Attachments } from "./attachments.js";
import { Composer } from "./composer.js";
import { Connection } from "./connection.js";
import { Log } from "./log.js";
import { Outbox } from "./outbox.js";
import { People, titleOf } from "./people.js";
import { isNotice, Timeline } from "./timeline.js";

const PAGE_SIZE = 50;
const RENDER_AFTER_MS = 16;
const READ_AFTER_MS = 300;
const LOOK_AFTER_MS = 200;
const MESSAGE_TOO_BIG = 1009;
const ASSISTANT_ID = 0; // as whom it types
const CLOSED = "It can be read, and nothing can be added.";
const LOOK_AGAIN = new Set([
  "participant_added", "participant_removed", "conversation_renamed", "conversation_closed",
]);

const part = Object.fromEntries(
  ["title", "log", "older", "empty", "jump", "waiting", "standstill", "standstill-title",
    "standstill-advice", "conversation-area", "composer", "text"].map((id) => [id, document.getElementById(id)]),
);

/** What to do about being kept out, by the status that says so. */
const KEPT_OUT = {
  403: ["Not your conversation", "Ask somebody who is in it to add you, then try again."],
  404: ["Not found", "Check the number of the conversation."],
};

export class Room {
  #api;
  #me;
  #id;
  #path;
  #timeline = new Timeline();
  #outbox;
  #log;
  #people;
  #composer;
  #connection;
  #listeners = new AbortController();

  #isLoaded = false;
  #isLoadingOlder = false;
  #unseen = 0;
  #renderTimer = null;
  #readTimer = null;
  #lookTimer = null;

  constructor(api, conversationId, { onState }) {
    const { signal } = this.#listeners;
    this.#api = api;
    this.#me = api.account;
    this.#id = conversationId;
    this.#path = `conversations/${conversationId}`;
    this.#people = new People(this.#me);
    this.#log = new Log(this.#me, {
      nameOf: (id) => this.#people.nameOf(id),
      attachments: new Attachments(api, signal),
      onCommand: (name, row, detail) => this.#obey(name, row, detail),
      signal,
    });
    this.#outbox = new Outbox(this.#me.id, conversationId, {
      send: (frame) => this.#connection.send(frame),
      onChange: () => this.#changed(),
    });
    this.#connection = new Connection(api, conversationId, {
      prepare: () => this.#load(),
      position: () => this.#timeline.lastSeq,
      onFrame: (frame) => this.#hear(frame),
      onState: (name, detail) => {
        this.#stands(name, detail);
        onState(name, detail);
      },
      onClose: (code) => code === MESSAGE_TOO_BIG && this.#outbox.refuse({ message: "too big" }),
    });
    this.#composer = new Composer(api, conversationId, {
      say: (content, attachment) => this.#say(content, attachment),
      edit: (message, content) => this.#try("PATCH", this.#pathOf(message), { content }),
      typing: (isTyping) => this.#connection.send({ type: "typing", is_typing: isTyping }),
      recall: () => this.#timeline.messages.findLast((message) => this.#isMyText(message)),
      signal,
    });
    this.#listen(signal);
  }

  get #hasLeft() {
    return this.#listeners.signal.aborted;
  }

  get waiting() {
    return this.#outbox.entries.length;
  }

  enter() {
    part.title.textContent = `Conversation ${this.#id}`;
    part.jump.hidden = part.older.hidden = true;
    this.#changed();
    this.#connection.start();
    this.#composer.focus();
  }

  leave() {
    this.#listeners.abort();
    this.#connection.stop();
    this.#outbox.rest();
    this.#people.leave();
    for (const timer of [this.#renderTimer, this.#readTimer, this.#lookTimer]) clearTimeout(timer);
    document.title = "folkmoot";
  }

  retryNow() {
    this.#connection.nudge();
  }

  #listen(signal) {
    const on = (target, type, act) => target.addEventListener(type, act, { signal });
    on(part.older, "click", () => this.#loadOlder());
    on(part.jump, "click", () => this.#log.scrollToBottom());
    on(part.log, "scroll", () => this.#scrolled());
    on(document, "visibilitychange", () => this.#look());
  }

  // -- how it stands

  #stands(name, { reason, status }) {
    const isKeptOut = name === "stopped";
    if (name !== "connected" && name !== "unanswered") this.#outbox.rest();
    this.#people.isConnected = name === "connected";
    this.#people.show();
    part.composer.hidden = isKeptOut;
    part.standstill.hidden = !isKeptOut;
    part["conversation-area"].classList.toggle("vacant", isKeptOut && !this.#isLoaded);
    if (isKeptOut) {
      const [title, advice] = KEPT_OUT[status] ?? ["Not connected", ""];
      part["standstill-title"].textContent = title;
      part["standstill-advice"].textContent = [reason, advice].filter(Boolean).join(" ");
      this.#outbox.refuseAll(reason);
    }
    this.#showWaiting(name);
  }

  #showWaiting(state) {
    const count = this.#outbox.waiting;
    const words = count === 1 ? "1 message waits and will be sent." : `${count} messages wait and will be sent.`;
    const isAway = state === "reconnecting" || state === "offline" || state === "unanswered";
    part.waiting.textContent = isAway && count ? words : "";
  }

  #close(by) {
    const who = by === this.#me.id ? "you" : this.#people.find(by)?.username;
    this.#composer.close(`This conversation was closed${who ? ` by ${who}` : ""}. ${CLOSED}`);
    this.#log.isClosed = true;
  }

  // -- history and frames

  async #load() {
    if (this.#isLoaded) return;
    part.log.ariaBusy = "true";
    const page = await this.#page({});
    this.#timeline.addPage(page, { isLast: page.length < PAGE_SIZE });
    page.forEach((message) => this.#acknowledge(message));
    this.#isLoaded = true;
    this.#changed();
  }

  async #loadOlder() {
    if (this.#isLoadingOlder || !this.#timeline.hasOlder) return;
    this.#isLoadingOlder = true;
    part.log.ariaBusy = "true";
    try {
      const page = await this.#page({ before_seq: this.#timeline.messages[0].seq });
      this.#timeline.addPage(page, { isLast: page.length < PAGE_SIZE });
      this.#log.keepPlace(() => this.#draw());
    } catch (error) {
      this.#composer.tell(error.message);
    } finally {
      this.#isLoadingOlder = false;
    }
  }

  #page(query) {
    const search = new URLSearchParams({ limit: PAGE_SIZE, ...query });
    return this.#api.call("GET", `${this.#path}/messages?${search}`);
  }

  #hear(frame) {
    const { type } = frame;
    if (type === "connection") this.#connected(frame);
    else if (type === "error") this.#refused(frame);
    else if (type === "typing") this.#people.types(frame);
    else if (type === "user_joined" || type === "user_left") this.#people.hear(frame);
    else {
      if (type === "message") this.#messageCame(frame);
      if (type === "conversation_closed") this.#close(frame.by_user_id);
      if (LOOK_AGAIN.has(type)) {
        this.#lookTimer ??= setTimeout(() => this.#lookAgain(), LOOK_AFTER_MS);
      }
      this.#timeline.apply(frame);
      this.#changed();
    }
  }

  #connected({ last_seq }) {
    // The server went back to an older copy of its data: start again from what it has.
    if (last_seq < this.#timeline.lastSeq) return location.reload();
    this.#outbox.restart();
    this.#lookAgain();
    this.#changed();
  }

  #messageCame(message) {
    this.#acknowledge(message);
    if (isNotice(message)) return;
    this.#people.types({ user_id: message.sender_id ?? ASSISTANT_ID, is_typing: false });
    const isNews = message.seq > this.#timeline.lastSeq && message.sender_id !== this.#me.id;
    if (isNews && document.hidden) this.#unseen += 1;
    if (isNews && !this.#log.follows) part.jump.hidden = false;
  }

  /** A `client_id` comes to its author alone: whatever bears one answers what was sent with it. */
  #acknowledge(message) {
    const entry = message.client_id && this.#outbox.acknowledge(message.client_id);
    if (entry && isNotice(message)) message.answers = entry.content;
  }

  #refused(frame) {
    if (!this.#outbox.refuse(frame)) this.#composer.tell(frame.message);
  }

  // -- drawing

  /** Draw soon: a burst of frames is drawn once. */
  #changed() {
    if (!this.#hasLeft) this.#renderTimer ??= setTimeout(() => this.#redraw(), RENDER_AFTER_MS);
  }

  #redraw() {
    const follows = this.#log.follows;
    this.#draw();
    if (follows) this.#log.scrollToBottom();
    this.#look();
  }

  #draw() {
    if (this.#hasLeft) return;
    clearTimeout(this.#renderTimer);
    this.#renderTimer = null;
    this.#log.render(this.#timeline, this.#outbox.entries);
    if (document.activeElement === part.older && !this.#timeline.hasOlder) part.log.focus();
    part.older.hidden = !this.#timeline.hasOlder;
    part.empty.hidden = !this.#isLoaded || this.#timeline.messages.length + this.waiting > 0;
    this.#showWaiting(this.#connection.state);
    if (this.#isLoaded) part.log.ariaBusy = "false";
  }

  #scrolled() {
    if (part.log.scrollTop === 0 && this.#isLoaded) this.#loadOlder();
    this.#look();
  }

  /** What is on a visible page, at the end of the log, has been read. */
  #look() {
    if (!document.hidden) this.#unseen = 0;
    const count = this.#unseen ? `(${this.#unseen}) ` : "";
    document.title = `${count}${part.title.textContent} – folkmoot`;
    if (document.hidden || !this.#log.follows) return;
    part.jump.hidden = true;
    this.#readTimer ??= setTimeout(() => this.#tellRead(), READ_AFTER_MS);
  }

  #tellRead() {
    this.#readTimer = null;
    const seq = this.#timeline.newest?.seq ?? 0;
    if (seq <= this.#timeline.readUpTo(this.#me.id)) return;
    if (!this.#connection.send({ type: "read", up_to_seq: seq })) return;
    this.#timeline.apply({ type: "read", user_id: this.#me.id, up_to_seq: seq });
  }

  /** The conversation's head: what it is called, who is in it, whether it was closed. */
  async #lookAgain() {
    this.#lookTimer = null;
    const asking = this.#api.call("GET", this.#path);
    try {
      await this.#people.replace(asking.then(({ participants }) => participants));
    } catch {
      return; // the connection, which asks the same server, says how it is
    }
    if (this.#hasLeft) return;
    const conversation = await asking;
    part.title.textContent = titleOf(conversation, this.#me);
    if (conversation.closed_at && !this.#log.isClosed) this.#close();
    this.#changed();
  }

  // -- writing

  #isMyText(message) {
    return message.sender_id === this.#me.id && !message.is_deleted;
  }

  #pathOf({ id }) {
    return `${this.#path}/messages/${id}`;
  }

  #say(content, attachment) {
    this.#outbox.add(content, attachment);
    this.#draw();
    this.#log.scrollToBottom();
  }

  #obey(command, row, { emoji }) {
    const path = this.#pathOf(row);
    if (command === "retry") this.#outbox.retry(row.key);
    else if (command === "take-back") this.#takeBack(row);
    else if (command === "edit") return this.#composer.edit(this.#timeline.find(row.id));
    else if (command === "delete") this.#try("DELETE", path);
    else {
      const isMine = row.reactions.some((each) => each.emoji === emoji && each.isMine);
      this.#try(isMine ? "DELETE" : "PUT", `${path}/reactions/${encodeURIComponent(emoji)}`);
      return;
    }
    this.#composer.focus();
  }

  /** Out of the queue and back into the field, where it can be mended. */
  #takeBack({ key }) {
    const entry = this.#outbox.acknowledge(key);
    if (entry) this.#composer.takeBack(entry);
  }

  /** Ask for a change; what it changed comes back to everyone, here too, as a frame. */
  async #try(method, path, body) {
    try {
      await this.#api.call(method, path, body);
      return true;
    } catch (error) {
      this.#composer.tell(error.message);
      return false;
    }
  }
}
