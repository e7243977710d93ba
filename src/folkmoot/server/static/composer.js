/**
 * The field at the bottom of a conversation: what is being written, the message that is being
 * edited, and the files that go along. A draft survives a reload and a change of conversation.
 */

import { Attaching } from "./attaching.js";

const TYPING_EVERY_MS = 3_000;

const part = Object.fromEntries(
  ["composer", "controls", "notice", "editing", "cancel-edit", "text", "send", "closed", "closed-words"]
    .map((id) => [id, document.getElementById(id)]),
);

export class Composer {
  #draftKey;
  #on;
  #attaching;
  #edited = null;
  #kept = ""; // the draft, while a message is edited in its place
  #typingToldAt = -Infinity;
  #isSubmitting = false;

  /**
   * @param on.say     told `(content, attachment?)`, where a message is to be sent
   * @param on.edit    told `(message, content)`; gives whether it was done
   * @param on.typing  told whether something is being written
   * @param on.recall  gives the last message of one's own, or undefined
   */
  constructor(api, conversationId, { signal, ...on }) {
    this.#draftKey = `folkmoot.composing.${api.account.id}.${conversationId}`;
    this.#on = on;
    const { text = "", files = [] } = JSON.parse(sessionStorage.getItem(this.#draftKey)) ?? {};
    this.#attaching = new Attaching(api, {
      signal,
      onChange: () => this.#keep(),
      onProblem: (words) => this.tell(words),
    });
    this.#attaching.restore(files);
    part.text.value = text;
    part.editing.hidden = true;
    this.tell();
    this.reopen();
    this.#listen(signal);
  }

  #listen(signal) {
    const on = (target, type, act) => target.addEventListener(type, act, { signal });
    on(part.composer, "submit", (event) => (event.preventDefault(), this.#submit()));
    on(part.text, "keydown", (event) => this.#keyed(event));
    on(part.text, "input", () => this.#typed());
    on(part.text, "blur", () => this.#tellTyping(false));
    on(part["cancel-edit"], "click", () => this.#stopEditing());
  }

  focus() {
    part.text.focus();
  }

  /** Say something about what was tried last; nothing takes it away. */
  tell(words) {
    part.notice.textContent = words ?? "";
    part.notice.hidden = !words;
  }

  /** Nothing can be written here any more, for this reason; the draft stays where it is. */
  close(reason) {
    if (this.#edited) this.#stopEditing();
    const hadFocus = part.composer.contains(document.activeElement);
    part.controls.disabled = true;
    part.closed.hidden = false;
    part["closed-words"].textContent = reason;
    if (hadFocus) part.closed.focus();
  }

  reopen() {
    part.controls.disabled = false;
    part.closed.hidden = true;
  }

  edit(message) {
    if (!message || part.controls.disabled) return;
    if (!this.#edited) this.#kept = part.text.value;
    this.#edited = message;
    part.editing.hidden = false;
    part.text.value = message.content;
    this.focus();
  }

  /** A message that is not sent comes back into the field, where it can be mended. */
  takeBack({ content, attachment }) {
    if (attachment) this.#attaching.restore([attachment]);
    const isName = attachment && content === attachment.name;
    this.#stopEditing();
    part.text.value = [isName ? "" : content, part.text.value].filter(Boolean).join("\n");
    this.#keep();
    this.focus();
  }

  #keyed(event) {
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "Escape") {
      this.#stopEditing();
    } else if (event.key === "ArrowUp" && !part.text.value) {
      event.preventDefault();
      this.edit(this.#on.recall());
    }
  }

  async #submit() {
    if (this.#isSubmitting || part.controls.disabled) return;
    this.tell();
    this.#isSubmitting = true;
    try {
      await (this.#edited ? this.#finishEditing() : this.#say());
    } finally {
      this.#isSubmitting = false;
    }
  }

  async #finishEditing() {
    const content = part.text.value.trim();
    if (content && (await this.#on.edit(this.#edited, content))) this.#stopEditing();
  }

  /** Each file is a message; what is written goes with the first. */
  async #say() {
    if (!part.text.value.trim() && this.#attaching.isEmpty) return;
    if (!(await this.#attaching.isReady())) return;
    const content = part.text.value.trim();
    const files = this.#attaching.take();
    part.text.value = "";
    this.#typed();
    if (content) this.#on.say(content, files.shift());
    for (const file of files) this.#on.say(file.name, file);
  }

  #typed() {
    this.#keep();
    this.#tellTyping(part.text.value.trim() !== "");
  }

  #keep() {
    const text = this.#edited ? this.#kept : part.text.value;
    const files = this.#attaching.uploaded;
    if (text || files.length) sessionStorage.setItem(this.#draftKey, JSON.stringify({ text, files }));
    else sessionStorage.removeItem(this.#draftKey);
  }

  /** Say so now and then while it lasts, and once when it ends. */
  #tellTyping(isTyping) {
    const now = performance.now();
    const wasToldLately = now - this.#typingToldAt < TYPING_EVERY_MS;
    if (isTyping ? wasToldLately : this.#typingToldAt === -Infinity) return;
    this.#on.typing(isTyping);
    this.#typingToldAt = isTyping ? now : -Infinity;
  }

  #stopEditing() {
    if (!this.#edited) return;
    this.#edited = null;
    part.editing.hidden = true;
    part.text.value = this.#kept;
    this.focus();
  }
}
