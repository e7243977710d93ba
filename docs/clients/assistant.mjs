// A chat client for all of one's sessions on one socket, with an assistant that answers in them.
//
// node assistant.mjs http://127.0.0.1:8000 testuser TestPassword123 [SESSION …]
// (Node 20: node --experimental-websocket …) reads lines from standard input, and prints what is
// said, answers as they are written. Without a session it opens one. Lines are said in the first;
// "#2 text" goes to the second, and so on.

import { createInterface } from "node:readline";

const [url, username, password, ...sessions] = process.argv.slice(2);
const comeBack = new Set([1001, 1006, 1011, 1012, 1013]);
const passing = new Set([429, 502, 503, 504, 507]);
const lastSeq = new Map(); // by session: how far we have come
const unsent = new Map(); // by client_id, in the order in which they were typed
const ready = new Set(); // the sessions that this socket has joined
const growing = new Map(); // what there is of each answer, by the message that it will be
let open = null; // the answer whose line is not finished
let socket = null;
let waiting = null; // the timer after which what was refused in passing is sent again
let failures = 0;

async function ask(path, body, token) {
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw await refusalOf(answer);
  return answer.json();
}

async function address() {
  const { access_token: token } = await ask("/api/v1/auth/login", { username, password });
  const { ticket } = await ask("/auth/ws-ticket", undefined, token);
  return `${url.replace("http", "ws")}/ws/chat?ticket=${ticket}`;
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
    opened.onopen = () => {
      socket = opened;
      joinAll();
    };
    opened.onmessage = (event) => hear(JSON.parse(event.data));
    opened.onclose = (event) => {
      socket = null;
      ready.clear();
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

function joinAll() {
  for (const session of sessions.length ? sessions : [undefined]) {
    if (!ready.has(session)) join(session);
  }
}

function join(session) {
  send({ type: "join_session", session_id: session, after_seq: lastSeq.get(session), stream: true });
}

function hear(frame) {
  const { type: kind, session_id: session } = frame;
  if (kind === "connection_established") {
    failures = 0;
  } else if (kind === "session_joined") {
    joined(session, frame.title, frame.last_seq);
  } else if (kind === "message") {
    unsent.delete(frame.metadata.client_id);
    // An answer to what was sent twice may come after the message itself.
    const isOwn = frame.role === "user" && frame.metadata.client_id;
    if (isOwn && frame.seq <= lastSeq.get(session)) return;
    finish(frame.id, `${number(session)} ${frame.metadata.sender_name}`, frame.content);
  } else if (kind === "message_delta") {
    grow(frame.message_id, `${number(session)} assistant`, frame.position, frame.delta);
  } else if (kind === "message_dropped") {
    growing.delete(frame.message_id);
    line("* never mind: a person answers");
  } else if (kind === "session_closed") {
    line(`${number(session)} * closed`);
  } else if (kind === "error") {
    refused(frame);
  }
  if (frame.seq > lastSeq.get(session)) lastSeq.set(session, frame.seq);
}

function joined(session, title, seq) {
  if (!sessions.includes(session)) sessions.push(session);
  if (!lastSeq.has(session)) lastSeq.set(session, seq);
  ready.add(session);
  line(`${number(session)} * ${title}`);
  sendUnsent(session);
}

function refused({ client_id: clientId, passing, retry_after: seconds, message }) {
  if (passing) {
    // Kept, and asked again after the wait.
    line(`… ${message}`);
    waiting ??= setTimeout(askAgain, seconds * 1000);
  } else {
    unsent.delete(clientId);
    line(`! ${message}`);
  }
}

function askAgain() {
  waiting = null;
  if (socket) joinAll();
  for (const session of ready) sendUnsent(session);
}

function sendUnsent(session) {
  for (const message of unsent.values()) {
    if ((message.session_id ?? sessions[0]) === session) send({ ...message, session_id: session });
  }
}

function number(session) {
  return `[${sessions.indexOf(session) + 1}]`;
}

// -- the screen: lines, the last of which may be an answer that still grows

function grow(name, speaker, position, delta) {
  // The server counts characters, as people do; JavaScript counts halves of some of them.
  const before = [...(growing.get(name) ?? "")].slice(0, position).join("");
  growing.set(name, before + delta);
  if (position === 0 || open !== name) {
    endLine();
    process.stdout.write(`${speaker}: ${before}`);
  }
  process.stdout.write(delta);
  open = name;
}

function finish(name, speaker, text) {
  const shown = growing.get(name);
  growing.delete(name);
  if (open === name && text.startsWith(shown)) {
    process.stdout.write(`${text.slice(shown.length)}\n`);
    open = null;
  } else {
    line(`${speaker}: ${text}`);
  }
}

function line(text) {
  endLine();
  process.stdout.write(`${text}\n`);
}

function endLine() {
  if (open !== null) process.stdout.write("\n");
  open = null;
}

// -- what is typed

function send(frame) {
  socket?.send(JSON.stringify(frame));
}

createInterface({ input: process.stdin }).on("line", (typed) => {
  const [, place, content] = /^(?:#(\d+) )?(.*)$/.exec(typed.trim());
  const session = sessions[Number(place ?? 1) - 1];
  const message = { type: "chat_message", content, client_id: crypto.randomUUID() };
  if (session) message.session_id = session;
  unsent.set(message.client_id, message);
  if (ready.has(session)) send(message);
});

if (!password) stop("node assistant.mjs URL USERNAME PASSWORD [SESSION …]");
if (!globalThis.WebSocket) stop("This Node has WebSockets as an option: --experimental-websocket");
run();
