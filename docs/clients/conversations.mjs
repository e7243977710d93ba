// A chat client for one conversation: resumes where it was, sends everything once.
//
// node conversations.mjs http://127.0.0.1:8000 testuser TestPassword123 1
// (Node 20: node --experimental-websocket …) reads lines from standard input, and prints what is said.

import { createInterface } from "node:readline";

const [url, username, password, conversation] = process.argv.slice(2);
const comeBack = new Set([1001, 1006, 1011, 1012, 1013]);
const passing = new Set([429, 502, 503, 504, 507]);
const unsent = new Map(); // by client_id, in the order in which they were typed
let lastSeq = null;
let socket = null;
let waiting = null; // the timer after which what was refused in passing is sent again
let failures = 0;

async function post(path, options) {
  const answer = await fetch(url + path, { method: "POST", ...options });
  if (!answer.ok) throw await refusalOf(answer);
  return answer.json();
}

async function address() {
  const keys = await post("/auth/token", { body: new URLSearchParams({ username, password }) });
  const headers = { Authorization: `Bearer ${keys.access_token}` };
  const { ticket } = await post("/auth/ws-ticket", { headers });
  const cursor = lastSeq === null ? "" : `&after_seq=${lastSeq}`;
  return `${url.replace("http", "ws")}/conversations/${conversation}/ws?ticket=${ticket}${cursor}`;
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
  if (frame.type === "connection") {
    failures = 0;
    socket = opened;
    lastSeq ??= frame.last_seq;
    sendUnsent();
  } else if (frame.type === "message") {
    unsent.delete(frame.client_id);
    // An answer to what was sent twice may come after the message itself.
    if (!frame.client_id || frame.seq > lastSeq) console.log(`${frame.sender_name}: ${frame.content}`);
  } else if (frame.type === "error") {
    refused(frame.client_id, frame, frame.message);
  }
  if (frame.seq > lastSeq) lastSeq = frame.seq;
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
  const message = { content, client_id: crypto.randomUUID() };
  unsent.set(message.client_id, message);
  socket?.send(JSON.stringify(message));
});

if (!conversation) stop("node conversations.mjs URL USERNAME PASSWORD CONVERSATION");
if (!globalThis.WebSocket) stop("This Node has WebSockets as an option: --experimental-websocket");
run();
