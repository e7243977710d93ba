// A chat client for the desk: resumes where it was, sends everything once.
//
//     node support.mjs http://127.0.0.1:8000 testuser TestPassword123
//     node support.mjs http://127.0.0.1:8000 agent AgentPassword123 testuser
//
// reads lines from standard input, and prints what is said. Staff name the customer last.
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';

import { io } from 'socket.io-client';

const [url, username, password, customer] = process.argv.slice(2);
const unsent = new Map(); // by client_id, in the order in which they were typed
const passing = new Set([429, 502, 503, 504, 507]);
let cursor;

function stop(why) {
  console.error(why);
  process.exit(1);
}

async function token() {
  const body = new URLSearchParams({ username, password });
  const answer = await fetch(`${url}/auth/token`, { method: 'POST', body });
  if (!answer.ok) {
    const text = await answer.text();
    if (!passing.has(answer.status)) stop(text);
    throw new Error(text);
  }
  return (await answer.json()).access_token;
}

if (!password) stop('node support.mjs URL USERNAME PASSWORD [CUSTOMER]');

// A customer's place is kept by the library: it comes back with it, and `socket.recovered` is true.
const socket = io(url, {
  reconnectionDelayMax: 30_000,
  auth: (tell) => token().then((fresh) => tell({ token: fresh }), () => tell({})),
});

function send(message) {
  socket.emit('send_message', message, (answer) => {
    cursor = answer.cursor ?? cursor;
    if (!unsent.has(message.client_id)) return;
    if (answer.error?.passing) {
      // Kept, and sent again after the wait.
      console.log(`… ${answer.error.message}`);
      setTimeout(sendAgain, answer.error.retry_after * 1000, message);
      return;
    }
    unsent.delete(message.client_id);
    if (answer.success) console.log(`${answer.sender_name}: ${answer.message_text}`);
    else console.log(`! ${answer.error.message}`);
  });
}

function sendAgain(message) {
  if (socket.connected && unsent.has(message.client_id)) send(message);
}

socket.on('connect', () => {
  if (customer) socket.emit('join_room', { user_id: customer, ...(cursor && { cursor }) });
  unsent.forEach(send);
});

socket.on('receive_message', (message) => {
  cursor = message.cursor;
  // Our own come back this way when their ack was lost.
  unsent.delete(message.client_id);
  console.log(`${message.sender_name}: ${message.message_text}`);
});

socket.on('connect_error', ({ message }) => {
  console.error(`! ${message}`);
  // Refused, not unreachable: the library would not try again by itself.
  if (!socket.active) setTimeout(() => socket.connect(), 5_000);
});

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const text = line.trim();
    if (!text) return;
    const message = { message_text: text, client_id: randomUUID() };
    if (customer) message.receiver_id = customer;
    unsent.set(message.client_id, message);
    if (socket.connected) send(message);
  })
  .on('close', () => socket.disconnect());
