// A chat client for one session with the desk: resumes where it was, sends everything once.
//
// node sessions.mjs http://127.0.0.1:8000 testuser TestPassword123 [SESSION]
// (Node 20: node --experimental-websocket …) reads lines from standard input, and prints what is said.
// Without a session it takes one's newest open one, or opens one; staff name the one they look into.

import { createInterface } from "node:readline";

const [url, username, password] = process.argv.slice(2);
let session = process.argv[5];
const comeBack = new Set([1001, 1006, 1011, 1012, 1013]);
const passing = new Set([429, 502, 503, 504, 507]);
const unsent = new Map(); // by client_id, in the order in which they were typed
let lastSeq = null;
let socket = null;
let waiting = null; // the timer after which what was refused in passing is sent again
let failures = 0;

async function ask(method, path, body, token) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw await refusalOf(answer);
  return answer.json();
}

async function address() {
  const { access_token: token } = await ask("POST", "/api/v1/auth/login", { username, password });
  session ??= await ownSession(token);
  const { ticket } = await ask("POST", "/auth/ws-ticket", undefined, token);
  const cursor = lastSeq === null ? "" : `&after_seq=${lastSeq}`;
  return `${url.replace("http", "ws")}/api/v1/chat/ws/${session}?ticket=${ticket}${cursor}`;
}

async function ownSession(token) {
  const path = "/api/v1/chat/sessions";
  const [newest] = await ask("GET", `${path}?status=active&limit=1`, undefined, token);
  return (newest ?? (await ask("POST", path, { title: "A question" }, token))).id;
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

function hear(opened, { message_type: kind, content, metadata }) {
  if (kind === "user_joined" && "last_seq" in metadata) {
    // Ourselves, on this socket.
    failures = 0;
    socket = opened;
    lastSeq ??= metadata.last_seq;
    console.log(`* ${metadata.total_users} here`);
    sendUnsent();
  } else if (kind === "message") {
    unsent.delete(metadata.client_id);
    // An answer to what was sent twice may come after the message itself.
    if (!metadata.client_id || metadata.seq > lastSeq) console.log(`${metadata.sender_name}: ${content}`);
  } else if (kind === "session_closed") {
    console.log("* closed");
  } else if (kind === "error") {
    refused(metadata.client_id, metadata, content);
  }
  if (metadata.seq > lastSeq) lastSeq = metadata.seq;
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
  const message = { message_type: "text", content, client_id: crypto.randomUUID() };
  unsent.set(message.client_id, message);
  socket?.send(JSON.stringify(message));
});

if (!password) stop("node sessions.mjs URL USERNAME PASSWORD [SESSION]");
if (!globalThis.WebSocket) stop("This Node has WebSockets as an option: --experimental-websocket");
run();
