/**
 * Text with its web and mail addresses made into links. Only http, https and mailto are ever
 * followed, and an address that could pass for another one stays text.
 */

const CANDIDATE = /\b(?:https?:\/\/|mailto:)[^\s<>"`{}|\\^]+/giu;
const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const CLOSING = { ")": "(", "]": "[", "}": "{", "」": "「", "）": "（" };
const AFTER_A_SENTENCE = /[.,:;!?'"*_~…。、，！？：；»”’]$/u;
const DECEPTIVE = /[\p{Cc}\p{Cf}]/u; // what shows nothing, or turns the direction of the text

/** The text as nodes: text and links. */
export function linked(text) {
  const nodes = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(CANDIDATE)) {
    const address = withoutItsSentence(found);
    const target = targetOf(address);
    if (!target) continue;
    nodes.push(text.slice(end, index), link(target, address));
    end = index + address.length;
  }
  nodes.push(text.slice(end));
  return nodes.filter((node) => node !== "");
}

/** A link that leaves this page; it says where it goes, where its text does not. */
export function link(target, text) {
  const element = document.createElement("a");
  element.href = target.href;
  element.target = "_blank";
  element.rel = "noopener noreferrer nofollow";
  element.dir = "ltr";
  element.textContent = text;
  if (!target.href.startsWith(text)) element.title = target.href;
  return element;
}

/** The address that a text is, or undefined for what is not to be followed. */
export function targetOf(text) {
  if (DECEPTIVE.test(text) || !URL.canParse(text)) return undefined;
  const target = new URL(text);
  const isPlain = !target.username && !target.password;
  const isWhole = target.protocol === "mailto:" ? /.@./.test(target.pathname) : target.hostname !== "";
  return SCHEMES.has(target.protocol) && isPlain && isWhole ? target : undefined;
}

/** What stands after an address is the sentence's; a bracket, if it was not opened within. */
function withoutItsSentence(address) {
  for (;;) {
    const last = address.at(-1);
    const opening = CLOSING[last];
    const isOdd = opening && address.split(last).length > address.split(opening).length;
    if (!isOdd && !AFTER_A_SENTENCE.test(address)) return address;
    address = address.slice(0, -1);
  }
}
