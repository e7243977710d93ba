// npm's socket.io-client in the hands of a Python test: commands come as lines of JSON, and
// everything that the client hears goes out as such.
import { createInterface } from 'node:readline';

// Which of the installed clients it is, says the command line.
const { io } = await import(process.argv[2] ?? 'socket.io-client');

let socket;

const tell = (what, fields = {}) => process.stdout.write(`${JSON.stringify({ what, ...fields })}\n`);

const deeds = {
  connect({ url, options }) {
    socket = io(url, options);
    socket.on('connect', () => tell('connect', { recovered: socket.recovered }));
    socket.on('disconnect', (reason) => tell('disconnect', { reason }));
    socket.on('connect_error', ({ message, data }) => tell('connect_error', { message, data }));
    socket.onAny((name, ...args) => tell('event', { name, args }));
  },
  emit({ name, args, number, timeout }) {
    if (number === undefined) {
      socket.emit(name, ...args);
      return;
    }
    socket.timeout(timeout).emit(name, ...args, (error, ...answer) => {
      tell('ack', { number, failed: error !== null, answer });
    });
  },
  disconnect() {
    socket.disconnect();
  },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { deed, ...fields } = JSON.parse(line);
  deeds[deed](fields);
}).on('close', () => process.exit(0));
