// A thousand random roles: what a token of ours says about each, read by Clerk's own code.
//
// In a token of version 2 permissions are bit masks over two lists. The emulator packs them, `@clerk/shared` takes them apart;
// a mistake in either order, or a bit beyond the 53rd, and somebody may do what they may not.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { createCheckAuthorization } from "@clerk/shared/authorization";
import { __experimental_JWTPayloadToAuthObjectProperties as authOf } from "@clerk/shared/jwtPayloadParser";

import { control } from "./support/emulator.mjs";
import { Rowlock } from "./support/rowlock.mjs";

const ROLES = 1000;
/** More actions than a number has exact bits, so that masks outgrow it. */
const FEATURES = 12;
const ACTIONS = 70;
/** Tokens that are asked for at once. */
const AT_ONCE = 8;

let rowlock;
before(async () => (rowlock = await Rowlock.clerk()));
after(() => rowlock?.stop());

/** Repeatable chance (mulberry32): a role that fails fails again. */
function chance(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

test("the permissions in a token are exactly those of the role", async () => {
  const random = chance(20261122);
  const below = (limit) => Math.floor(random() * limit);
  const name = (kind, number) => `${kind}_${(number * 7919) % 1000}x${number}`;
  const keys = [];
  for (let feature = 0; feature < FEATURES; feature += 1) {
    for (let action = 0; action < ACTIONS; action += 1) keys.push(`org:${name("f", feature)}:${name("a", action)}`);
  }
  const roles = Array.from({ length: ROLES }, (_, number) => {
    // Few, many, or nearly all; some with none at all, some with permissions that no token carries.
    const share = [0, 0.005, 0.05, 0.5, 0.98][below(5)];
    const own = keys.filter(() => random() < share);
    const system = random() < 0.3 ? ["org:sys_memberships:read"] : [];
    return { key: `org:role_${number}`, name: `Role ${number}`, permissions: [...own, ...system], own };
  });
  await control(rowlock, "POST", "/seed", {
    permissions: keys.map((key) => ({ key, name: key.replaceAll(":", " ") })),
    roles: roles.map(({ key, name, permissions }) => ({ key, name, permissions })),
    users: [{ id: "user_packed", username: "packed" }],
    organizations: roles.map((_, number) => ({ id: `org_${number}`, name: `Crew ${number}`, slug: `c-${number}` })),
    memberships: roles.map(({ key }, number) => ({ organization: `org_${number}`, user: "user_packed", role: key })),
  });

  const tokenOf = async (number) => {
    const body = { user_id: "user_packed", organization_id: `org_${number}` };
    const { jwt } = await control(rowlock, "POST", "/tokens", body);
    return JSON.parse(Buffer.from(jwt.split(".")[1], "base64url").toString());
  };
  const compare = (claims, { key, own }, number) => {
    const { orgId, orgRole, orgPermissions } = authOf(claims);
    assert.deepEqual([orgId, orgRole], [`org_${number}`, key]);
    const expected = [...own].sort();
    assert.deepEqual([...(orgPermissions ?? [])].sort(), expected, key);
    const { fea = "", o } = claims;
    const features = fea.split(",").filter(Boolean);
    const actions = (o.per ?? "").split(",").filter(Boolean);
    // Sorted, and nothing that the role has not: as Clerk's own servers pack (integration/tests/protect-jwt-v2).
    assert.deepEqual(features, [...new Set(own.map((key) => `o:${key.split(":")[1]}`))].sort(), key);
    assert.deepEqual(actions, [...new Set(own.map((key) => key.split(":")[2]))].sort(), key);
    const has = createCheckAuthorization({
      userId: claims.sub,
      orgId,
      orgRole,
      orgPermissions,
      features: fea,
      plans: claims.pla ?? "",
      factorVerificationAge: claims.fva,
    });
    assert.ok(has({ role: key }));
    for (let asked = 0; asked < 8; asked += 1) {
      const permission = keys[below(keys.length)];
      assert.equal(has({ permission }), own.includes(permission), `${key} ${permission}`);
    }
    assert.equal(has({ permission: "org:sys_memberships:read" }), false, "a token carries no system permission");
  };

  let widest = 0n;
  for (let first = 0; first < ROLES; first += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, ROLES - first) }, (_, place) => first + place);
    for (const [place, claims] of (await Promise.all(numbers.map(tokenOf))).entries()) {
      compare(claims, roles[numbers[place]], numbers[place]);
      const masks = (claims.o.fpm ?? "").split(",").filter(Boolean).map(BigInt);
      widest = masks.reduce((most, mask) => (mask > most ? mask : most), widest);
    }
  }
  assert.ok(widest > BigInt(Number.MAX_SAFE_INTEGER), `masks beyond what a number holds exactly were among them: ${widest}`);
});
