/**
 * The message log on the page: turns the timeline and the outbox into rows, and rows into
 * elements, touching only what changed. User data enters the page as text, never as markup.
 */

import { linked } from "./links.js";
import { shownName } from "./people.js";
import { isNotice } from "./timeline.js";

const GROUP_WITHIN_MS = 5 * 60_000;
const AT_BOTTOM_PX = 80;
const HUES = 6;
const ASSISTANT = "assistant";
const FOR_YOU = "Only you can see this; it is not kept.";
const DELETED = "This message was deleted";
const TABBABLE = ".more, .reactions button, .text a, .hangs :is(a, button, audio)";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const fullDay = new Intl.DateTimeFormat("en-GB", { dateStyle: "full" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const relativeDay = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

export class Log {
  #me;
  #nameOf;
  #attachments;
  #onCommand;
  #log = document.getElementById("log");
  #list = document.getElementById("messages");
  #template = document.getElementById("message-template").content.firstElementChild;
  #actions = document.getElementById("actions");
  #elements = new Map();
  #current = null;
  #follows = true;
  #bottom = 0; // where the end was when it was last scrolled to
  isClosed = false; // nothing can be done about its messages any more

  /** @param onCommand told `(name, row, {emoji?})`: edit, delete, react, retry, take-back */
  constructor(me, { nameOf, attachments, onCommand, signal }) {
    this.#me = me;
    this.#nameOf = nameOf;
    this.#attachments = attachments;
    this.#onCommand = onCommand;
    document.body.append(this.#actions);
    this.#list.replaceChildren();
    this.#list.addEventListener("click", (event) => this.#clicked(event), { signal });
    this.#list.addEventListener("keydown", (event) => this.#keyed(event), { signal });
    this.#list.addEventListener("focusin", (event) => this.#focused(event), { signal });
    this.#list.addEventListener("focusout", (event) => this.#left(event), { signal });
    this.#log.addEventListener("scroll", () => this.#scrolled(), { signal });
    const resizes = new ResizeObserver(() => this.follows && this.scrollToBottom());
    resizes.observe(this.#log);
    signal.addEventListener("abort", () => resizes.disconnect());
  }

  /** Whether the reader is at the end, where new messages should come into sight. */
  get follows() {
    // The scroll event comes a frame after the scrolling: who has just gone up is not pulled back.
    return this.#follows && this.#log.scrollTop >= this.#bottom;
  }

  scrollToBottom() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#bottom = this.#log.scrollTop;
  }

  /** Run `change`, which puts messages above, without moving what is being read. */
  keepPlace(change) {
    const fromBottom = this.#log.scrollHeight - this.#log.scrollTop;
    change();
    this.#log.scrollTop = this.#log.scrollHeight - fromBottom;
  }

  /** @param entries the outbox's, shown after everything the server has stored */
  render(timeline, entries) {
    const rows = this.#rows(timeline, entries);
    const keys = new Set(rows.map((row) => row.key));
    for (const [key, element] of this.#elements) {
      if (!keys.has(key)) this.#remove(key, element);
    }
    let place = this.#list.firstElementChild;
    for (const row of rows) {
      const element = this.#elementOf(row);
      if (element === place) place = place.nextElementSibling;
      else this.#list.insertBefore(element, place);
    }
    if (!this.#list.contains(document.activeElement)) this.#makeCurrent(this.#newest());
  }

  #newest() {
    return [...this.#list.querySelectorAll(".more:not([hidden])")].at(-1)?.closest(".message");
  }

  #rows(timeline, entries) {
    const readers = timeline.readersOf(this.#me.id);
    const sent = timeline.messages.map((message) => this.#sentRow(message, timeline, readers));
    const rows = [...sent, ...entries.map((entry) => this.#waitingRow(entry))];
    rows.forEach((row, index) => {
      const previous = rows[index - 1];
      row.day = dayOf(row.at) === dayOf(previous?.at) ? null : dayOf(row.at);
      row.isGrouped = !row.day && previous.author === row.author &&
        row.at - previous.at < GROUP_WITHIN_MS;
    });
    return rows;
  }

  #sentRow(message, timeline, readers) {
    const seenBy = readers.get(message.id)?.map((id) => this.#nameOf(id)) ?? [];
    const standing = standingOf(message);
    const notes = { deleted: DELETED, notice: FOR_YOU };
    return {
      key: isNotice(message) ? `message-${message.id}` : message.client_id ?? `message-${message.id}`,
      id: message.id,
      senderId: message.sender_id,
      author: message.sender_id ?? `${message.sender_name} ${standing}`,
      name: shownName(message.sender_name),
      isAssistant: isByAssistant(message),
      at: Date.parse(message.created_at.replace(" ", "T")),
      text: message.content === message.attachment?.name ? "" : message.content,
      attachment: message.attachment ?? null,
      isVoice: message.kind === "voice",
      quoted: this.#quoted(message, timeline),
      note: notes[standing] ?? (message.edited_at ? "edited" : ""),
      standing,
      canAct: standing === "sent" && !this.isClosed,
      reactions: message.reactions.map((reaction) => this.#chip(reaction)),
      seen: seenBy.length ? `Seen by ${listed(seenBy)}` : "",
    };
  }

  /** What a message answers: another message, or the command that a notice is about. */
  #quoted(message, timeline) {
    if (message.answers || !message.reply_to_id) return message.answers;
    const first = timeline.find(message.reply_to_id);
    if (!first) return "An earlier message";
    return `${shownName(first.sender_name)}: ${first.is_deleted ? DELETED : first.content}`;
  }

  #waitingRow({ client_id, content, attachment, typed_at, refusal, delay }) {
    return {
      key: client_id,
      senderId: this.#me.id,
      author: this.#me.id,
      name: this.#me.username,
      at: typed_at,
      text: content === attachment?.name ? "" : content,
      attachment: attachment ?? null,
      note: refusal ? `Not sent: ${refusal}` : `sending…${delay ? ` (${delay})` : ""}`,
      standing: refusal ? "failed" : "sending",
      canTakeBack: Boolean(refusal || delay),
      reactions: [],
    };
  }

  #chip({ emoji, account_ids }) {
    const names = account_ids.map((id) => (id === this.#me.id ? "you" : this.#nameOf(id)));
    return {
      emoji,
      count: account_ids.length,
      isMine: account_ids.includes(this.#me.id),
      label: `${emoji} ${account_ids.length}: ${listed(names)}`,
    };
  }

  #elementOf(row) {
    const element = this.#elements.get(row.key) ?? this.#template.cloneNode(true);
    const looks = JSON.stringify(row);
    if (element.looks !== looks) this.#fill(element, row);
    element.looks = looks;
    element.row = row;
    this.#elements.set(row.key, element);
    return element;
  }

  #fill(element, row) {
    const part = (selector) => element.querySelector(selector);
    const isMine = row.senderId === this.#me.id;
    element.dataset.standing = row.standing;
    element.classList.toggle("mine", isMine);
    element.classList.toggle("grouped", row.isGrouped);
    element.classList.toggle("assistant", Boolean(row.isAssistant));
    put(part(".day"), row.day);
    part(".avatar").textContent = row.isAssistant ? "✦" : [...(row.name ?? "")][0]?.toUpperCase() ?? "";
    part(".avatar").dataset.hue = (row.senderId ?? 0) % HUES;
    part(".who").textContent = isMine ? "You" : row.name;
    this.#fillTime(part("time"), row.at);
    part(".text").title = part("time").title;
    put(part(".quoted"), row.quoted);
    part(".text").replaceChildren(...linked(row.text));
    part(".text").hidden = !row.text;
    this.#fillAttachment(part(".hangs"), row);
    put(part(".note"), row.note);
    put(part(".seen"), row.seen);
    part(".remedies").hidden = !row.canTakeBack;
    part("[data-do=retry]").hidden = row.standing !== "failed";
    part(".more").hidden = !row.canAct;
    const about = row.text || row.attachment?.name || "";
    part(".more").ariaLabel = `Actions for message from ${row.name}: ${about.slice(0, 60)}`;
    this.#fillReactions(part(".reactions"), row);
    setTabbing(element, element === this.#current ? 0 : -1);
  }

  /** What hangs on a message stays the same element, so that a sound that plays goes on. */
  #fillAttachment(holder, { attachment, isVoice }) {
    holder.hidden = !attachment;
    const shown = attachment ? attachment.id ?? attachment.url : "";
    if (holder.shown === shown) return;
    holder.shown = shown;
    holder.replaceChildren(...(attachment ? [this.#attachments.element(attachment, isVoice)] : []));
  }

  #fillTime(time, at) {
    const iso = new Date(at).toISOString();
    time.dateTime = iso;
    time.textContent = clock.format(at);
    time.title = `${exact.format(at)} (${iso.slice(0, 19).replace("T", " ")} UTC)`;
  }

  /** Chips stay the same elements while their emoji stays, so the keyboard keeps its place. */
  #fillReactions(group, { reactions, canAct }) {
    group.hidden = reactions.length === 0;
    const old = new Map([...group.children].map((chip) => [chip.dataset.emoji, chip]));
    const chips = reactions.map(({ emoji, count, isMine, label }) => {
      const chip = old.get(emoji) ?? document.createElement("button");
      Object.assign(chip, { type: "button", tabIndex: -1, title: label, ariaLabel: label });
      Object.assign(chip.dataset, { do: "react", emoji });
      chip.ariaPressed = isMine;
      chip.disabled = !canAct;
      chip.textContent = `${emoji} ${count}`;
      return chip;
    });
    if (chips.some((chip, index) => chip !== group.children[index]) || old.size > chips.length) {
      group.replaceChildren(...chips);
    }
  }

  #remove(key, element) {
    if (element === this.#current) this.#current = null;
    if (element.contains(this.#actions)) this.#closeActions();
    element.remove();
    this.#elements.delete(key);
  }

  #clicked({ target }) {
    const button = target.closest("[data-do], [data-emoji]");
    const element = target.closest(".message");
    if (!button || button.closest(".hangs")) return;
    const { do: command = "react", emoji } = button.dataset;
    if (command === "open") return this.#toggleActions(element, button);
    if (command === "delete" && button.textContent === "Delete") {
      button.textContent = "Delete for everyone?";
      return;
    }
    if (this.#actions.contains(button)) this.#closeActions();
    this.#onCommand(command, element.row, { emoji });
  }

  #toggleActions(element, button) {
    if (button.ariaExpanded === "true") return this.#closeActions();
    const isMine = element.row.senderId === this.#me.id;
    for (const each of this.#actions.querySelectorAll("[data-do]")) each.hidden = !isMine;
    this.#actions.querySelector("[data-do=delete]").textContent = "Delete";
    element.append(this.#actions);
    this.#actions.hidden = false;
    button.ariaExpanded = "true";
    this.#actions.firstElementChild.focus();
    this.#actions.scrollIntoView({ block: "nearest" });
  }

  #closeActions() {
    const button = this.#actions.closest(".message")?.querySelector(".more");
    if (!button) return;
    if (this.#actions.contains(document.activeElement)) button.focus();
    button.ariaExpanded = "false";
    this.#actions.hidden = true;
    document.body.append(this.#actions);
  }

  /** Left and right move in the actions, up and down from message to message. */
  #keyed(event) {
    const { key, target } = event;
    if (key === "Escape") return this.#closeActions();
    const isInActions = this.#actions.contains(target);
    const others = isInActions
      ? [...this.#actions.children].filter((button) => !button.hidden)
      : [...this.#list.querySelectorAll(".more:not([hidden])")];
    const from = others.indexOf(isInActions ? target : this.#current.querySelector(".more"));
    const [back, on] = isInActions ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];
    const steps = { [back]: from - 1, [on]: from + 1, Home: 0, End: others.length - 1 };
    if (!(key in steps)) return;
    event.preventDefault();
    others[steps[key]]?.focus();
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    this.#follows = scrollHeight - scrollTop - clientHeight < AT_BOTTOM_PX;
    this.#bottom = Math.min(this.#bottom, scrollTop);
  }

  #focused({ target }) {
    this.#makeCurrent(target.closest(".message"));
  }

  #left({ relatedTarget }) {
    if (!this.#actions.closest(".message")?.contains(relatedTarget)) this.#closeActions();
  }

  /** Tab reaches one message's buttons and links, not those of hundreds. */
  #makeCurrent(element) {
    if (this.#current) setTabbing(this.#current, -1);
    if (element) setTabbing(element, 0);
    this.#current = element;
  }
}

function setTabbing(element, tabIndex) {
  for (const each of element.querySelectorAll(TABBABLE)) each.tabIndex = tabIndex;
}

function isByAssistant({ sender_id, sender_name }) {
  return sender_id === null && sender_name === ASSISTANT;
}

/** How a message stands in the log; what the server says without an author is no person's. */
function standingOf(message) {
  if (message.is_deleted) return "deleted";
  if (isNotice(message)) return "notice";
  return message.kind === "system" ? "system" : "sent";
}

function put(element, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
}

function dayOf(at) {
  if (at === undefined) return undefined;
  const midnight = (time) => new Date(time).setHours(0, 0, 0, 0);
  const daysAgo = Math.round((midnight(Date.now()) - midnight(at)) / 86_400_000);
  if (daysAgo > 1 || daysAgo < 0) return fullDay.format(at);
  const words = relativeDay.format(-daysAgo, "day");
  return words[0].toUpperCase() + words.slice(1);
}

function listed(names) {
  const shown = names.length > 4 ? [...names.slice(0, 3), `${names.length - 3} others`] : names;
  return new Intl.ListFormat("en").format(shown);
}
