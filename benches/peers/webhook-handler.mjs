// A Clerk webhook handler on Node's own HTTP server: verifyWebhook, then an upsert.

import { createServer } from "node:http";
import { createRequire } from "node:module";

import { store } from "./upsert.mjs";

const require = createRequire(new URL("../../tests/clients/package.json", import.meta.url));
const { verifyWebhook } = require("@clerk/backend/webhooks");
const { Pool } = require("pg");

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });

async function handle(incoming) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const request = new Request(`http://localhost${incoming.url}`, {
    method: "POST",
    headers: incoming.headers,
    body: Buffer.concat(chunks),
  });
  await store(pool, await verifyWebhook(request));
}

createServer((incoming, answer) => {
  handle(incoming).then(
    () => answer.writeHead(200, { "content-length": 2 }).end("ok"),
    (error) => answer.writeHead(400, { "content-length": 0 }).end(void error),
  );
}).listen(Number(process.env.PORT), "127.0.0.1");
