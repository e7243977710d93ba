/**
 * Files that are to go with the next message: chosen, dropped or pasted, uploaded at once, and
 * shown above the field with how far they are. What is uploaded is told as messages show files.
 */

import { sizeInWords } from "./attachments.js";

const part = Object.fromEntries(
  ["conversation-area", "attach", "files", "attached", "text", "controls"]
    .map((id) => [id, document.getElementById(id)]),
);
const template = document.getElementById("attached-template").content.firstElementChild;

export class Attaching {
  #api;
  #signal;
  #onChange;
  #onProblem;
  #files = []; // {name, size, file?, uploaded?, problem?, ended, element, abort}

  constructor(api, { signal, onChange, onProblem }) {
    this.#api = api;
    this.#signal = signal;
    this.#onChange = onChange;
    this.#onProblem = onProblem;
    part.attached.replaceChildren();
    part.attached.hidden = true;
    this.#listen();
    signal.addEventListener("abort", () => this.#files.forEach((each) => each.abort.abort()));
  }

  get isEmpty() {
    return this.#files.length === 0;
  }

  /** Those that are whole on the server, in the order in which they were chosen. */
  get uploaded() {
    return this.#files.map((each) => each.uploaded).filter(Boolean);
  }

  /** Take back what was uploaded before. */
  restore(attachments) {
    for (const uploaded of attachments) this.#show({ ...uploaded, uploaded, ended: true });
  }

  /** Wait until all are uploaded; whether they are. */
  async isReady() {
    const isWaiting = this.#files.some((each) => !each.ended);
    if (isWaiting) this.#onProblem("This is sent as soon as the files are uploaded.");
    await Promise.all(this.#files.map((each) => each.uploading));
    if (this.#signal.aborted) return false;
    const isWhole = this.#files.every((each) => each.uploaded);
    this.#onProblem(isWhole ? "" : "A file was not uploaded. Try it again, or remove it.");
    return isWhole;
  }

  /** They go with messages from here on. */
  take() {
    const taken = this.uploaded;
    this.#files = [];
    part.attached.replaceChildren();
    part.attached.hidden = true;
    return taken;
  }

  #listen() {
    const area = part["conversation-area"];
    const on = (target, type, act) =>
      target.addEventListener(type, act, { signal: this.#signal });
    const holdsFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
    on(part.attach, "click", () => part.files.click());
    on(part.files, "change", () => {
      this.#add(part.files.files);
      part.files.value = "";
      part.text.focus();
    });
    on(part.text, "paste", (event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      this.#add(event.clipboardData.files);
    });
    on(area, "dragover", (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      area.classList.add("dropping");
    });
    on(area, "dragleave", () => area.classList.remove("dropping"));
    on(area, "drop", (event) => {
      area.classList.remove("dropping");
      if (!holdsFiles(event)) return;
      event.preventDefault();
      this.#add(event.dataTransfer.files);
    });
  }

  #add(files) {
    if (part.controls.disabled) return;
    for (const file of files) this.#upload(this.#show({ name: file.name, size: file.size, file }));
  }

  #show(known) {
    const element = template.cloneNode(true);
    const each = { ...known, element, abort: new AbortController() };
    element.querySelector(".file-name").textContent = each.name;
    const remove = element.querySelector("[data-do=remove]");
    remove.ariaLabel = `Remove ${each.name}`;
    remove.addEventListener("click", () => this.#remove(each));
    element.querySelector("[data-do=again]").addEventListener("click", () => this.#upload(each));
    this.#files.push(each);
    part.attached.append(element);
    part.attached.hidden = false;
    this.#tell(each);
    return each;
  }

  #upload(each) {
    each.problem = undefined;
    each.ended = false;
    this.#tell(each, 0);
    const options = { onProgress: (share) => this.#tell(each, share), signal: each.abort.signal };
    each.uploading = this.#api.upload(each.file, options).then(
      (told) => (each.uploaded = attachmentOf(told)),
      (error) => (each.problem = error.message),
    ).then(() => {
      each.ended = true;
      this.#tell(each);
      if (!each.abort.signal.aborted) this.#onChange();
    });
  }

  #tell({ element, size, uploaded, problem }, share) {
    const progress = element.querySelector("progress");
    progress.hidden = share === undefined;
    progress.value = share ?? 1;
    element.querySelector("[data-do=again]").hidden = !problem;
    element.classList.toggle("failed", Boolean(problem));
    const words = problem ?? (uploaded ? "ready" : "uploading…");
    element.querySelector(".facts").textContent = `${sizeInWords(size)}, ${words}`;
  }

  #remove(each) {
    each.abort.abort();
    each.element.remove();
    this.#files = this.#files.filter((other) => other !== each);
    part.attached.hidden = this.isEmpty;
    this.#onChange();
    part.text.focus();
  }
}

/** What the answer to an upload tells, as a message shows it. */
function attachmentOf(told) {
  return {
    id: told.attachment_id,
    url: told.file_url,
    name: told.file_name,
    size: told.file_size,
    media_type: told.file_type,
    thumbnail_url: told.thumbnail_url,
  };
}
