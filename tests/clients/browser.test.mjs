// A real Next.js app in a real browser, with Clerk's own packages unmodified, and no Clerk anywhere.
//
// clerk-js, the prebuilt components, the handshake and server-side `auth()` of @clerk/nextjs, and the Playwright helpers of
// @clerk/testing work against `rowlock clerk` with the variables it prints and one option of the middleware. The browser
// resolves no name but localhost, so that nothing here can be answered by the real Clerk.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { createClerkClient, verifyToken } from "@clerk/backend";
import { clerk as helpers, clerkSetup, setupClerkTestingToken } from "@clerk/testing/playwright";

import { launchChromium } from "./support/chromium.mjs";
import { NextApp } from "./support/next.mjs";
import { Rowlock, run } from "./support/rowlock.mjs";

const ADA = "ada+clerk_test@example.com";
const BOB = "bob+clerk_test@example.com";
const CODE = "424242";
const CONTINUE = "button[data-localization-key=formButtonPrimary]";
/** Clerk's session tokens live for a minute. */
const TOKEN_SECONDS = 60;
/** The smallest picture there is. */
const DOT = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

let rowlock;
let app;
let browser;
let clerk;
/** Signed in at the beginning and looked at again after a minute, so that nobody waits for it. */
let patient;

before(async () => {
  const installed = await run(["clerk", "install"]);
  assert.equal(installed.code, 0, installed.stderr);
  const seed = fileURLToPath(new URL("./next-app/seed.toml", import.meta.url));
  rowlock = await Rowlock.clerk(["--seed", seed]);
  // An app with a page of its own for signing in says so, as it would to Clerk.
  const variables = { ...rowlock.ready.environment, NEXT_PUBLIC_CLERK_SIGN_IN_URL: "/sign-in" };
  [app, browser] = await Promise.all([NextApp.start(variables), launchChromium()]);
  clerk = createClerkClient({
    apiUrl: rowlock.ready.api_url,
    secretKey: rowlock.ready.secret_key,
    publishableKey: rowlock.ready.publishable_key,
    telemetry: { disabled: true },
  });
  // @clerk/testing reads where Clerk is from the environment, as documented.
  Object.assign(process.env, rowlock.ready.environment);
  await clerkSetup({ dotenv: false });
  patient = await visitor();
  await signInByCode(patient.page, BOB);
  patient.since = (await known(patient.page)).issuedAt;
});
afterEach((context) => rowlock?.explain(context));
after(async () => {
  await browser?.close();
  await app?.stop();
  await rowlock?.stop();
});

/** A new browser profile, and what it asked of whom. */
async function visitor() {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("response", (response) => {
    const url = new URL(response.url());
    if (/^https?:$/.test(url.protocol) && url.hostname !== "localhost") problems.push(`answered by ${url.host}`);
    if (url.pathname.startsWith("/__clerk") && response.status() >= 500) problems.push(`${response.status()} ${url}`);
  });
  return { context, page, problems };
}

/** What the server says about whoever looks at this page. */
async function known(page, path = "/") {
  await page.goto(`${app.url}${path}`);
  return JSON.parse(await page.textContent("#server"));
}

async function signInByCode(page, address) {
  await page.goto(`${app.url}/sign-in`);
  await page.fill("input[name=identifier]", address);
  await page.click(CONTINUE);
  if (address === ADA) {
    // She has a password as well, which is asked for first.
    await page.click("text=Use another method");
    await page.click(`button:has-text("Email code")`);
  }
  await page.waitForSelector("text=/check your email/i");
  await page.keyboard.type(CODE);
  await page.waitForURL(`${app.url}/`);
}

/** Waits until the page itself knows that somebody is signed in. */
function signedIn(page) {
  return page.waitForFunction(() => window.Clerk?.session);
}

/** The types of the events so far, oldest first. */
async function events() {
  const response = await fetch(`${rowlock.ready.api_url}/__rowlock/deliveries?limit=500`, {
    headers: { authorization: `Bearer ${rowlock.ready.secret_key}` },
  });
  return (await response.json()).map((message) => message.type).reverse();
}

describe("signing in", () => {
  test("a stranger is a stranger to the server, and is sent to the sign-in page", async () => {
    const { page, context, problems } = await visitor();
    assert.deepEqual((await known(page)).userId, null);
    await page.goto(`${app.url}/protected`);
    const sentTo = new URL(page.url());
    assert.deepEqual([sentTo.origin, sentTo.pathname], [app.url, "/sign-in"]);
    assert.equal(sentTo.searchParams.get("redirect_url"), `${app.url}/protected`);
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("<SignIn/> with a password, and auth() and currentUser() know who it is", async () => {
    const { page, context, problems } = await visitor();
    await page.goto(`${app.url}/sign-in`);
    await page.fill("input[name=identifier]", ADA);
    await page.click(CONTINUE);
    await page.fill("input[name=password]", "wrong horse");
    await page.click(CONTINUE);
    await page.waitForSelector("text=/password is incorrect/i");
    await page.fill("input[name=password]", "correct horse");
    await page.click(CONTINUE);
    await page.waitForURL(`${app.url}/`);
    const who = await known(page);
    const [ada] = (await clerk.users.getUserList({ emailAddress: [ADA] })).data;
    assert.deepEqual([who.userId, who.firstName, who.email, who.claimsVersion], [ada.id, "Ada", ADA, 2]);
    assert.equal((await known(page, "/protected")).userId, ada.id);
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("<SignIn/> with a code", async () => {
    const { page, context, problems } = await visitor();
    await signInByCode(page, ADA);
    assert.equal((await known(page)).firstName, "Ada");
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("a browser whose cookies the server has never seen is recognized by a handshake", async () => {
    const { page, context } = await visitor();
    await signInByCode(page, BOB);
    // What a server reads is gone; what only Clerk reads is still there.
    const cookies = (await context.cookies()).filter((cookie) => cookie.name.startsWith("__client_") && cookie.httpOnly);
    assert.equal(cookies.length, 1, "one cookie belongs to Clerk alone");
    await context.clearCookies();
    await context.addCookies(cookies);
    assert.equal((await known(page)).firstName, "Bob");
    await context.close();
  });
});

test("<SignUp/> makes a user whom the server knows at once", async () => {
  const { page, context, problems } = await visitor();
  await page.goto(`${app.url}/sign-up`);
  await page.fill("input[name=emailAddress]", "carol+clerk_test@example.com");
  await page.fill("input[name=password]", "battery staple");
  await page.click(CONTINUE);
  await page.waitForSelector("text=/verify your email/i");
  await page.keyboard.type(CODE);
  await page.waitForURL(`${app.url}/`);
  const who = await known(page);
  assert.equal(who.email, "carol+clerk_test@example.com");
  const user = await clerk.users.getUser(who.userId);
  assert.equal(user.primaryEmailAddress.verification.status, "verified");
  const happened = await events();
  assert.ok(happened.includes("user.created") && happened.includes("session.created"), happened.join());
  assert.deepEqual(problems, []);
  await context.close();
});

describe("organizations", () => {
  test("<OrganizationSwitcher/> activates one, and has() reads its permissions on both sides", async () => {
    const { page, context, problems } = await visitor();
    await signInByCode(page, ADA);
    const before = await known(page);
    assert.deepEqual([before.orgId, before.mayCreatePosts], [null, false]);
    await page.click(".cl-organizationSwitcherTrigger");
    const switched = page.waitForResponse((response) => response.url().includes("/touch"));
    await page.click(".cl-organizationSwitcherPreviewButton:has-text('Acme')");
    assert.equal((await switched).status(), 200);
    await page.waitForFunction(() => window.Clerk.organization?.slug === "acme");
    const who = await known(page);
    assert.deepEqual(
      [who.orgSlug, who.orgRole, who.mayCreatePosts, who.mayDeletePosts],
      ["acme", "org:writer", true, false],
    );
    await signedIn(page);
    const inPage = await page.evaluate(() => [
      window.Clerk.session.checkAuthorization({ permission: "org:posts:create" }),
      window.Clerk.session.checkAuthorization({ permission: "org:posts:delete" }),
    ]);
    assert.deepEqual(inPage, [true, false]);
    assert.deepEqual(problems, []);
    await context.close();
  });

  test("one is created in the page, somebody is invited, and the server agrees", async () => {
    const { page, context, problems } = await visitor();
    await signInByCode(page, BOB);
    await signedIn(page);
    const id = await page.evaluate(async () => {
      const organization = await window.Clerk.createOrganization({ name: "Initech" });
      await window.Clerk.setActive({ organization: organization.id });
      await organization.inviteMember({ emailAddress: "peter@example.com", role: "org:member" });
      return organization.id;
    });
    const who = await known(page);
    assert.deepEqual([who.orgId, who.orgRole], [id, "org:admin"]);
    const invitations = await clerk.organizations.getOrganizationInvitationList({ organizationId: id });
    assert.deepEqual(
      invitations.data.map((invitation) => [invitation.emailAddress, invitation.status]),
      [["peter@example.com", "pending"]],
    );
    assert.deepEqual(problems, []);
    await context.close();
  });
});

test("<UserProfile/> takes a picture, which the browser shows", async () => {
  const { page, context } = await visitor();
  await signInByCode(page, ADA);
  await signedIn(page);
  await page.evaluate(() => window.Clerk.openUserProfile());
  await page.click("text=Update profile");
  await page.setInputFiles("input[type=file]", { name: "dot.png", mimeType: "image/png", buffer: DOT });
  // A picture that another origin may not show has no width.
  await page.waitForFunction(() =>
    [...document.images].some((image) => image.src.includes("/images/") && image.naturalWidth > 0),
  );
  const [ada] = (await clerk.users.getUserList({ emailAddress: [ADA] })).data;
  assert.equal(ada.hasImage, true);
  assert.deepEqual(Buffer.from(await (await fetch(ada.imageUrl)).arrayBuffer()), DOT);
  await context.close();
});

describe("signing out", () => {
  test("takes the session away everywhere, and is announced", async () => {
    const { page, context } = await visitor();
    await signInByCode(page, ADA);
    const { sessionId } = await known(page);
    await signedIn(page);
    const token = await page.evaluate(() => window.Clerk.session.getToken());
    await page.evaluate(() => window.Clerk.signOut());
    assert.equal((await known(page)).userId, null);
    assert.match((await clerk.sessions.getSession(sessionId)).status, /^(ended|removed)$/);
    assert.match((await events()).at(-1), /^session\.(ended|removed)$/);
    // A token outlives its session by what is left of its minute: that is how Clerk works, too.
    const secretKey = rowlock.ready.secret_key;
    assert.equal((await verifyToken(token, { apiUrl: rowlock.ready.api_url, secretKey })).sid, sessionId);
    await context.close();
  });
});

describe("the helpers of @clerk/testing", () => {
  test("sign in by code and by ticket, and sign out", async () => {
    const { page, context } = await visitor();
    await setupClerkTestingToken({ context });
    await page.goto(app.url);
    await helpers.loaded({ page });
    await helpers.signIn({ page, signInParams: { strategy: "email_code", identifier: ADA } });
    assert.equal((await known(page)).firstName, "Ada");
    await helpers.signOut({ page });
    assert.equal((await known(page)).userId, null);

    const [bob] = (await clerk.users.getUserList({ emailAddress: [BOB] })).data;
    const { token } = await clerk.signInTokens.createSignInToken({ userId: bob.id, expiresInSeconds: 60 });
    await helpers.signIn({ page, signInParams: { strategy: "ticket", ticket: token } });
    assert.equal((await known(page)).firstName, "Bob");
    await context.close();
  });
});

test("a token of one instance is nothing to another one beside it", async () => {
  const other = await Rowlock.clerk();
  try {
    const { page, context } = await visitor();
    await signInByCode(page, ADA);
    await signedIn(page);
    const token = await page.evaluate(() => window.Clerk.session.getToken());
    const options = (instance) => ({
      apiUrl: instance.ready.api_url,
      secretKey: instance.ready.secret_key,
      skipJwksCache: true,
    });
    assert.ok((await verifyToken(token, options(rowlock))).sub);
    await assert.rejects(verifyToken(token, options(other)), (error) => {
      assert.equal(error.reason, "jwk-kid-mismatch");
      assert.ok(error.message.includes(rowlock.ready.instance_id), error.message);
      return true;
    });
    await context.close();
  } finally {
    await other.stop();
  }
});

test("a page that stays open for longer than a token lives stays signed in", async () => {
  const { page, context, problems } = patient;
  const waited = () => Date.now() / 1000 - patient.since;
  while (waited() < TOKEN_SECONDS + 5) await new Promise((resolve) => setTimeout(resolve, 250));
  // No navigation, so no handshake: what arrives is what clerk-js has put into the cookie meanwhile.
  const who = await page.evaluate(() => fetch("/api/whoami").then((response) => response.json()));
  assert.equal(who.firstName, "Bob");
  assert.ok(who.issuedAt > patient.since, `${who.issuedAt} is later than ${patient.since}`);
  assert.deepEqual(problems, []);
  await context.close();
});
