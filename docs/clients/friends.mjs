// A chat client for one friend: resumes where it was, sends everything once, says what was read.
//
// node friends.mjs http://127.0.0.1:8000 testuser TestPassword123 alice
// (Node 20: node --experimental-websocket …) reads lines from standard input, and prints what is said.

import { createInterface } from "node:readline";

const [url, username, password, friend] = process.argv.slice(2);
const comeBack = new Set([1001, 1006, 1011, 1012, 1013]);
const passing = new Set([429, 502, 503, 504, 507]);
const unsent = new Map(); // by client_id, in the order in which they were typed
const shown = new Set(); // what was printed, by message_id
let after = null; // the last seq seen, by friend
let me = null;
let socket = null;
let waiting = null; // the timer after which what was refused in passing is sent again
let failures = 0;

async function ask(path, options) {
  const answer = await fetch(url + path, options);
  if (!answer.ok) throw await refusalOf(answer);
  return answer.json();
}

async function address() {
  const body = new URLSearchParams({ username, password });
  const keys = await ask("/auth/token", { method: "POST", body });
  const headers = { Authorization: `Bearer ${keys.access_token}` };
  if (after === null) {
    const { friends } = await ask("/api/v1/chat/friends", { headers });
    after = Object.fromEntries(friends.map((one) => [one.account_id, one.last_seq]));
  }
  const { ticket } = await ask("/auth/ws-ticket", { method: "POST", headers });
  return `${url.replace("http", "ws")}/api/v1/chat/ws/chat?resume=1&ticket=${ticket}`;
}

async function refusalOf(answer) {
  const text = await answer.text();
  if (!passing.has(answer.status)) stop(text);
  return new Error(text);
}

function stop(why) {
  console.error(why);
  process.exit(1);
}

async function run() {
  try {
    const opened = new WebSocket(await address());
    opened.onmessage = (event) => hear(opened, JSON.parse(event.data));
    opened.onclose = (event) => {
      socket = null;
      if (!comeBack.has(event.code)) stop(`closed with ${event.code}: ${event.reason}`);
      later();
    };
  } catch {
    later();
  }
}

function later() {
  failures += 1;
  setTimeout(run, Math.random() * Math.min(30_000, 500 * 2 ** failures));
}

function hear(opened, frame) {
  switch (frame.type) {
    case "connection_established":
      me = frame.user_id;
      break;
    case "online_friends":
      opened.send(JSON.stringify({ type: "resume", after }));
      break;
    case "resumed":
      failures = 0;
      socket = opened;
      sendUnsent();
      break;
    case "new_message":
      show(opened, frame.message);
      break;
    case "message_sent":
      unsent.delete(frame.client_id);
      console.log(`(${frame.status})`);
      break;
    case "error":
      refused(frame.client_id, frame, frame.message);
  }
  if ("seq" in frame) after[frame.friend_id] = Math.max(after[frame.friend_id] ?? 0, frame.seq);
}

function show(opened, message) {
  if (shown.has(message.message_id) || message.is_deleted) return;
  shown.add(message.message_id);
  console.log(`${message.sender.username}: ${message.content}`);
  if (message.sender_id !== me) {
    opened.send(JSON.stringify({ type: "mark_read", message_id: message.message_id }));
  }
}

function refused(clientId, { passing, retry_after }, text) {
  if (passing && unsent.has(clientId)) {
    // Kept, and sent again after the wait.
    console.log(`… ${text}`);
    waiting ??= setTimeout(sendUnsent, retry_after * 1000);
  } else {
    unsent.delete(clientId);
    console.log(`! ${text}`);
  }
}

function sendUnsent() {
  waiting = null;
  for (const message of unsent.values()) socket?.send(JSON.stringify(message));
}

createInterface({ input: process.stdin }).on("line", (content) => {
  const message = { type: "send_message", receiver_id: friend, content, client_id: crypto.randomUUID() };
  unsent.set(message.client_id, message);
  socket?.send(JSON.stringify(message));
});

if (!friend) stop("node friends.mjs URL USERNAME PASSWORD FRIEND");
if (!globalThis.WebSocket) stop("This Node has WebSockets as an option: --experimental-websocket");
run();
