/**
 * One conversation on the page, from entering to leaving: wires the connection, the timeline,
 * the outbox and the log together, and runs the composer and the list of people.
 */

import { Connection } from "./connection.js";
import { Log } from "./log.js";
import { Outbox } from "./outbox.js";
import { Timeline } from "./timeline.js";

const PAGE_SIZE = 50;
const RENDER_AFTER_MS = 16;
const READ_AFTER_MS = 300;
const PEOPLE_AFTER_MS = 200;
const TYPING_EVERY_MS = 3_000;
const TYPING_LASTS_MS = 6_000;
const MESSAGE_TOO_BIG = 1009;
const MEMBERSHIP = new Set(["participant_added", "participant_removed", "conversation_renamed"]);

const part = Object.fromEntries(
  ["title", "log", "older", "empty", "jump", "typing", "composer", "notice", "editing",
    "cancel-edit", "text", "people", "people-count"].map((id) => [id, document.getElementById(id)]),
);

export class Room {
  #api;
  #me;
  #path;
  #draftKey;
  #timeline = new Timeline();
  #outbox;
  #log;
  #connection;
  #listeners = new AbortController();

  #people = new Map();
  #presenceNews = new Map();
  #typing = new Map();
  #typingToldAt = -Infinity;
  #edited = null;
  #draft = "";
  #isLoaded = false;
  #isLoadingOlder = false;
  #unseen = 0;
  #renderTimer = null;
  #readTimer = null;
  #peopleTimer = null;

  constructor(api, conversationId, { onState }) {
    const { signal } = this.#listeners;
    this.#api = api;
    this.#me = api.account;
    this.#path = `conversations/${conversationId}`;
    this.#draftKey = `folkmoot.draft.${this.#me.id}.${conversationId}`;
    this.#log = new Log(this.#me, {
      nameOf: (id) => this.#nameOf(id),
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
        part.composer.hidden = name === "stopped";
        this.#showPeople();
        onState(name, detail);
      },
      onClose: (code) => code === MESSAGE_TOO_BIG && this.#outbox.refuse({ message: "too big" }),
    });
    this.#listen(signal);
  }

  get #hasLeft() {
    return this.#listeners.signal.aborted;
  }

  get waiting() {
    return this.#outbox.entries.length;
  }

  enter(title) {
    part.title.textContent = title;
    part.text.value = sessionStorage.getItem(this.#draftKey) ?? "";
    part.notice.hidden = part.editing.hidden = part.jump.hidden = part.older.hidden = true;
    this.#changed();
    this.#connection.start();
    part.text.focus();
  }

  leave() {
    this.#listeners.abort();
    this.#connection.stop();
    const timers = [this.#renderTimer, this.#readTimer, this.#peopleTimer];
    for (const timer of [...timers, ...this.#typing.values()]) clearTimeout(timer);
    part.typing.textContent = "";
    document.title = "folkmoot";
  }

  retryNow() {
    this.#connection.nudge();
  }

  #listen(signal) {
    const on = (target, type, act) => target.addEventListener(type, act, { signal });
    on(part.composer, "submit", (event) => (event.preventDefault(), this.#submit()));
    on(part.text, "keydown", (event) => this.#keyed(event));
    on(part.text, "input", () => this.#typed());
    on(part.text, "blur", () => this.#tellTyping(false));
    on(part["cancel-edit"], "click", () => this.#stopEditing());
    on(part.older, "click", () => this.#loadOlder());
    on(part.jump, "click", () => this.#log.scrollToBottom());
    on(part.log, "scroll", () => this.#scrolled());
    on(document, "visibilitychange", () => this.#look());
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
      this.#notice(error.message);
    } finally {
      this.#isLoadingOlder = false;
    }
  }

  #page(query) {
    const search = new URLSearchParams({ limit: PAGE_SIZE, ...query });
    return this.#api.call("GET", `${this.#path}/messages?${search}`);
  }

  #hear(frame) {
    const { type, user_id: userId } = frame;
    if (type === "connection") this.#connected(frame);
    else if (type === "error") this.#refused(frame);
    else if (type === "typing") this.#someoneTypes(userId, frame.is_typing);
    else if (type === "user_joined" || type === "user_left") this.#presence(frame);
    else {
      if (type === "message") this.#messageCame(frame);
      if (MEMBERSHIP.has(type)) {
        this.#peopleTimer ??= setTimeout(() => this.#fetchPeople(), PEOPLE_AFTER_MS);
      }
      this.#timeline.apply(frame);
      this.#changed();
    }
  }

  #connected({ last_seq }) {
    // The server went back to an older copy of its data: start again from what it has.
    if (last_seq < this.#timeline.lastSeq) return location.reload();
    this.#outbox.restart();
    this.#fetchPeople();
    this.#changed();
  }

  #messageCame(message) {
    this.#acknowledge(message);
    this.#someoneTypes(message.sender_id, false);
    const isNews = message.seq > this.#timeline.lastSeq && message.sender_id !== this.#me.id;
    if (isNews && document.hidden) this.#unseen += 1;
    if (isNews && !this.#log.follows) part.jump.hidden = false;
  }

  #acknowledge({ sender_id, client_id }) {
    if (sender_id === this.#me.id && client_id) this.#outbox.acknowledge(client_id);
  }

  #refused(frame) {
    if (!this.#outbox.refuse(frame)) this.#notice(frame.message);
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
    if (this.#isLoaded) part.log.ariaBusy = "false";
  }

  #notice(text) {
    part.notice.textContent = text ?? "";
    part.notice.hidden = !text;
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

  // -- people

  async #fetchPeople() {
    this.#peopleTimer = null;
    this.#presenceNews.clear();
    const conversation = await this.#api.call("GET", this.#path).catch(() => null);
    if (!conversation || this.#hasLeft) return;
    if (conversation.title) part.title.textContent = conversation.title;
    this.#people = new Map(conversation.participants.map((person) => [person.id, person]));
    for (const news of this.#presenceNews.values()) this.#presence(news);
    this.#showPeople();
    this.#changed();
  }

  #presence(frame) {
    const { type, user_id: id, username } = frame;
    this.#presenceNews.set(id, frame);
    this.#people.set(id, { id, username, ...this.#people.get(id), online: type === "user_joined" });
    if (type === "user_left") this.#someoneTypes(id, false);
    this.#showPeople();
  }

  #showPeople() {
    const isConnected = this.#connection.state === "connected";
    const isHere = ({ id, online }) => online || id === this.#me.id;
    const people = [...this.#people.values()].sort(
      (a, b) => isHere(b) - isHere(a) || a.username.localeCompare(b.username),
    );
    const count = `${people.filter(isHere).length} of ${people.length} here`;
    part["people-count"].textContent = isConnected ? count : "";
    const presence = (person) => (isConnected ? (isHere(person) ? "here" : "away") : "unknown");
    part.people.replaceChildren(...people.map((each) => personItem(each, presence(each))));
  }

  #nameOf(id) {
    return this.#people.get(id)?.username ?? `account ${id}`;
  }

  #someoneTypes(id, isTyping) {
    if (id === this.#me.id) return;
    clearTimeout(this.#typing.get(id));
    this.#typing.delete(id);
    if (isTyping) {
      this.#typing.set(id, setTimeout(() => this.#someoneTypes(id, false), TYPING_LASTS_MS));
    }
    const names = [...this.#typing.keys()].map((each) => this.#nameOf(each));
    const verb = names.length > 1 ? "are" : "is";
    const who = names.length > 3 ? "Several people" : new Intl.ListFormat("en").format(names);
    part.typing.textContent = names.length ? `${who} ${verb} typing…` : "";
  }

  #typed() {
    if (!this.#edited) sessionStorage.setItem(this.#draftKey, part.text.value);
    this.#tellTyping(part.text.value.trim() !== "");
  }

  /** Say so now and then while it lasts, and once when it ends. */
  #tellTyping(isTyping) {
    const now = performance.now();
    const wasToldLately = now - this.#typingToldAt < TYPING_EVERY_MS;
    if (isTyping ? wasToldLately : this.#typingToldAt === -Infinity) return;
    this.#connection.send({ type: "typing", is_typing: isTyping });
    this.#typingToldAt = isTyping ? now : -Infinity;
  }

  // -- writing

  #keyed(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape") {
      this.#stopEditing();
    } else if (event.key === "ArrowUp" && !part.text.value) {
      event.preventDefault();
      this.#edit(this.#timeline.messages.findLast((message) => this.#isMyText(message)));
    }
  }

  #isMyText(message) {
    return message.sender_id === this.#me.id && !message.is_deleted;
  }

  async #submit() {
    const content = part.text.value.trim();
    if (!content) return;
    this.#notice();
    if (this.#edited) {
      const path = `${this.#path}/messages/${this.#edited.id}`;
      if (await this.#try("PATCH", path, { content })) this.#stopEditing();
      return;
    }
    part.text.value = "";
    this.#typed();
    this.#outbox.add(content);
    this.#draw();
    this.#log.scrollToBottom();
  }

  #obey(command, row, { emoji }) {
    const path = `${this.#path}/messages/${row.id}`;
    if (command === "retry") this.#outbox.retry(row.key);
    else if (command === "take-back") this.#takeBack(row);
    else if (command === "edit") return this.#edit(this.#timeline.find(row.id));
    else if (command === "delete") this.#try("DELETE", path);
    else {
      const isMine = row.reactions.some((each) => each.emoji === emoji && each.isMine);
      this.#try(isMine ? "DELETE" : "PUT", `${path}/reactions/${encodeURIComponent(emoji)}`);
      return;
    }
    part.text.focus();
  }

  /** Out of the queue and back into the field, where it can be mended. */
  #takeBack({ key, text }) {
    this.#outbox.discard(key);
    part.text.value = [text, part.text.value].filter(Boolean).join("\n");
  }

  /** Ask for a change; what it changed comes back to everyone, here too, as a frame. */
  async #try(method, path, body) {
    try {
      await this.#api.call(method, path, body);
      return true;
    } catch (error) {
      this.#notice(error.message);
      return false;
    }
  }

  #edit(message) {
    if (!message) return;
    if (!this.#edited) this.#draft = part.text.value;
    this.#edited = message;
    part.editing.hidden = false;
    part.text.value = message.content;
    part.text.focus();
  }

  #stopEditing() {
    if (!this.#edited) return;
    this.#edited = null;
    part.editing.hidden = true;
    part.text.value = this.#draft;
    part.text.focus();
  }
}

function personItem({ username, full_name }, presence) {
  const item = document.createElement("li");
  const name = document.createElement("bdi");
  const words = document.createElement("span");
  name.textContent = username;
  if (full_name) name.title = full_name;
  words.className = "spoken";
  words.textContent = `, ${presence}`;
  item.className = presence;
  item.append(name, words);
  return item;
}
