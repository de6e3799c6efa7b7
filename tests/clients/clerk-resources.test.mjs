// Every resource of Clerk's own server SDK that the emulated Backend API has, unmodified.
//
// One test for each resource, from its making to its end. What comes back must be an instance of the SDK's own class:
// an answer of the wrong shape gives objects whose fields are silently undefined.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";

import { createClerkClient } from "@clerk/backend";
import { isClerkAPIResponseError } from "@clerk/shared/error";

import { control } from "./support/emulator.mjs";
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

function address() {
  count += 1;
  return `resource-${count}@rowlock.test`;
}

function someone() {
  return clerk.users.createUser({ emailAddress: [address()], firstName: "Ada" });
}

async function organization() {
  const owner = await someone();
  count += 1;
  return { owner, ...(await clerk.organizations.createOrganization({ name: `Crew ${count}`, createdBy: owner.id })) };
}

describe("organizations", () => {
  test("invitations are made, listed, accepted and revoked", async () => {
    const { id: organizationId, owner } = await organization();
    const invite = { organizationId, inviterUserId: owner.id, role: "org:member", publicMetadata: { seat: 3 } };
    const guest = await someone();
    const invitation = await clerk.organizations.createOrganizationInvitation({
      ...invite,
      emailAddress: guest.primaryEmailAddress.emailAddress,
    });
    assertIsA("OrganizationInvitation", invitation);
    assert.equal(invitation.status, "pending");
    assert.equal(invitation.organizationId, organizationId);
    assert.ok(invitation.expiresAt > Date.now());

    const bulk = await clerk.organizations.createOrganizationInvitationBulk(
      organizationId,
      [address(), address()].map((emailAddress) => ({ emailAddress, role: "org:admin", inviterUserId: owner.id })),
    );
    assert.equal(bulk.data.length, 2);
    const revoked = await clerk.organizations.revokeOrganizationInvitation({
      organizationId,
      invitationId: bulk.data[0].id,
      requestingUserId: owner.id,
    });
    assert.equal(revoked.status, "revoked");

    await control(rowlock, "POST", `/organization_invitations/${invitation.id}/accept`, {});
    const { data, totalCount } = await clerk.organizations.getOrganizationInvitationList({ organizationId });
    assert.equal(totalCount, 3);
    data.forEach((one) => assertIsA("OrganizationInvitation", one));
    const pending = await clerk.organizations.getOrganizationInvitationList({ organizationId, status: ["pending"] });
    assert.deepEqual(
      pending.data.map((one) => one.id),
      [bulk.data[1].id],
    );
    const invitationId = invitation.id;
    const again = await clerk.organizations.getOrganizationInvitation({ organizationId, invitationId });
    assert.equal(again.status, "accepted");

    const { data: members } = await clerk.organizations.getInstanceOrganizationMembershipList({ limit: 500 });
    const member = members.find((one) => one.publicUserData.userId === guest.id);
    assert.deepEqual(member.publicMetadata, { seat: 3 }, "what the invitation said goes to the membership");
  });

  test("domains are added, changed and removed", async () => {
    const { id: organizationId } = await organization();
    const created = await clerk.organizations.createOrganizationDomain({
      organizationId,
      name: `crew-${count}.example`,
      enrollmentMode: "automatic_invitation",
      verified: false,
    });
    assert.equal(created.object, "organization_domain", "the SDK has no class for it and hands it through");
    assert.equal(created.verification.status, "unverified");
    const domain = { organizationId, domainId: created.id };
    const verified = await clerk.organizations.updateOrganizationDomain({ ...domain, verified: true });
    assert.equal(verified.verification.status, "verified");
    assert.equal((await clerk.organizations.getOrganizationDomainList({ organizationId })).totalCount, 1);
    assert.equal((await clerk.organizations.deleteOrganizationDomain(domain)).deleted, true);
  });

  test("metadata is merged and replaced", async () => {
    const { id } = await organization();
    await clerk.organizations.updateOrganizationMetadata(id, { publicMetadata: { a: 1, b: 2 } });
    const merged = await clerk.organizations.updateOrganizationMetadata(id, { publicMetadata: { b: null, c: 3 } });
    assert.deepEqual(merged.publicMetadata, { a: 1, c: 3 });
    const replaced = await clerk.organizations.replaceOrganizationMetadata(id, { publicMetadata: { d: 4 } });
    assert.deepEqual(replaced.publicMetadata, { d: 4 });
  });
});

describe("roles", () => {
  test("permissions and roles are made, and a member's permissions follow", async () => {
    const permission = await clerk.organizationPermissions.createOrganizationPermission({
      name: "Steer",
      key: "org:boat:steer",
      description: "",
    });
    const role = await clerk.organizationRoles.createOrganizationRole({ name: "Cox", key: "org:cox" });
    const { id: organizationId } = await organization();
    const { id: userId } = await someone();
    await clerk.organizations.createOrganizationMembership({ organizationId, userId, role: "org:cox" });
    const pair = { organizationRoleId: role.id, permissionId: permission.id };
    const steering = await clerk.organizationRoles.assignPermissionToOrganizationRole(pair);
    assert.deepEqual(
      steering.permissions.map((one) => one.key),
      ["org:boat:steer"],
    );
    const permissions = async () => {
      const { data } = await clerk.organizations.getOrganizationMembershipList({ organizationId, userId: [userId] });
      return data[0].permissions;
    };
    assert.deepEqual(await permissions(), ["org:boat:steer"]);
    await clerk.organizationPermissions.updateOrganizationPermission({ permissionId: permission.id, name: "Helm" });
    await clerk.organizationRoles.removePermissionFromOrganizationRole(pair);
    assert.deepEqual(await permissions(), []);

    await assert.rejects(clerk.organizationRoles.deleteOrganizationRole(role.id), (error) => {
      assert.ok(isClerkAPIResponseError(error), String(error));
      assert.equal(error.errors[0].code, "organization_role_assigned_members");
      return true;
    });
    await clerk.organizations.updateOrganizationMembership({ organizationId, userId, role: "org:member" });
    await clerk.organizationRoles.updateOrganizationRole({ organizationRoleId: role.id, name: "Coxswain" });
    const { data } = await clerk.organizationRoles.getOrganizationRoleList({ query: "coxswain" });
    assert.deepEqual(
      data.map((one) => one.id),
      [role.id],
    );
    await clerk.organizationRoles.deleteOrganizationRole(role.id);
    await clerk.organizationPermissions.deleteOrganizationPermission(permission.id);
    assert.equal((await clerk.organizationPermissions.getOrganizationPermissionList({ query: "boat" })).totalCount, 0);
  });

  test("role sets gather roles and give way to each other", async () => {
    const set = await clerk.roleSets.createRoleSet({
      name: "Clubs",
      key: "role_set:clubs",
      defaultRoleKey: "org:member",
      creatorRoleKey: "org:admin",
      roles: ["org:admin", "org:member"],
    });
    assert.equal(set.key, "role_set:clubs");
    const role = await clerk.organizationRoles.createOrganizationRole({ name: "Guest", key: "org:guest" });
    const wider = await clerk.roleSets.addRolesToRoleSet({ roleSetKeyOrId: set.id, roleKeys: [role.key] });
    assert.equal(wider.roles.length, 3);
    await clerk.roleSets.replaceRoleInRoleSet({
      roleSetKeyOrId: set.id,
      roleKey: role.key,
      toRoleKey: "org:member",
    });
    assert.equal((await clerk.roleSets.getRoleSet("role_set:clubs")).roles.length, 2);
    assert.equal((await clerk.roleSets.updateRoleSet({ roleSetKeyOrId: set.id, name: "Clubs 2" })).name, "Clubs 2");
    await clerk.roleSets.replaceRoleSet({ roleSetKeyOrId: set.id, destRoleSetKey: "role_set:default" });
    assert.equal((await clerk.roleSets.getRoleSetList({ query: "clubs" })).totalCount, 0);
    await clerk.organizationRoles.deleteOrganizationRole(role.id);
  });
});

describe("invitations and the waitlist", () => {
  test("people are invited to the application", async () => {
    const invitation = await clerk.invitations.createInvitation({
      emailAddress: address(),
      publicMetadata: { tier: 1 },
    });
    assertIsA("Invitation", invitation);
    assert.match(invitation.url, /ticket=/);
    const bulk = await clerk.invitations.createInvitationBulk([
      { emailAddress: address() },
      { emailAddress: address() },
    ]);
    assert.equal(bulk.length, 2);
    assert.equal((await clerk.invitations.revokeInvitation(bulk[0].id)).status, "revoked");
    const user = await control(rowlock, "POST", `/invitations/${invitation.id}/accept`, {});
    assert.deepEqual((await clerk.users.getUser(user.id)).publicMetadata, { tier: 1 });
    const { data } = await clerk.invitations.getInvitationList({ status: "accepted" });
    assert.ok(data.some((one) => one.id === invitation.id));
    await assert.rejects(clerk.invitations.createInvitation({ emailAddress: bulk[1].emailAddress }));
  });

  test("the waitlist takes people in, and lets them in or not", async () => {
    const entry = await clerk.waitlistEntries.create({ emailAddress: address() });
    assertIsA("WaitlistEntry", entry);
    const same = await clerk.waitlistEntries.create({ emailAddress: entry.emailAddress });
    assert.equal(same.id, entry.id);
    const [second, third] = await clerk.waitlistEntries.createBulk([
      { emailAddress: address() },
      { emailAddress: address() },
    ]);
    const invited = await clerk.waitlistEntries.invite(entry.id);
    assert.equal(invited.status, "invited");
    assert.equal(invited.invitation.emailAddress, entry.emailAddress);
    assert.equal((await clerk.waitlistEntries.reject(second.id)).status, "rejected");
    assert.equal((await clerk.waitlistEntries.delete(third.id)).deleted, true);
    const { data } = await clerk.waitlistEntries.list({ status: "rejected" });
    assert.deepEqual(
      data.map((one) => one.id),
      [second.id],
    );
  });
});

describe("users", () => {
  test("a ban and a lock close and open the account", async () => {
    const { id } = await someone();
    const session = await clerk.sessions.createSession({ userId: id });
    assert.equal((await clerk.users.banUser(id)).banned, true);
    assert.equal((await clerk.sessions.getSession(session.id)).status, "revoked");
    assert.equal((await clerk.users.unbanUser(id)).banned, false);
    assert.equal((await clerk.users.lockUser(id)).locked, true);
    assert.equal((await clerk.users.unlockUser(id)).locked, false);
    assert.deepEqual((await clerk.users.replaceUserMetadata(id, { publicMetadata: { a: 1 } })).publicMetadata, {
      a: 1,
    });
  });

  test("addresses and numbers come and go", async () => {
    const { id: userId } = await someone();
    const email = await clerk.emailAddresses.createEmailAddress({ userId, emailAddress: address(), verified: true });
    assertIsA("EmailAddress", email);
    await clerk.emailAddresses.updateEmailAddress(email.id, { primary: true });
    assert.equal((await clerk.users.getUser(userId)).primaryEmailAddressId, email.id);
    const phone = await clerk.phoneNumbers.createPhoneNumber({ userId, phoneNumber: "+15005550123", verified: true });
    assert.equal((await clerk.phoneNumbers.getPhoneNumber(phone.id)).phoneNumber, "+15005550123");
    await clerk.phoneNumbers.deletePhoneNumber(phone.id);
    await clerk.emailAddresses.deleteEmailAddress(email.id);
    assert.equal((await clerk.users.getUser(userId)).emailAddresses.length, 1);
  });

  test("lists of what a user has", async () => {
    const { owner, id } = await organization();
    const { data } = await clerk.users.getOrganizationMembershipList({ userId: owner.id });
    assert.equal(data[0].organization.id, id);
    const invitations = await clerk.users.getOrganizationInvitationList({ userId: owner.id });
    assert.equal(invitations.totalCount, 0);
  });
});

describe("sessions and tickets", () => {
  test("sessions are listed, revoked and refreshed by nothing but their status", async () => {
    const { id: userId } = await someone();
    const session = await clerk.sessions.createSession({ userId });
    const { data } = await clerk.sessions.getSessionList({ userId });
    assertIsA("Session", data[0]);
    assert.equal((await clerk.sessions.revokeSession(session.id)).status, "revoked");
    assert.equal((await clerk.sessions.getSessionList({ userId, status: "active" })).data.length, 0);
  });

  test("a sign-in token signs in once", async () => {
    const { id: userId } = await someone();
    const token = await clerk.signInTokens.createSignInToken({ userId, expiresInSeconds: 600 });
    assertIsA("SignInToken", token);
    const session = await control(rowlock, "POST", "/tickets/redeem", { ticket: token.token });
    assert.equal(session.user_id, userId);
    await assert.rejects(clerk.signInTokens.revokeSignInToken(token.id), "it is used");
    const unused = await clerk.signInTokens.createSignInToken({ userId, expiresInSeconds: 600 });
    assert.equal((await clerk.signInTokens.revokeSignInToken(unused.id)).status, "revoked");
  });

  test("an actor token makes a session that says who acts", async () => {
    const [user, admin] = [await someone(), await someone()];
    const token = await clerk.actorTokens.create({ userId: user.id, actor: { sub: admin.id }, expiresInSeconds: 600 });
    assert.equal(token.status, "pending");
    const session = await control(rowlock, "POST", "/tickets/redeem", { ticket: token.token });
    assert.deepEqual((await clerk.sessions.getSession(session.id)).actor, { sub: admin.id });
    const other = await clerk.actorTokens.create({ userId: user.id, actor: { sub: admin.id } });
    assert.equal((await clerk.actorTokens.revoke(other.id)).status, "revoked");
  });

  test("testing tokens are to be had", async () => {
    const { token, expires_at } = await clerk.testingTokens.createTestingToken();
    assert.ok(token);
    assert.ok(expires_at > Date.now() / 1000, "in seconds; the SDK has no class for it and hands it through");
  });
});

describe("machines and keys", () => {
  test("a machine shows another one who it is", async () => {
    const reader = await clerk.machines.create({ name: "reader" });
    const writer = await clerk.machines.create({ name: "writer", scopedMachines: [reader.id] });
    assertIsA("Machine", writer);
    assert.equal(writer.scopedMachines[0].id, reader.id);
    const token = await clerk.m2m.createToken({ machineSecretKey: writer.secretKey, claims: { job: "nightly" } });
    const seen = await clerk.m2m.verify({ token: token.token, machineSecretKey: reader.secretKey });
    assert.equal(seen.subject, writer.id);
    assert.deepEqual(seen.claims, { job: "nightly" });
    const signed = await clerk.m2m.createToken({ machineSecretKey: writer.secretKey, tokenFormat: "jwt" });
    assert.equal((await clerk.m2m.verify({ token: signed.token })).subject, writer.id, "by its signature alone");

    await clerk.m2m.revokeToken({ m2mTokenId: token.id, revocationReason: "over", machineSecretKey: writer.secretKey });
    await assert.rejects(clerk.m2m.verify({ token: token.token, machineSecretKey: reader.secretKey }));
    const { secret } = await clerk.machines.rotateSecretKey({ machineId: writer.id, previousTokenTtl: 0 });
    await assert.rejects(clerk.m2m.createToken({ machineSecretKey: writer.secretKey }));
    await clerk.m2m.createToken({ machineSecretKey: secret });
    await clerk.machines.deleteScope(writer.id, reader.id);
    await clerk.machines.createScope(writer.id, reader.id);
    assert.equal((await clerk.machines.update({ machineId: writer.id, name: "scribe" })).name, "scribe");
    assert.equal((await clerk.machines.getSecretKey(writer.id)).secret, secret);
    assert.equal((await clerk.machines.list()).totalCount, 2);
    await clerk.machines.delete(writer.id);
    await clerk.machines.delete(reader.id);
  });

  test("an API key acts for a user until it is revoked", async () => {
    const { id: subject } = await someone();
    const key = await clerk.apiKeys.create({ name: "deploy", subject, scopes: ["deploy"], claims: { env: "test" } });
    assert.equal((await clerk.apiKeys.verify(key.secret)).subject, subject);
    assert.equal((await clerk.apiKeys.getSecret(key.id)).secret, key.secret);
    const request = new Request("http://127.0.0.1/", { headers: { authorization: `Bearer ${key.secret}` } });
    const state = await clerk.authenticateRequest(request, { acceptsToken: "api_key" });
    assert.equal(state.isAuthenticated, true, state.reason ?? "");
    assert.equal(state.toAuth().userId, subject);
    await clerk.apiKeys.update({ apiKeyId: key.id, subject, description: "to the test stage" });
    assert.equal((await clerk.apiKeys.get(key.id)).description, "to the test stage");
    assert.equal((await clerk.apiKeys.list({ subject })).totalCount, 1);
    assert.equal((await clerk.apiKeys.revoke({ apiKeyId: key.id, revocationReason: "leaked" })).revoked, true);
    await assert.rejects(clerk.apiKeys.verify(key.secret));
    assert.equal((await clerk.apiKeys.delete(key.id)).deleted, true);
  });

  test("an OAuth access token is verified", async () => {
    const { id } = await someone();
    const made = await control(rowlock, "POST", "/oauth_tokens", { user_id: id, scopes: ["profile"] });
    const token = await clerk.idPOAuthAccessToken.verify(made.access_token);
    assert.equal(token.subject, id);
    assert.deepEqual(token.scopes, ["profile"]);
    await assert.rejects(clerk.idPOAuthAccessToken.verify("oat_nobody"));
  });

  test("identifiers stand on lists", async () => {
    const allowed = await clerk.allowlistIdentifiers.createAllowlistIdentifier({
      identifier: address(),
      notify: false,
    });
    const { data } = await clerk.allowlistIdentifiers.getAllowlistIdentifierList();
    assert.deepEqual(
      data.map((one) => one.id),
      [allowed.id],
    );
    await clerk.allowlistIdentifiers.deleteAllowlistIdentifier(allowed.id);
    const blocked = await clerk.blocklistIdentifiers.createBlocklistIdentifier({ identifier: address() });
    assert.equal((await clerk.blocklistIdentifiers.getBlocklistIdentifierList()).totalCount, 1);
    await clerk.blocklistIdentifiers.deleteBlocklistIdentifier(blocked.id);
  });
});

describe("billing", () => {
  test("plans are listed, subscribed to and canceled", async () => {
    const plan = await control(rowlock, "POST", "/billing/plans", { name: "Pro", amount: 2000, free_trial_days: 14 });
    const { data } = await clerk.billing.getPlanList({ payerType: "user" });
    assert.ok(data.some((one) => one.id === plan.id && one.fee.amount === 2000));
    const { id } = await someone();
    const body = { payer_id: id, plan_id: plan.id, free_trial: true };
    const item = await control(rowlock, "POST", "/billing/subscription_items", body);
    const subscription = await clerk.billing.getUserBillingSubscription(id);
    assert.equal(subscription.status, "active");
    assert.equal(subscription.subscriptionItems[0].id, item.id);
    assert.equal(subscription.subscriptionItems[0].plan.slug, "pro");
    const extendTo = new Date(item.period_end + 86_400_000);
    const extended = await clerk.billing.extendSubscriptionItemFreeTrial(item.id, { extendTo });
    assert.equal(extended.periodEnd, extendTo.getTime());
    assert.equal((await clerk.billing.cancelSubscriptionItem(item.id)).status, "canceled");
    const crew = await organization();
    await assert.rejects(clerk.billing.getOrganizationBillingSubscription(crew.id));
  });
});

/** The SDK builds objects of its own classes out of what it recognizes, and hands the rest through as it came. */
function assertIsA(name, object) {
  assert.equal(object?.constructor.name.replace(/^_/, ""), name);
}
