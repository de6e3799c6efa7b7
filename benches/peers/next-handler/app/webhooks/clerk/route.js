// The same handler as a route of a Next.js app, the form in which most people who use Clerk have it.

import { verifyWebhook } from "@clerk/nextjs/webhooks";
import { Pool } from "pg";

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10 });

const upsert = `
insert into public.users_by_hand (id, email, first_name, last_name, image_url, updated_at)
values ($1, $2, $3, $4, $5, to_timestamp($6::double precision / 1000))
on conflict (id) do update set
  email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name,
  image_url = excluded.image_url, updated_at = excluded.updated_at`;

export async function POST(request) {
  let event;
  try {
    event = await verifyWebhook(request);
  } catch {
    return new Response("not verified", { status: 400 });
  }
  if (event.type === "user.created" || event.type === "user.updated") {
    const { id, email_addresses, primary_email_address_id, first_name, last_name, image_url, updated_at } = event.data;
    const email = email_addresses.find((address) => address.id === primary_email_address_id)?.email_address;
    await pool.query(upsert, [id, email, first_name, last_name, image_url, updated_at]);
  }
  return new Response("ok");
}
