// What the official parser finds wrong with a document, and how many schemas have no name in it.
import { readFileSync } from "node:fs";
import parser from "@asyncapi/parser";

const text = readFileSync(process.argv[2], "utf8");
const { document, diagnostics } = await new parser.Parser().parse(text);
const WARNING = 1;
for (const one of diagnostics) {
  if (one.severity <= WARNING) console.log(one.severity, one.path.join("."), one.message);
}
if (document) {
  const schemas = document.allSchemas().all();
  // The parser makes these itself, of parameters, which have a name and no schema.
  const parameters = document.allChannels().all().flatMap((one) => one.parameters().all());
  const made = new Set(parameters.map((one) => JSON.stringify(one.schema().json())));
  for (const schema of schemas) {
    const [id, json] = [schema.id() ?? "", schema.json()];
    // What allows everything, or nothing, is no object and can have none.
    if (made.has(JSON.stringify(json))) continue;
    const isNamed = typeof json === "boolean" || (id !== "" && !id.includes("anonymous"));
    if (!isNamed) console.log("no name:", id, JSON.stringify(json).slice(0, 200));
  }
  console.log(`${schemas.length} schemas, ${document.allMessages().all().length} messages`);
}
