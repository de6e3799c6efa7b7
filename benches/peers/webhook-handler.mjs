// A Clerk webhook handler as it is written by hand: verifyWebhook, then an upsert through a pool of pg.

import { createServer } from "node:http";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../tests/clients/package.json", import.meta.url));
const { verifyWebhook } = require("@clerk/backend/webhooks");
const { Pool } = require("pg");

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });

const upsert = `
insert into public.users_by_hand (id, email, first_name, last_name, image_url, updated_at)
values ($1, $2, $3, $4, $5, to_timestamp($6::double precision / 1000))
on conflict (id) do update set
  email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name,
  image_url = excluded.image_url, updated_at = excluded.updated_at`;

async function handle(incoming) {
  const chunks = [];
  for await (const chunk of incoming) chunks.push(chunk);
  const request = new Request(`http://localhost${incoming.url}`, {
    method: "POST",
    headers: incoming.headers,
    body: Buffer.concat(chunks),
  });
  const event = await verifyWebhook(request);
  if (event.type === "user.created" || event.type === "user.updated") {
    const { id, email_addresses, primary_email_address_id, first_name, last_name, image_url, updated_at } = event.data;
    const email = email_addresses.find((address) => address.id === primary_email_address_id)?.email_address;
    await pool.query(upsert, [id, email, first_name, last_name, image_url, updated_at]);
  }
}

createServer((incoming, answer) => {
  handle(incoming).then(
    () => answer.writeHead(200, { "content-length": 2 }).end("ok"),
    (error) => answer.writeHead(400, { "content-length": 0 }).end(void error),
  );
}).listen(Number(process.env.PORT), "127.0.0.1");
