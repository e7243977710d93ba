/**
 * Who is in the conversation: the list of people beside it, what each is called, and who types.
 */

const TYPING_LASTS_MS = 6_000;
const SPEAKERS = { assistant: "Assistant", system: "System" };
const SOMEBODY = "somebody";

const part = Object.fromEntries(
  ["typing", "people", "people-count"].map((id) => [id, document.getElementById(id)]),
);

/** How a name is shown: those under which the server itself speaks are words. */
export function shownName(username) {
  return SPEAKERS[username] ?? username;
}

export class People {
  #me;
  #people = new Map();
  #news = null; // what came while the list was being fetched
  #typing = new Map();
  isConnected = false;

  constructor(me) {
    this.#me = me;
  }

  /** Whoever is in it, by their account's number. */
  get all() {
    return [...this.#people.values()];
  }

  /** Take the whole list, `fetched` meanwhile; what was heard in that time counts more. */
  async replace(fetching) {
    const news = (this.#news = new Map());
    const fetched = await fetching;
    if (news !== this.#news) return;
    this.#news = null;
    this.#people = new Map(fetched.map((person) => [person.id, person]));
    for (const frame of news.values()) this.hear(frame);
    this.show();
  }

  /** A `user_joined` or `user_left`. */
  hear(frame) {
    const { type, user_id: id, username } = frame;
    this.#news?.set(id, frame);
    this.#people.set(id, { id, username, ...this.#people.get(id), online: type === "user_joined" });
    if (type === "user_left") this.types({ user_id: id, is_typing: false });
    this.show();
  }

  show() {
    const isHere = ({ id, online }) => online || id === this.#me.id;
    const people = this.all.sort(
      (a, b) => isHere(b) - isHere(a) || a.username.localeCompare(b.username),
    );
    const count = `${people.filter(isHere).length} of ${people.length} here`;
    part["people-count"].textContent = this.isConnected && people.length ? count : "";
    const presence = (person) => (this.isConnected ? (isHere(person) ? "here" : "away") : "unknown");
    part.people.replaceChildren(...people.map((each) => personItem(each, presence(each))));
  }

  /** Somebody who is in it, or undefined. */
  find(id) {
    return this.#people.get(id);
  }

  nameOf(id) {
    return this.find(id)?.username ?? SOMEBODY;
  }

  /** A `typing`. */
  types({ user_id: id, username, is_typing }) {
    if (id === this.#me.id) return;
    clearTimeout(this.#typing.get(id)?.timer);
    this.#typing.delete(id);
    if (is_typing) {
      const end = () => this.types({ user_id: id, is_typing: false });
      const name = shownName(username) ?? this.nameOf(id);
      this.#typing.set(id, { name, timer: setTimeout(end, TYPING_LASTS_MS) });
    }
    const names = [...this.#typing.values()].map(({ name }) => name);
    const verb = names.length > 1 ? "are" : "is";
    const who = names.length > 3 ? "Several people" : new Intl.ListFormat("en").format(names);
    part.typing.textContent = names.length ? `${who} ${verb} typing…` : "";
  }

  leave() {
    this.#news = null;
    for (const { timer } of this.#typing.values()) clearTimeout(timer);
    part.typing.textContent = "";
    part["people-count"].textContent = "";
    part.people.replaceChildren();
  }
}

/** What a conversation is called by who sees it: a direct one by the name of the other person. */
export function titleOf({ id, kind, title, participants }, me) {
  if (title) return title;
  const others = participants.filter((person) => person.id !== me.id);
  const names = others.map(({ full_name, username }) => full_name || username);
  const shown = names.length > 3 ? [...names.slice(0, 3), `${names.length - 3} more`] : names;
  if (shown.length) return new Intl.ListFormat("en").format(shown);
  return kind === "session" ? `Session ${id}` : `Conversation ${id}`;
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
