/**
 * The REST side of the server: who is signed in, and every request made in their name.
 *
 * Tokens live here and in sessionStorage, so each tab is its own person and a reload stays
 * signed in. Nothing here knows about sockets or about the page.
 */

const ROOT = new URL("../", import.meta.url);
const SESSION_KEY = "folkmoot.session";
const ANSWER_WITHIN_MS = 15_000;
const FILE_WITHIN_MS = 300_000;

/** The server answered, and the answer is no. */
export class Refusal extends Error {
  constructor(status, { code, detail } = {}) {
    super(Refusal.#inWords(detail) ?? `The server answered ${status}.`);
    this.status = status;
    this.code = code;
  }

  /** Whether asking again later, with nothing changed, may succeed. */
  get isPassing() {
    return this.status >= 500 || this.status === 429;
  }

  static #inWords(detail) {
    return Array.isArray(detail) ? detail.map((fault) => fault.msg).join("; ") : detail;
  }
}

/** No answer came: the network or the server is away. */
export class Unreachable extends Error {
  isPassing = true;

  constructor() {
    super("The server cannot be reached.");
  }
}

export class Api {
  #renewal = null;

  constructor() {
    this.session = JSON.parse(sessionStorage.getItem(SESSION_KEY));
  }

  /** The account signed in, as `GET /auth/me` told it, or undefined. */
  get account() {
    return this.session?.account;
  }

  async logIn(username, password) {
    const form = new URLSearchParams({ grant_type: "password", username, password });
    const tokens = await ask("POST", "auth/token", { body: form });
    const account = await ask("GET", "auth/me", { token: tokens.access_token });
    this.#keep({ ...tokens, account });
  }

  register(account) {
    return ask("POST", "auth/register", { body: account });
  }

  /** Forget the session here at once; tell the server as well as the network allows. */
  logOut() {
    const { access_token: token } = this.session ?? {};
    this.forget();
    if (token) ask("POST", "auth/logout", { token }).catch(() => {});
  }

  forget() {
    this.session = null;
    sessionStorage.removeItem(SESSION_KEY);
  }

  /** Ask as the signed-in account. */
  call(method, path, body) {
    return this.#asMe((token) => ask(method, path, { body, token }));
  }

  /** The bytes behind a path of this server that only some may fetch, as a blob. */
  fetchFile(path) {
    return this.#asMe(async (token) => {
      const response = await request("GET", path.replace(/^\/+/, ""), { token, within: FILE_WITHIN_MS });
      if (!response.ok) throw new Refusal(response.status, (await response.json().catch(() => null)) ?? {});
      return response.blob().catch(() => {
        throw new Unreachable();
      });
    });
  }

  /** Upload a file, and get what `POST …/files` tells of it; `onProgress` hears the share sent. */
  upload(file, { onProgress, signal }) {
    return this.#asMe((token) => upload(file, { token, onProgress, signal }));
  }

  /** An access token that has ended is renewed once. */
  async #asMe(act) {
    try {
      return await act(this.session?.access_token);
    } catch (error) {
      if (error.status !== 401) throw error;
      await this.renew();
      return act(this.session?.access_token);
    }
  }

  /** Trade the refresh token for new tokens; requests that need this share one trade. */
  renew() {
    this.#renewal ??= this.#trade().finally(() => {
      this.#renewal = null;
    });
    return this.#renewal;
  }

  async #trade() {
    const { refresh_token } = this.session ?? {};
    if (!refresh_token) throw new Refusal(401, { detail: "Please log in again." });
    const tokens = await ask("POST", "auth/refresh", { body: { refresh_token } });
    if (this.session?.refresh_token === refresh_token) this.#keep({ ...this.session, ...tokens });
  }

  /** What opens a socket: a one-use ticket, or the token where a server has no tickets. */
  async socketCredential() {
    try {
      const { ticket } = await this.call("POST", "auth/ws-ticket");
      return { ticket };
    } catch (error) {
      if (error.status !== 404) throw error;
      return { token: this.session.access_token };
    }
  }

  #keep(session) {
    this.session = session;
    sessionStorage.setItem(SESSION_KEY, JSON.stringify(session));
  }
}

/** The address of a conversation's socket on the server that served this page. */
export function socketAddress(conversationId, query) {
  const address = new URL(`conversations/${conversationId}/ws`, ROOT);
  address.protocol = address.protocol.replace("http", "ws");
  address.search = new URLSearchParams(query);
  return address;
}

async function ask(method, path, { body, token } = {}) {
  const response = await request(method, path, { body, token });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Refusal(response.status, answer ?? {});
  return answer;
}

function request(method, path, { body, token, within = ANSWER_WITHIN_MS }) {
  const headers = { Accept: "application/json, */*;q=0.5" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const isForm = body instanceof URLSearchParams;
  if (body && !isForm) headers["Content-Type"] = "application/json";
  const options = {
    method,
    headers,
    body: isForm ? body : body && JSON.stringify(body),
    credentials: "omit",
    signal: AbortSignal.timeout(within),
  };
  return fetch(new URL(path, ROOT), options).catch(() => {
    throw new Unreachable();
  });
}

/** With XMLHttpRequest, since `fetch` does not tell how far an upload has come. */
function upload(file, { token, onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const sending = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file);
    sending.open("POST", new URL("api/v1/chat/files", ROOT));
    sending.setRequestHeader("Authorization", `Bearer ${token}`);
    sending.responseType = "json";
    sending.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    sending.onload = () => {
      if (sending.status < 300) resolve(sending.response);
      else reject(new Refusal(sending.status, sending.response ?? {}));
    };
    sending.onerror = sending.onabort = () => reject(new Unreachable());
    signal.addEventListener("abort", () => sending.abort());
    sending.send(form);
  });
}
