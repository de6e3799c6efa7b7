// Every type of event that Clerk has: caused by the emulator, signed, delivered, and verified by Clerk's own SDK.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, afterEach, before, test } from "node:test";

import { verifyWebhook } from "@clerk/backend/webhooks";

import { control, registerEndpoint } from "./support/emulator.mjs";
import { Receiver } from "./support/receiver.mjs";
import { Rowlock, run } from "./support/rowlock.mjs";

let rowlock;
let receiver;
let signingSecret;
before(async () => {
  receiver = await Receiver.start();
  rowlock = await Rowlock.clerk();
  signingSecret = await registerEndpoint(rowlock, receiver.url);
});
afterEach((context) => rowlock?.explain(context));
after(async () => {
  await rowlock?.stop();
  await receiver?.stop();
});

/** The types that the SDK declares, out of its own declarations. */
function declared() {
  const path = new URL("./node_modules/@clerk/backend/dist/api/resources/Webhooks.d.ts", import.meta.url);
  const names = readFileSync(path, "utf8").matchAll(/'([a-zA-Z]+\.[a-zA-Z]+)'|"([a-zA-Z]+\.[a-zA-Z]+)"/g);
  return [...new Set([...names].map(([, single, double]) => single ?? double))];
}

test("verifyWebhook takes every type of event", async (context) => {
  // One more than the SDK declares: Clerk's own list of events has it.
  const types = [...declared(), "session.pending"];
  assert.equal(types.length, 46, types.join());
  for (const type of types) {
    await context.test(type, async () => {
      const { messages } = await control(rowlock, "POST", "/events", { type });
      const { id } = messages.findLast((message) => message.type === type);
      const delivery = await receiver.deliveryOf(id);
      const request = new Request(receiver.url, { method: "POST", headers: delivery.headers, body: delivery.body });
      const event = await verifyWebhook(request, { signingSecret });
      assert.equal(event.type, type);
      assert.equal(event.object, "event");
      const [family, happening] = type.split(".");
      // A message, a payment and its kin have objects; a deletion says of what.
      assert.ok(event.data.id ?? event.data.object, `${type} is about something`);
      if (happening === "deleted" && family !== "organizationMembership") assert.equal(event.data.deleted, true);
      if (family === "session") assert.ok(event.data.user.id, "a session comes with its user");
    });
  }
});

test("the command line lets them happen too, and says what became of them", async () => {
  const { api_url: url, secret_key: key } = rowlock.clerk;
  const words = ["trigger", "--json", "--emulator", url, "--secret-key", key, "user.created"];
  const { code, stdout, stderr } = await run([...words, "--count", "3", "--duplicate", "1", "--shuffle"]);
  assert.equal(code, 0, stderr);
  const { messages } = JSON.parse(stdout);
  assert.equal(messages.length, 3);
  for (const { id } of messages) await receiver.deliveryOf(id, 2);
});
