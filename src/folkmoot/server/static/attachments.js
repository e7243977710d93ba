/**
 * Files that hang on messages: pictures with a preview, sound with a player, and all with a link
 * that saves them. What is kept here is fetched in the name of who is signed in, as it comes near
 * to being seen; what is kept elsewhere is only linked to.
 */

import { link, targetOf } from "./links.js";

const AT_ONCE = 4;
const LONGEST_SOUND_BYTES = 20_000_000;
const NEAR = "400px 0px";
const GONE = "This file is not here any more, or not for you.";

const template = document.getElementById("file-template").content.firstElementChild;
const viewer = document.getElementById("viewer");

export class Attachments {
  #api;
  #near;
  #fetched = new Map(); // path → the promise of an address that this page can show
  #running = 0;
  #queue = [];

  constructor(api, signal) {
    this.#api = api;
    const root = document.getElementById("log");
    this.#near = new IntersectionObserver((seen) => this.#load(seen), { root, rootMargin: NEAR });
    signal.addEventListener("abort", () => this.#dispose());
    const close = () => viewer.close();
    viewer.querySelector("[data-do=close]").addEventListener("click", close, { signal });
    viewer.addEventListener("click", ({ target }) => target === viewer && close(), { signal });
  }

  /** What shows a file; `isVoice`: somebody recorded it to be heard. */
  element(attachment, isVoice) {
    const element = template.cloneNode(true);
    const { id, name, size, media_type: type, thumbnail_url: thumbnail } = attachment;
    const isHere = Boolean(id);
    const kind = isVoice ? "Voice message" : typeInWords(type);
    const facts = [kind, sizeInWords(size), isHere ? "not scanned" : ""];
    element.querySelector(".facts").textContent = facts.filter(Boolean).join(", ");
    element.querySelector(".name").append(
      isHere ? this.#saving(element, attachment) : elsewhere(attachment),
    );
    const isSound = isVoice || type?.startsWith("audio/");
    if (isHere && thumbnail) this.#putPicture(element, attachment);
    else if (isHere && isSound && size <= LONGEST_SOUND_BYTES) this.#putSound(element, attachment);
    element.querySelector("[data-do=load]").addEventListener("click", () => this.#show(element));
    element.title = name;
    return element;
  }

  // -- what is shown

  #putPicture(element, attachment) {
    const button = document.createElement("button");
    const picture = document.createElement("img");
    picture.alt = attachment.name;
    button.type = "button";
    button.className = "picture";
    button.ariaLabel = `Show ${attachment.name} as a whole`;
    button.addEventListener("click", () => this.#view(element, attachment));
    button.append(picture);
    element.prepend(button);
    this.#later(element, picture, attachment.thumbnail_url);
  }

  #putSound(element, attachment) {
    const player = document.createElement("audio");
    player.controls = true;
    player.ariaLabel = `Play ${attachment.name}`;
    element.prepend(player);
    this.#later(element, player, attachment.url);
  }

  #later(element, shown, path) {
    element.wanted = { shown, path };
    this.#near.observe(element);
  }

  #load(seen) {
    for (const { isIntersecting, target } of seen) {
      if (!isIntersecting) continue;
      this.#near.unobserve(target);
      this.#show(target);
    }
  }

  async #show(element) {
    const { shown, path } = element.wanted;
    await this.#trying(element, async () => {
      shown.src = await this.#addressOf(path);
    });
  }

  async #view(element, { name, url }) {
    await this.#trying(element, async () => {
      const picture = document.createElement("img");
      picture.src = await this.#addressOf(url);
      picture.alt = viewer.querySelector("h2").textContent = name;
      viewer.querySelector("img")?.remove();
      viewer.append(picture);
      viewer.showModal();
    });
  }

  // -- what is saved

  #saving(element, { name, url }) {
    const saving = document.createElement("a");
    saving.href = url;
    saving.download = name;
    saving.dir = "auto";
    saving.textContent = name;
    const save = (event) => {
      event.preventDefault();
      this.#trying(element, () => this.#save(name, url));
    };
    saving.addEventListener("click", save);
    saving.addEventListener("auxclick", (event) => event.preventDefault());
    return saving;
  }

  /** As bytes of no type, so that nothing of it is ever opened as a part of this page. */
  async #save(name, url) {
    const blob = await this.#api.fetchFile(url);
    const address = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
    const saving = document.createElement("a");
    Object.assign(saving, { href: address, download: name });
    saving.click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  }

  // -- fetching

  /** Do something that needs a file, and say at the file what kept it from being done. */
  async #trying(element, act) {
    const problem = element.querySelector(".trouble");
    const again = element.querySelector("[data-do=load]");
    try {
      problem.hidden = again.hidden = true;
      await act();
    } catch (error) {
      const isGone = error.status === 403 || error.status === 404;
      problem.textContent = isGone ? GONE : error.message;
      problem.hidden = false;
      again.hidden = isGone || !element.wanted;
    }
  }

  #addressOf(path) {
    if (!this.#fetched.has(path)) {
      const fetching = this.#inTurn(() => this.#api.fetchFile(path)).then(URL.createObjectURL);
      fetching.catch(() => this.#fetched.delete(path));
      this.#fetched.set(path, fetching);
    }
    return this.#fetched.get(path);
  }

  async #inTurn(act) {
    if (this.#running >= AT_ONCE) await new Promise((resolve) => this.#queue.push(resolve));
    this.#running += 1;
    try {
      return await act();
    } finally {
      this.#running -= 1;
      this.#queue.shift()?.();
    }
  }

  #dispose() {
    this.#near.disconnect();
    viewer.close();
    for (const fetching of this.#fetched.values()) fetching.then(URL.revokeObjectURL, () => {});
  }
}

export function sizeInWords(bytes) {
  if (bytes === null || bytes === undefined) return "";
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = bytes < 1000 ? 0 : Math.min(3, Math.floor(Math.log10(bytes) / 3));
  const digits = {
    style: "unit",
    unit: units[step],
    unitDisplay: step ? "short" : "long",
    maximumFractionDigits: step > 1 ? 1 : 0,
  };
  return new Intl.NumberFormat("en", digits).format(bytes / 1000 ** step);
}

/** The end of a media type is what people call a kind of file, near enough. */
function typeInWords(type) {
  if (!type || type === "application/octet-stream") return "File";
  const [kind, name] = type.split("/");
  const end = name.split(/[.+-]/).at(-1);
  return kind === "text" && name === "plain" ? "Text" : end.length > 8 ? kind : end.toUpperCase();
}

function elsewhere({ name, url }) {
  const target = targetOf(url);
  if (!target) return name;
  const shown = link(target, name);
  shown.dir = "auto";
  return shown;
}
