// The same tokens before Clerk's own verifier and ours.
//
// `verifyToken` of @clerk/backend is given the issuer's public key, `rowlock token verify` finds it at a JWKS address.
// Ours may refuse what Clerk's lets through, and then the row says why that is wanted; it may never accept what Clerk's
// refuses. Where both refuse, they must give the same reason, unless the row names two.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { verifyToken } from "@clerk/backend";

import { CATEGORY, Issuer, base64url, strangersKey } from "./support/issuer.mjs";
import { run } from "./support/rowlock.mjs";

const PARTIES = { authorizedParties: ["https://app.rowlock.test", "https://admin.rowlock.test"] };
const AUDIENCE = { audience: ["https://api.rowlock.test"] };

/** Clerk's SDK has one name for any claim that is not as it should be. */
const UNREADABLE = ["token-verification-failed", "token-invalid"];

const seconds = (offset) => Math.floor(Date.now() / 1000) + offset;
const json = JSON.stringify;
const base64 = (text) => Buffer.from(text).toString("base64").replaceAll("=", "");
const paddedBase64url = (text) => base64url(text) + "=".repeat((3 - (Buffer.byteLength(text) % 3)) % 3);

/** Tokens that both accept. */
const ACCEPTED = [
  { name: "version 2 without an organization", token: (issuer) => issuer.token() },
  {
    name: "version 2 with an organization and permissions",
    token: (issuer) =>
      issuer.token({
        fea: "o:invoices,o:members",
        pla: "o:pro",
        o: { id: "org_2rowlockTokenAgreement00000", slg: "acme", rol: "admin", per: "manage,read", fpm: "3,2" },
      }),
  },
  {
    name: "version 1 with an organization",
    token: (issuer) =>
      issuer.token({
        v: undefined,
        org_id: "org_2rowlockTokenAgreement00000",
        org_slug: "acme",
        org_role: "org:admin",
        org_permissions: ["org:invoices:read"],
      }),
  },
  { name: "no category, as before Clerk wrote one", token: (issuer) => issuer.token({}, { cat: undefined }) },
  { name: "the category that says nothing", token: (issuer) => issuer.token({}, { cat: CATEGORY.ignore }) },
  { name: "no typ in the header", token: (issuer) => issuer.token({}, { typ: undefined }) },
  { name: "a header parameter nobody knows", token: (issuer) => issuer.token({}, { oiat: seconds(-60) }) },
  { name: "custom session claims", token: (issuer) => issuer.token({ plan: { tier: 3 }, locale: "de" }) },
  { name: "the role of Clerk's Supabase integration", token: (issuer) => issuer.token({ role: "authenticated" }) },
  {
    name: "an impersonated user",
    token: (issuer) =>
      issuer.token({
        act: {
          iss: "https://dashboard.clerk.com",
          sid: "sess_2rowlockImpersonator00000",
          sub: "user_2rowlockImpersonator00000",
        },
      }),
  },
  { name: "no azp where no party is configured", token: (issuer) => issuer.token({ azp: undefined }) },
  { name: "the azp of a configured party", token: (issuer) => issuer.token(), options: PARTIES },
  {
    name: "one of several audiences is configured",
    token: (issuer) => issuer.token({ aud: ["https://other.rowlock.test", AUDIENCE.audience[0]] }),
    options: AUDIENCE,
  },
];

/** Tokens that both refuse; `reason` is the same for both, or `[Clerk's, ours]`. */
const REFUSED = [
  { name: "expired", token: (issuer) => issuer.token({ exp: seconds(-60) }), reason: "token-expired" },
  { name: "not valid yet", token: (issuer) => issuer.token({ nbf: seconds(60) }), reason: "token-not-active-yet" },
  {
    name: "issued in the future",
    token: (issuer) => issuer.token({ iat: seconds(60) }),
    reason: "token-iat-in-the-future",
  },
  {
    name: "signed by somebody else under our key id",
    token: (issuer) => issuer.sign(json(issuer.header()), json(issuer.claims()), { key: strangersKey() }),
    reason: "token-invalid-signature",
  },
  {
    name: "the claims were changed after signing",
    token: (issuer) => {
      const [header, , signature] = issuer.token().split(".");
      return [header, base64url(json(issuer.claims({ sub: "user_2rowlockSomebodyElse000000" }))), signature].join(".");
    },
    reason: "token-invalid-signature",
  },
  {
    name: "the signature is missing",
    token: (issuer) => `${issuer.token().split(".").slice(0, 2).join(".")}.`,
    reason: "token-invalid-signature",
  },
  {
    name: "alg none without a signature",
    token: (issuer) => `${base64url(json(issuer.header({ alg: "none" })))}.${base64url(json(issuer.claims()))}.`,
    reason: "token-invalid-algorithm",
  },
  {
    name: "HS256 with the public key as secret",
    token: (issuer) => issuer.signWithPublicKey(json(issuer.header({ alg: "HS256" })), json(issuer.claims())),
    reason: "token-invalid-algorithm",
  },
  {
    name: "RS512 with the right key",
    token: (issuer) => issuer.token({}, { alg: "RS512" }),
    reason: ["token-verification-failed", "token-invalid-algorithm"],
  },
  {
    name: "azp of another application",
    token: (issuer) => issuer.token({ azp: "https://evil.test" }),
    options: PARTIES,
    reason: "token-invalid-authorized-parties",
  },
  {
    name: "azp with a slash at its end",
    token: (issuer) => issuer.token({ azp: "https://app.rowlock.test/" }),
    options: PARTIES,
    reason: "token-invalid-authorized-parties",
  },
  {
    name: "no azp although parties are configured",
    token: (issuer) => issuer.token({ azp: undefined }),
    options: PARTIES,
    reason: "token-invalid-authorized-parties",
  },
  {
    name: "made for another audience",
    token: (issuer) => issuer.token({ aud: "https://other.rowlock.test" }),
    options: AUDIENCE,
    reason: ["token-verification-failed", "token-invalid-audience"],
  },
  {
    name: "a machine token by its category",
    token: (issuer) => issuer.token({ sub: "mch_2rowlockTokenAgreement00000" }, { cat: CATEGORY.machine }),
    reason: ["token-invalid", "token-type-mismatch"],
  },
  {
    name: "an OAuth access token",
    token: (issuer) => issuer.token({}, { typ: "at+jwt", cat: undefined }),
    reason: ["token-invalid", "token-type-mismatch"],
  },
  { name: "a typ in small letters", token: (issuer) => issuer.token({}, { typ: "jwt" }), reason: "token-invalid" },
  {
    name: "a typ of something else",
    token: (issuer) => issuer.token({}, { typ: "dpop+jwt" }),
    reason: "token-invalid",
  },
  { name: "no exp", token: (issuer) => issuer.token({ exp: undefined }), reason: UNREADABLE },
  { name: "exp as text", token: (issuer) => issuer.token({ exp: String(seconds(60)) }), reason: UNREADABLE },
  { name: "nbf as text", token: (issuer) => issuer.token({ nbf: String(seconds(-10)) }), reason: UNREADABLE },
  { name: "iat as text", token: (issuer) => issuer.token({ iat: String(seconds(0)) }), reason: UNREADABLE },
  { name: "no sub", token: (issuer) => issuer.token({ sub: undefined }), reason: UNREADABLE },
  { name: "sub as a number", token: (issuer) => issuer.token({ sub: 7 }), reason: UNREADABLE },
  { name: "two parts", token: (issuer) => issuer.token().split(".").slice(0, 2).join("."), reason: "token-invalid" },
  { name: "four parts", token: (issuer) => `${issuer.token()}.x`, reason: "token-invalid" },
  { name: "not a token at all", token: () => "not-a-token", reason: "token-invalid" },
  {
    name: "a header that is no base64",
    token: (issuer) => issuer.token().replace(/^./, "!"),
    reason: "token-invalid",
  },
  {
    name: "a header that is no JSON",
    token: (issuer) => ["alg", ...issuer.token().split(".").slice(1)].join("."),
    reason: "token-invalid",
  },
  {
    name: "the standard base64 alphabet",
    token: (issuer) =>
      issuer.sign(json(issuer.header()), json(issuer.claims({ note: "~~~???>>>" })), { encode: base64 }),
    reason: "token-invalid",
  },
];

/** Tokens that Clerk's verifier accepts and ours refuses, and why that is right. */
const STRICTER = [
  {
    name: "no kid",
    token: (issuer) => issuer.token({}, { kid: undefined }),
    reason: "jwk-kid-mismatch",
    why: "Clerk always names its key; with `jwtKey` its SDK does not look at the name",
  },
  {
    name: "the kid of another instance",
    token: (issuer) => issuer.token({}, { kid: "ins_2rowlockAnotherInstance0000" }),
    reason: "jwk-kid-mismatch",
    why: "the key id is the instance: this token says it is of another one",
  },
  {
    name: "crit",
    token: (issuer) => issuer.token({}, { crit: ["b64"], b64: false }),
    reason: "token-invalid",
    why: "RFC 7515 §4.1.11: an extension that must be understood and is not makes the token invalid",
  },
  {
    name: "another issuer with the same key",
    token: (issuer) => issuer.token({ iss: "https://clerk.evil.test" }),
    reason: "token-invalid-issuer",
    why: "the issuer is pinned; Clerk's SDK looks at it only when an undocumented option is set",
  },
  {
    name: "a pending session",
    token: (issuer) => issuer.token({ sts: "pending" }),
    reason: "session-pending",
    why: "the user has not finished signing in; Clerk's higher-level `toAuth` treats it as signed out too",
  },
  {
    name: "a session status that does not exist yet",
    token: (issuer) => issuer.token({ sts: "frozen" }),
    reason: "token-invalid",
    why: "a status nobody knows is no promise that the user may come in",
  },
  {
    name: "a JWT template by its category",
    token: (issuer) => issuer.token({ sid: undefined, v: undefined }, { cat: CATEGORY.template }),
    reason: "token-type-mismatch",
    why: "its claims are whatever the author of the template wrote, and it outlives its session",
  },
  {
    name: "a JWT template without category",
    token: (issuer) => issuer.token({ sid: undefined, v: undefined }, { cat: undefined }),
    reason: "token-type-mismatch",
    why: "without a session id it is no session, whatever the header leaves out",
  },
  {
    name: "a category that does not exist yet",
    token: (issuer) => issuer.token({}, { cat: "cl_B7d4PD444AAA" }),
    reason: "token-invalid",
    why: "a class of tokens nobody knows is not a session",
  },
  {
    name: "a machine token whose category is hidden",
    token: (issuer) => issuer.token({ sub: "mch_2rowlockTokenAgreement00000" }, { cat: CATEGORY.ignore }),
    reason: "token-type-mismatch",
    why: "machine tokens carry claims of their user's choice and are signed by the same key",
  },
  {
    name: "an empty sub",
    token: (issuer) => issuer.token({ sub: "" }),
    reason: "token-invalid",
    why: "nobody is not a user",
  },
  {
    name: "a sub that is no user",
    token: (issuer) => issuer.token({ sub: "admin" }),
    reason: "token-type-mismatch",
    why: "the subject of a session is a user (`user_…`)",
  },
  {
    name: "no aud although one is configured",
    token: (issuer) => issuer.token(),
    options: AUDIENCE,
    reason: "token-invalid-audience",
    why: "an audience that is configured is demanded, as `azp` is; Clerk's SDK compares only when both are there",
  },
  {
    name: "aud as a number",
    token: (issuer) => issuer.token({ aud: 5 }),
    options: AUDIENCE,
    reason: "token-invalid",
    why: "an audience of another type than RFC 7519 §4.1.3 allows must not pass for a match",
  },
  {
    name: "a foreign audience beside a number",
    token: (issuer) => issuer.token({ aud: ["https://evil.test", 5] }),
    options: AUDIENCE,
    reason: "token-invalid",
    why: "one odd element switches Clerk's comparison off",
  },
  {
    name: "an exp beyond all time",
    token: (issuer) =>
      issuer.sign(json(issuer.header()), json(issuer.claims({ exp: 0 })).replace('"exp":0', '"exp":1e20')),
    reason: "token-invalid",
    why: "it has no date in JavaScript, so there it never expires",
  },
  {
    name: "claims of version 3",
    token: (issuer) => issuer.token({ v: 3 }),
    reason: "token-invalid",
    why: "read as version 1 it would silently lose its organization",
  },
  {
    name: "the version as text",
    token: (issuer) => issuer.token({ v: "2" }),
    reason: "token-invalid",
    why: "Clerk writes a number; as text its SDK reads version 1",
  },
  {
    name: "more than 8 KB",
    token: (issuer) => issuer.token({ padding: "x".repeat(8 * 1024) }),
    reason: "token-invalid",
    why: "no session cookie is that long, and reading it costs us before we know who sent it",
  },
  {
    name: "the role service_role",
    token: (issuer) => issuer.token({ role: "service_role" }),
    reason: "token-role-not-allowed",
    why: "a token picks its database role from a list on which the powerful ones cannot be",
  },
  {
    name: "a claim written twice",
    token: (issuer) =>
      issuer.sign(
        json(issuer.header()),
        json(issuer.claims()).replace("{", '{"sub":"user_2rowlockSomebodyElse000000",'),
      ),
    reason: "token-invalid",
    why: "two readers could take different ones",
  },
  {
    name: "a header parameter written twice",
    token: (issuer) => issuer.sign(json(issuer.header()).replace("{", '{"alg":"none",'), json(issuer.claims())),
    reason: "token-invalid",
    why: "two readers could take different ones",
  },
  {
    name: "padded base64url",
    token: (issuer) => {
      // Three bytes make four letters; only what is left over is padded.
      const claims = ["", " "].map((space) => json(issuer.claims()) + space).find((text) => text.length % 3 !== 0);
      return issuer.sign(json(issuer.header()), claims, { encode: paddedBase64url });
    },
    reason: "token-invalid",
    why: "RFC 7515 §2: base64url in a token has no padding, so one text has one spelling",
  },
];

describe("verifyToken of @clerk/backend and `rowlock token verify`", () => {
  let issuer;
  before(async () => {
    issuer = await Issuer.start();
  });
  after(() => issuer?.stop());

  for (const { name, token, options } of ACCEPTED) {
    test(`both accept: ${name}`, async () => {
      const text = token(issuer);
      assert.deepEqual(await clerkVerdict(issuer, text, options), { accepted: true });
      assert.deepEqual(await rowlockVerdict(issuer, text, options), { accepted: true });
    });
  }

  for (const { name, token, options, reason } of REFUSED) {
    test(`both refuse: ${name}`, async () => {
      const text = token(issuer);
      const [clerks, ours = clerks] = [reason].flat();
      assert.deepEqual(await clerkVerdict(issuer, text, options), { accepted: false, reason: clerks });
      assert.deepEqual(await rowlockVerdict(issuer, text, options), { accepted: false, reason: ours });
    });
  }

  for (const { name, token, options, reason, why } of STRICTER) {
    test(`only ours refuses: ${name} (${why})`, async () => {
      const text = token(issuer);
      assert.deepEqual(await clerkVerdict(issuer, text, options), { accepted: true });
      assert.deepEqual(await rowlockVerdict(issuer, text, options), { accepted: false, reason });
    });
  }
});

async function clerkVerdict(issuer, token, options = {}) {
  try {
    await verifyToken(token, { jwtKey: issuer.publicKeyPem, ...options });
    return { accepted: true };
  } catch (error) {
    if (!error.reason) throw error;
    return { accepted: false, reason: error.reason };
  }
}

/** Exit code 0 accepts, 1 refuses and says why; anything else is a failure of the command, not a verdict. */
async function rowlockVerdict(issuer, token, options = {}) {
  const words = ["token", "verify", "--json", "--issuer", issuer.url, "--jwks-url", issuer.jwksUrl];
  for (const party of options.authorizedParties ?? []) words.push("--authorized-party", party);
  for (const audience of options.audience ?? []) words.push("--audience", audience);
  const { code, stdout, stderr } = await run([...words, "--", token]);
  if (code === 0) return { accepted: true };
  assert.equal(code, 1, `rowlock token verify ended with code ${code}\n${stderr}`);
  const { error } = JSON.parse(stdout);
  assert.ok(error.message, `a refusal says what was found: ${stdout}`);
  assert.ok(!stdout.includes(token), "a refusal never repeats the token");
  return { accepted: false, reason: error.code };
}
