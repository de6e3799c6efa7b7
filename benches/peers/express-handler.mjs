// The same handler as Clerk's guide has it for Node: Express, its raw body, and verifyWebhook of @clerk/express.

import { createRequire } from "node:module";

import { store } from "./upsert.mjs";

const require = createRequire(new URL("../../tests/clients/package.json", import.meta.url));
const { verifyWebhook } = require("@clerk/express/webhooks");
const express = require("express");
const { Pool } = require("pg");

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const app = express();

app.post("/webhooks/clerk", express.raw({ type: "application/json" }), async (request, response) => {
  let event;
  try {
    event = await verifyWebhook(request);
  } catch {
    return response.status(400).send("not verified");
  }
  await store(pool, event);
  return response.send("ok");
});

app.listen(Number(process.env.PORT), "127.0.0.1");
