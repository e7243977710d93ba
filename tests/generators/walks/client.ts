// Uses the types that openapi-typescript made: node client.js URL USERNAME PASSWORD LOBBY.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

const [url, username, password, lobby] = process.argv.slice(2) as [string, string, string, string];

function check(isTrue: boolean, what: unknown): void {
  if (!isTrue) throw new Error(JSON.stringify(what));
}

const stranger = createClient<paths>({ baseUrl: url });
const entered = await stranger.POST("/api/v1/auth/login", { body: { username, password } });
const tokens: components["schemas"]["TokensOut"] | undefined = entered.data;
check(tokens?.token_type === "bearer", entered);
const wrong = await stranger.POST("/api/v1/auth/login", { body: { username, password: "wrong" } });
check(wrong.response.status === 401 && wrong.error?.code === "wrong_credentials", wrong);

const headers = { Authorization: `Bearer ${tokens!.access_token}` };
const client = createClient<paths>({ baseUrl: url, headers });
const params = { path: { conversation_id: Number(lobby) } };
const sent = await client.POST("/conversations/{conversation_id}/messages", {
  params,
  body: { content: "Typed in TypeScript" },
});
check(sent.data?.content === "Typed in TypeScript", sent);
const page = await client.GET("/conversations/{conversation_id}/messages", {
  params: { ...params, query: { limit: 1 } },
});
check(page.data?.length === 1 && page.data[0]!.id === sent.data!.id, page);

const late = await client.POST("/conversations/{conversation_id}/messages", {
  params,
  body: { content: "Late", if_last_seq: 0 },
});
const refused = late.error as components["schemas"]["NotUpToDateOut"];
check(late.response.status === 409 && refused.code === "not_up_to_date", late);
const missed = refused.missed.flatMap((one) => (one.type === "message" ? [one.content] : []));
check(missed.includes("Typed in TypeScript"), refused);
const empty = await client.POST("/conversations/{conversation_id}/messages", {
  params,
  body: { content: " " },
});
const problems = (empty.error as components["schemas"]["RefusalOut"]).detail;
check(typeof problems !== "string" && problems[0]!.loc[1] === "content", empty);

const hits = await client.GET("/api/v1/chat/search", { params: { query: { q: "Typed" } } });
const [begin, end] = hits.data![0]!.marks[0]! as [number, number];
check(hits.data![0]!.snippet.slice(begin, end) === "Typed", hits);
