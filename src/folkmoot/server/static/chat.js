/**
 * The page: its entry form (log in, register, choose a conversation), its header, and the one room
 * that is open behind it.
 */

import { Api } from "./api.js";
import { Room } from "./room.js";

const ROOM_KEY = "folkmoot.conversation";
const WORDS = {
  connecting: "Connecting…",
  connected: "Connected",
  unanswered: "No answer from the server",
  reconnecting: "Reconnecting",
  offline: "Offline",
  stopped: "Not connected",
  "signed-out": "Signed out",
};

const part = Object.fromEntries(
  ["title", "account", "account-name", "state", "state-words", "countdown", "retry-now", "buttons",
    "leave", "sign-out", "entry", "entry-form", "entry-problem", "credentials", "leave-it", "try-again", "username", "password",
    "conversation", "connect", "registration", "email", "full-name", "chat"]
    .map((id) => [id, document.getElementById(id)]),
);

const api = new Api();
let room = null;
let countdown = null;
let hasBeenConnected = false;

function showState(name, { retryAt, reason } = {}) {
  hasBeenConnected = name === "connected" || (hasBeenConnected && name !== "signed-out");
  const shown = name === "connecting" && hasBeenConnected ? "reconnecting" : name;
  const words = reason ? `${WORDS[shown]}: ${reason}` : WORDS[shown];
  part.state.dataset.state = shown;
  if (part["state-words"].textContent !== words) part["state-words"].textContent = words;
  part["retry-now"].hidden = !retryAt;
  clearInterval(countdown);
  const tick = () => {
    const seconds = Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
    part.countdown.textContent = retryAt ? `in ${seconds} s` : "";
  };
  tick();
  if (retryAt) countdown = setInterval(tick, 250);
}

function openRoom(conversationId) {
  sessionStorage.setItem(ROOM_KEY, conversationId);
  history.replaceState(null, "", `?conversation=${conversationId}`);
  room = new Room(api, conversationId, {
    onState(name, detail) {
      showState(name, detail);
      if (name === "stopped") part["leave-it"].focus();
      if (name === "signed-out") signOut(detail.reason, () => api.forget());
    },
  });
  hasBeenConnected = false;
  showOnly(part.chat);
  room.enter();
}

function tryAgain() {
  const conversationId = sessionStorage.getItem(ROOM_KEY);
  room.leave();
  openRoom(conversationId);
}

function openDoor(problem = "") {
  room?.leave();
  room = null;
  sessionStorage.removeItem(ROOM_KEY);
  part.title.textContent = "folkmoot";
  part.password.value = "";
  part["entry-problem"].textContent = problem;
  part["entry-problem"].hidden = !problem;
  showState("signed-out");
  if (api.account) part["state-words"].textContent = "Not connected";
  showOnly(part.entry);
  const first = [part.username, part.password].find((field) => !field.value);
  (api.account ? part.conversation : first).focus();
}

function showOnly(main) {
  const account = api.account;
  part.entry.hidden = main !== part.entry;
  part.chat.hidden = main !== part.chat;
  part.leave.hidden = main !== part.chat;
  part.account.hidden = part.buttons.hidden = !account;
  part.credentials.hidden = part.registration.hidden = Boolean(account);
  part.connect.textContent = account ? "Connect" : "Log in and connect";
  part["account-name"].textContent = account?.username ?? "";
  if (account) part.username.value = account.username;
}

function signOut(reason, forget) {
  const waiting = room?.waiting ?? 0;
  const kept = waiting && `Kept in this tab until you are back: ${waiting} unsent.`;
  forget();
  openDoor([reason, kept].filter(Boolean).join(" "));
}

async function enter(event) {
  event.preventDefault();
  const conversationId = part.conversation.value.trim();
  const isNew = event.submitter?.value === "register";
  try {
    part["entry-form"].ariaBusy = "true";
    if (!isNumber(conversationId)) throw new Error("Please give a conversation's number.");
    if (!api.account) await logIn(isNew);
    openRoom(conversationId);
  } catch (error) {
    part["entry-problem"].textContent = error.message;
    part["entry-problem"].hidden = false;
  } finally {
    part["entry-form"].ariaBusy = "false";
  }
}

async function logIn(isNew) {
  const username = part.username.value.trim();
  const password = part.password.value;
  if (!username || !password) throw new Error("Please give a username and a password.");
  if (isNew) {
    const email = part.email.value.trim();
    const fullName = part["full-name"].value.trim();
    await api.register({ username, password, email, ...(fullName && { full_name: fullName }) });
  }
  await api.logIn(username, password);
}

function isNumber(text) {
  return /^\d{1,18}$/.test(text);
}

function start() {
  const asked = new URLSearchParams(location.search).get("conversation");
  const last = sessionStorage.getItem(ROOM_KEY);
  part.conversation.value = asked ?? last ?? "";
  part["entry-form"].addEventListener("submit", enter);
  part["sign-out"].addEventListener("click", () => signOut("", () => api.logOut()));
  for (const button of [part.leave, part["leave-it"]]) {
    button.addEventListener("click", () => openDoor());
  }
  part["try-again"].addEventListener("click", () => tryAgain());
  part["retry-now"].addEventListener("click", () => room.retryNow());
  if (api.account && last) openRoom(isNumber(asked) ? asked : last);
  else openDoor();
}

start();
