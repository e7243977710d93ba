// A desk as it is usually written with npm's socket.io: rooms, `emit`, and messages in an array.
// It speaks as much of the `support` contract as the loads need, and puts nothing on disk.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

import { Server } from 'socket.io';

const KEY = 'the hand-written chats sign with a key of thirty-two bytes or more';
const accounts = new Map();
const messages = [];

const signature = (text) => createHmac('sha256', KEY).update(text).digest('base64url');

function sign(id) {
  const head = Buffer.from('{"alg":"HS256"}').toString('base64url');
  const claims = Buffer.from(JSON.stringify({ sub: id })).toString('base64url');
  return `${head}.${claims}.${signature(`${head}.${claims}`)}`;
}

function verify(token) {
  const [head, claims, given = ''] = String(token).split('.');
  const wanted = Buffer.from(signature(`${head}.${claims}`));
  const got = Buffer.from(given);
  if (got.length !== wanted.length || !timingSafeEqual(got, wanted)) return undefined;
  return JSON.parse(Buffer.from(claims, 'base64url')).sub;
}

async function body(request) {
  let text = '';
  for await (const piece of request) text += piece;
  return text;
}

const routes = {
  async 'POST /auth/register'(request) {
    const { username } = JSON.parse(await body(request));
    accounts.set(username, String(accounts.size + 1));
    return { uid: accounts.get(username), username };
  },
  async 'POST /auth/token'(request) {
    const form = new URLSearchParams(await body(request));
    return { access_token: sign(accounts.get(form.get('username'))) };
  },
  async 'GET /chat/history/self'(_request, { searchParams }) {
    const after = Number(searchParams.get('after_seq'));
    return messages.slice(after, after + Number(searchParams.get('limit')));
  },
};

const http = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://here');
  const route = routes[`${request.method} ${url.pathname}`];
  response.writeHead(route ? 200 : 404, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(route ? await route(request, url) : {}));
});
const io = new Server(http);

io.use((socket, next) => {
  socket.data.id = verify(socket.handshake.auth.token);
  next(socket.data.id === undefined ? new Error('authentication required') : undefined);
});
io.on('connection', (socket) => {
  const { id } = socket.data;
  socket.join(id);
  socket.on('join_room', ({ user_id: room }, ack) => {
    socket.join(room);
    ack({ success: true, room });
  });
  socket.on('send_message', ({ receiver_id: receiver = null, message_text: text }, ack) => {
    const seq = messages.length + 1;
    const message = {
      _id: String(seq),
      sender_id: id,
      receiver_id: receiver,
      message_text: text,
      timestamp: '2026-01-01T00:00:00.000000Z',
      appointment_id: null,
      service_id: null,
      seq,
    };
    messages.push(message);
    socket.to(id).emit('receive_message', message);
    ack({ success: true, ...message });
  });
});

const [port, host] = process.argv.slice(2);
http.listen(Number(port), host);
process.on('SIGTERM', () => process.exit(0));
