// The same handler as a route of a Next.js app, the form in which most people who use Clerk have it.

import { verifyWebhook } from "@clerk/nextjs/webhooks";
import { Pool } from "pg";

import { store } from "../../../upsert.mjs";

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });

export async function POST(request) {
  let event;
  try {
    event = await verifyWebhook(request);
  } catch {
    return new Response("not verified", { status: 400 });
  }
  await store(pool, event);
  return new Response("ok");
}
