// Deliveries signed by Svix's own package, posted to a running server.
//
// Clerk sends its webhooks through Svix, so what the official `svix` package signs is what arrives in production. Each
// delivery here is also shown to that package's verifier: ours must refuse whatever it refuses, and say which thing is
// wrong.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";

import { Webhook } from "svix";

import { Rowlock } from "./support/rowlock.mjs";

const MINUTE_MS = 60_000;
const OTHER_SECRET = `whsec_${Buffer.from("rowlock tests: not our endpoint").toString("base64")}`;

let rowlock;
before(async () => {
  rowlock = await Rowlock.dev();
});
afterEach((context) => rowlock?.explain(context));
after(() => rowlock?.stop());

let count = 0;

/** A signed delivery of `user.created` for a user nobody has heard of, with the parts named exchanged before signing. */
function delivery({ id, sentAt = new Date(), secret = rowlock.clerk.webhook_secret, event = {}, user = {} } = {}) {
  count += 1;
  id ??= `msg_2rowlockSvixTest${String(count).padStart(6, "0")}`;
  const body = JSON.stringify({
    data: {
      id: `user_2rowlockSvixTest${String(count).padStart(6, "0")}`,
      object: "user",
      first_name: "Ada",
      last_name: "Lovelace",
      email_addresses: [],
      public_metadata: {},
      created_at: sentAt.getTime(),
      updated_at: sentAt.getTime(),
      ...user,
    },
    instance_id: rowlock.clerk.instance_id,
    object: "event",
    timestamp: sentAt.getTime(),
    type: "user.created",
    ...event,
  });
  const headers = {
    "content-type": "application/json",
    "svix-id": id,
    "svix-timestamp": String(Math.floor(sentAt.getTime() / 1000)),
    "svix-signature": new Webhook(secret).sign(id, sentAt, body),
  };
  return { headers, body };
}

async function post({ headers, body }) {
  const response = await fetch(`${rowlock.api}/webhooks/clerk`, { method: "POST", headers, body });
  const text = await response.text();
  assert.match(response.headers.get("content-type") ?? "", /^application\/json\b/, `answers with JSON, found: ${text}`);
  return { status: response.status, answer: JSON.parse(text) };
}

/** Whether Svix's own verifier, with the secret of the running server, takes the delivery. */
function svixAccepts({ headers, body }) {
  try {
    new Webhook(rowlock.clerk.webhook_secret).verify(body, headers);
    return true;
  } catch (error) {
    assert.equal(error.name, "WebhookVerificationError", `svix failed for another reason: ${error}`);
    return false;
  }
}

describe("a delivery that Svix signed", () => {
  test("is accepted and applied", async () => {
    const sent = delivery();
    assert.ok(svixAccepts(sent));
    assert.deepEqual(await post(sent), {
      status: 200,
      answer: { delivery: sent.headers["svix-id"], outcome: "applied" },
    });
  });

  test("is accepted again and applied once", async () => {
    const sent = delivery();
    await post(sent);
    assert.deepEqual(await post(sent), {
      status: 200,
      answer: { delivery: sent.headers["svix-id"], outcome: "duplicate" },
    });
  });

  test("of an older state than the mirror has is accepted and changes nothing", async () => {
    const now = Date.now();
    const newer = delivery({ user: { updated_at: now } });
    const user = JSON.parse(newer.body).data.id;
    assert.equal((await post(newer)).answer.outcome, "applied");
    const older = delivery({ event: { type: "user.updated" }, user: { id: user, updated_at: now - 1000 } });
    assert.deepEqual(await post(older), {
      status: 200,
      answer: { delivery: older.headers["svix-id"], outcome: "stale" },
    });
  });

  test("is accepted under the names of Standard Webhooks", async () => {
    const { headers, body } = delivery();
    const renamed = Object.entries(headers).map(([name, value]) => [name.replace(/^svix-/, "webhook-"), value]);
    const sent = { headers: Object.fromEntries(renamed), body };
    assert.ok(svixAccepts(sent));
    assert.equal((await post(sent)).answer.outcome, "applied");
  });

  test("is accepted beside signatures of another secret and of another version", async () => {
    const sent = delivery();
    const rotated = new Webhook(OTHER_SECRET).sign(sent.headers["svix-id"], new Date(), sent.body);
    sent.headers["svix-signature"] = `v1a,${"A".repeat(86)}== ${rotated} ${sent.headers["svix-signature"]}`;
    assert.ok(svixAccepts(sent));
    assert.equal((await post(sent)).answer.outcome, "applied");
  });

  test("is accepted when the clocks are four minutes apart, either way", async () => {
    for (const offset of [-4 * MINUTE_MS, 4 * MINUTE_MS]) {
      const sent = delivery({ sentAt: new Date(Date.now() + offset) });
      assert.ok(svixAccepts(sent));
      assert.equal((await post(sent)).status, 200);
    }
  });
});

/** What is done to a good delivery, and the code that must name it. */
const REFUSED = [
  {
    name: "one byte of the body differs",
    code: "signature-mismatch",
    make: () => {
      const { headers, body } = delivery();
      return { headers, body: body.replace("Lovelace", "Lovelacf") };
    },
  },
  {
    name: "the id differs",
    code: "signature-mismatch",
    make: () => changed({ "svix-id": "msg_2rowlockSvixTestAnother" }),
  },
  {
    name: "the time differs from the signed one",
    code: "signature-mismatch",
    make: () => changed({ "svix-timestamp": String(Math.floor(Date.now() / 1000) - 30) }),
  },
  {
    name: "the secret is another endpoint's",
    code: "signature-mismatch",
    make: () => delivery({ secret: OTHER_SECRET }),
  },
  {
    name: "the body was parsed and written anew on the way",
    code: "body-re-encoded",
    make: () => {
      const { headers, body } = delivery();
      return { headers, body: JSON.stringify(JSON.parse(body), null, 2) };
    },
  },
  {
    name: "it is six minutes old",
    code: "too-old",
    make: () => delivery({ sentAt: new Date(Date.now() - 6 * MINUTE_MS) }),
  },
  {
    name: "it is six minutes from now",
    code: "too-new",
    make: () => delivery({ sentAt: new Date(Date.now() + 6 * MINUTE_MS) }),
  },
  { name: "the signature is missing", code: "missing-header", make: () => changed({ "svix-signature": undefined }) },
  {
    name: "the time is no number",
    code: "unreadable-timestamp",
    make: () => changed({ "svix-timestamp": "yesterday" }),
  },
  {
    name: "there are only signatures of another version",
    code: "no-supported-signature",
    make: () => changed({ "svix-signature": `v1a,${"A".repeat(86)}==` }),
  },
];

/** A good delivery with these headers exchanged after signing. */
function changed(headers) {
  const good = delivery();
  const kept = Object.entries({ ...good.headers, ...headers }).filter(([, value]) => value !== undefined);
  return { headers: Object.fromEntries(kept), body: good.body };
}

describe("a delivery is refused, and the answer names the reason, when", () => {
  for (const { name, code, make } of REFUSED) {
    test(`${name}: ${code}`, async () => {
      const sent = make();
      assert.equal(svixAccepts(sent), false, "svix refuses it too");
      const { status, answer } = await post(sent);
      assert.ok(status >= 400 && status < 500, `a refusal is the sender's fault: ${status}`);
      assert.equal(answer.error.code, code);
      assert.ok(answer.error.message && answer.error.hint, "says what was found and what to do about it");
    });
  }

  test("a refused delivery leaves no trace: the same one, repaired, is applied", async () => {
    const good = delivery();
    const { status } = await post({ headers: good.headers, body: `${good.body} ` });
    assert.notEqual(status, 200);
    assert.equal((await post(good)).answer.outcome, "applied");
  });
});
