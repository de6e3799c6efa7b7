// Clerk's own server SDK, unmodified, against the emulated Backend API.
//
// The SDK is pointed at the emulator by `apiUrl` and nothing else. What comes back must be instances of its own classes
// with every field in place: an answer of the wrong shape gives objects whose fields are silently undefined.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";

import { createClerkClient, verifyToken } from "@clerk/backend";
import { verifyWebhook } from "@clerk/backend/webhooks";
import { isClerkAPIResponseError } from "@clerk/shared/error";

import { registerEndpoint } from "./support/emulator.mjs";
import { Receiver } from "./support/receiver.mjs";
import { Rowlock } from "./support/rowlock.mjs";

let rowlock;
let clerk;
before(async () => {
  rowlock = await Rowlock.dev();
  clerk = createClerkClient({
    apiUrl: rowlock.clerk.api_url,
    secretKey: rowlock.clerk.secret_key,
    publishableKey: rowlock.clerk.publishable_key,
    telemetry: { disabled: true },
  });
});
afterEach((context) => rowlock?.explain(context));
after(() => rowlock?.stop());

let count = 0;

/** A user whose address nobody else has. */
function someone(changes = {}) {
  count += 1;
  return { emailAddress: [`client-${count}@rowlock.test`], firstName: "Ada", lastName: `Nr. ${count}`, ...changes };
}

describe("users", () => {
  test("a created user comes back whole", async () => {
    const started = Date.now();
    const wanted = someone({ externalId: "legacy-7", publicMetadata: { tier: 3 }, privateMetadata: { note: "kept" } });
    const created = await clerk.users.createUser(wanted);

    assertIsA("User", created);
    assert.match(created.id, /^user_/);
    assert.equal(created.firstName, "Ada");
    assert.equal(created.externalId, "legacy-7");
    assert.deepEqual(created.publicMetadata, { tier: 3 });
    assert.deepEqual(created.privateMetadata, { note: "kept" });
    assert.equal(created.primaryEmailAddress.emailAddress, wanted.emailAddress[0]);
    assert.equal(created.primaryEmailAddress.id, created.primaryEmailAddressId);
    // Milliseconds: seconds would put this user into January 1970.
    assert.ok(created.createdAt >= started - 1000 && created.createdAt <= Date.now() + 1000, String(created.createdAt));

    assert.deepEqual(withoutRaw(await clerk.users.getUser(created.id)), withoutRaw(created));
  });

  test("the list holds real users, and the count agrees", async () => {
    const before = await clerk.users.getCount();
    const created = [await clerk.users.createUser(someone()), await clerk.users.createUser(someone())];
    assert.equal(await clerk.users.getCount(), before + 2);

    const { data, totalCount } = await clerk.users.getUserList({ limit: 2, orderBy: "-created_at" });
    assert.equal(totalCount, before + 2);
    data.forEach((user) => assertIsA("User", user));
    assert.deepEqual(new Set(data.map((user) => user.id)), new Set(created.map((user) => user.id)));
  });

  test("the list is filtered and paged", async () => {
    const created = await clerk.users.createUser(someone());
    const found = await clerk.users.getUserList({ emailAddress: [created.primaryEmailAddress.emailAddress] });
    assert.deepEqual(
      found.data.map((user) => user.id),
      [created.id],
    );
    assert.equal(found.totalCount, 1);

    const ids = [];
    const total = await clerk.users.getCount();
    for (let offset = 0; offset < total; offset += 2) {
      const page = await clerk.users.getUserList({ limit: 2, offset, orderBy: "+created_at" });
      ids.push(...page.data.map((user) => user.id));
    }
    assert.equal(new Set(ids).size, total, "every user on exactly one page");
    assert.equal(ids.length, total);
  });

  test("an update changes what it names and nothing else", async () => {
    const created = await clerk.users.createUser(someone({ publicMetadata: { a: 1, b: { c: 2 } } }));
    const renamed = await clerk.users.updateUser(created.id, { firstName: "Grace" });
    assert.equal(renamed.firstName, "Grace");
    assert.equal(renamed.lastName, created.lastName);
    assert.ok(renamed.updatedAt >= created.updatedAt);

    const merged = await clerk.users.updateUserMetadata(created.id, { publicMetadata: { b: { d: 3 }, a: null } });
    assert.deepEqual(merged.publicMetadata, { b: { c: 2, d: 3 } });
  });

  test("a deleted user is gone, and says so in Clerk's words", async () => {
    const created = await clerk.users.createUser(someone());
    const deleted = await clerk.users.deleteUser(created.id);
    assert.equal(deleted.id, created.id);
    await assert.rejects(clerk.users.getUser(created.id), (error) => {
      assert.ok(isClerkAPIResponseError(error), String(error));
      assert.equal(error.status, 404);
      assert.equal(error.errors[0].code, "resource_not_found");
      return true;
    });
  });

  test("a wrong secret key is refused in Clerk's words", async () => {
    const stranger = createClerkClient({
      apiUrl: rowlock.clerk.api_url,
      secretKey: "sk_test_not_the_key_of_this_instance",
      telemetry: { disabled: true },
    });
    await assert.rejects(stranger.users.getCount(), (error) => {
      assert.ok(isClerkAPIResponseError(error), String(error));
      assert.equal(error.status, 401);
      assert.equal(error.errors[0].code, "clerk_key_invalid");
      return true;
    });
  });
});

describe("organizations", () => {
  test("whoever creates one is its first admin", async () => {
    const owner = await clerk.users.createUser(someone());
    const created = await clerk.organizations.createOrganization({ name: "Acme Rowing", createdBy: owner.id });
    assertIsA("Organization", created);
    assert.match(created.id, /^org_/);
    assert.equal(created.name, "Acme Rowing");
    assert.equal(created.createdBy, owner.id);

    const { data, totalCount } = await clerk.organizations.getOrganizationMembershipList({
      organizationId: created.id,
    });
    assert.equal(totalCount, 1);
    assertIsA("OrganizationMembership", data[0]);
    assert.match(data[0].id, /^orgmem_/);
    assert.equal(data[0].role, "org:admin");
    assert.equal(data[0].publicUserData.userId, owner.id);
    assert.equal(data[0].organization.id, created.id);
    assert.ok(data[0].permissions.includes("org:sys_memberships:manage"), "system permissions are in the membership");
  });

  test("members come, change their role and go", async () => {
    const owner = await clerk.users.createUser(someone());
    const member = await clerk.users.createUser(someone());
    const { id } = await clerk.organizations.createOrganization({ name: "Bumps", createdBy: owner.id });
    const membership = { organizationId: id, userId: member.id };

    const joined = await clerk.organizations.createOrganizationMembership({ ...membership, role: "org:member" });
    assert.equal(joined.role, "org:member");
    const promoted = await clerk.organizations.updateOrganizationMembership({ ...membership, role: "org:admin" });
    assert.equal(promoted.role, "org:admin");
    assert.equal(promoted.id, joined.id, "another role is not another membership");

    await clerk.organizations.deleteOrganizationMembership(membership);
    const again = await clerk.organizations.createOrganizationMembership({ ...membership, role: "org:member" });
    assert.notEqual(again.id, joined.id, "who comes back comes as a new member");
  });
});

describe("session tokens", () => {
  /** A user with a session, and a token of it. */
  async function signedIn() {
    const user = await clerk.users.createUser(someone());
    const session = await clerk.sessions.createSession({ userId: user.id });
    const { jwt } = await clerk.sessions.getToken(session.id);
    return { user, session, jwt };
  }

  test("verifyToken accepts a minted token, with keys from the emulator", async () => {
    const { user, session, jwt } = await signedIn();
    const claims = await verifyToken(jwt, { apiUrl: rowlock.clerk.api_url, secretKey: rowlock.clerk.secret_key });
    assert.equal(claims.sub, user.id);
    assert.equal(claims.sid, session.id);
    assert.equal(claims.iss, rowlock.clerk.issuer);
    assert.equal(claims.v, 2);
    assert.equal(claims.exp - claims.iat, 60);
  });

  test("authenticateRequest takes the token for the signed-in user", async () => {
    const { user, jwt } = await signedIn();
    const request = new Request("http://127.0.0.1/", { headers: { authorization: `Bearer ${jwt}` } });
    const state = await clerk.authenticateRequest(request);
    assert.equal(state.isAuthenticated, true, state.reason ?? "");
    assert.equal(state.toAuth().userId, user.id);
  });

  test("the server knows who the token is", async () => {
    const { user, jwt } = await signedIn();
    const response = await fetch(`${rowlock.api}/whoami`, { headers: { authorization: `Bearer ${jwt}` } });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    assert.ok(text.includes(user.id), text);
  });

  test("the server refuses a token that was changed", async () => {
    const { jwt } = await signedIn();
    const [header, claims, signature] = jwt.split(".");
    const forged = JSON.parse(Buffer.from(claims, "base64url"));
    forged.sub = "user_2rowlockSomebodyElse000000";
    const token = [header, Buffer.from(JSON.stringify(forged)).toString("base64url"), signature].join(".");
    const response = await fetch(`${rowlock.api}/whoami`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(response.status, 401);
    const { error } = await response.json();
    assert.equal(error.code, "token-invalid-signature");
    assert.ok(error.message);
  });
});

describe("webhooks", () => {
  let receiver;
  let secret;
  before(async () => {
    receiver = await Receiver.start();
    secret = await registerEndpoint(rowlock, receiver.url);
  });
  after(() => receiver?.stop());

  /** The delivery as the request that a web framework would hand to the SDK. */
  function asRequest({ method, headers, body }) {
    return new Request(receiver.url, { method, headers: new Headers(headers), body });
  }

  test("verifyWebhook accepts what the emulator delivers", async () => {
    const user = await clerk.users.createUser(someone());
    const delivered = await receiver.delivery(({ type, data }) => type === "user.created" && data.id === user.id);
    const event = await verifyWebhook(asRequest(delivered), { signingSecret: secret });
    assert.equal(event.type, "user.created");
    assert.equal(event.data.id, user.id);
    assert.equal(event.data.updated_at, user.updatedAt);
    assert.equal(event.data.email_addresses[0].email_address, user.primaryEmailAddress.emailAddress);
  });

  test("verifyWebhook refuses the same delivery with another body", async () => {
    const user = await clerk.users.createUser(someone());
    const delivered = await receiver.delivery(({ type, data }) => type === "user.created" && data.id === user.id);
    const body = Buffer.from(delivered.body.toString().replace("Ada", "Eve"));
    await assert.rejects(verifyWebhook(asRequest({ ...delivered, body }), { signingSecret: secret }));
  });

  test("a deletion is delivered as a stub of the user", async () => {
    const user = await clerk.users.createUser(someone());
    await clerk.users.deleteUser(user.id);
    const delivered = await receiver.delivery(({ type, data }) => type === "user.deleted" && data.id === user.id);
    const event = await verifyWebhook(asRequest(delivered), { signingSecret: secret });
    assert.equal(event.data.deleted, true);
    assert.equal(event.data.object, "user");
  });
});

/** The user's fields; the SDK keeps the JSON it was made of in a private one. */
function withoutRaw(user) {
  return Object.fromEntries(Object.entries(user).filter(([name]) => !name.startsWith("_")));
}

/** The SDK builds objects of its own classes out of what it recognizes, and hands the rest through as it came. */
function assertIsA(name, object) {
  assert.equal(object?.constructor.name.replace(/^_/, ""), name);
}
