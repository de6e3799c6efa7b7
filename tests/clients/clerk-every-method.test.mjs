// Every method of every resource that the emulated Backend API has, called through Clerk's own server SDK, unmodified.
//
// The list is not ours: it is what the SDK's objects can do. A method that a new release brings fails this file until it is
// called here or stands among those that the emulator answers with 501.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { createClerkClient } from "@clerk/backend";
import { isClerkAPIResponseError } from "@clerk/shared/error";

import { control } from "./support/emulator.mjs";
import { Rowlock } from "./support/rowlock.mjs";

/** Resources that need somebody else's server: every method says so, and names the operation. */
const NOT_EMULATED = {
  betaFeatures: ["changeDomain"],
  domains: ["add", "update", "delete", "deleteDomain"],
  emails: ["create", "createBatch", "get"],
  enterpriseConnections: "*",
  proxyChecks: "*",
  samlConnections: "*",
  webhooks: "*",
};
/** Not resources: how a request is made, and Clerk's own service for applications without an account. */
const NO_RESOURCES = ["telemetry", "__experimental_accountlessApplications"];
const NO_METHODS = ["constructor", "request", "requireId"];

let rowlock;
let clerk;
const called = new Set();
before(async () => {
  rowlock = await Rowlock.clerk();
  const { api_url: apiUrl, secret_key: secretKey, publishable_key: publishableKey } = rowlock.clerk;
  clerk = watched(createClerkClient({ apiUrl, secretKey, publishableKey, telemetry: { disabled: true } }));
});
afterEach((context) => rowlock?.explain(context));
after(() => rowlock?.stop());

/** The client, taking note of what is called. */
function watched(client) {
  const resource = (name) => (target, method) => {
    const value = target[method];
    if (typeof value !== "function") return value;
    return (...words) => {
      called.add(`${name}.${String(method)}`);
      return value.apply(target, words);
    };
  };
  return new Proxy(client, {
    get: (target, name) => {
      const value = target[name];
      if (value === null || typeof value !== "object") return value;
      return new Proxy(value, { get: resource(name) });
    },
  });
}

/** `resource.method` of everything that the SDK can do. */
function everything(client) {
  const all = [];
  const resources = Object.keys(client).filter((name) => typeof client[name] === "object");
  for (const name of resources.filter((name) => !NO_RESOURCES.includes(name))) {
    const methods = new Set();
    for (let of = client[name]; of && of !== Object.prototype; of = Object.getPrototypeOf(of)) {
      const descriptors = Object.entries(Object.getOwnPropertyDescriptors(of));
      for (const [method, { value }] of descriptors) if (typeof value === "function") methods.add(method);
    }
    for (const method of methods) if (!NO_METHODS.includes(method)) all.push(`${name}.${method}`);
  }
  return all;
}

let count = 0;
const next = () => (count += 1);
const address = () => `method-${next()}+clerk_test@rowlock.test`;
const someone = (more = {}) =>
  clerk.users.createUser({ emailAddress: [address()], password: "correct horse", ...more });
const PNG = new Blob([Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0])], { type: "image/png" });

/** The code of Clerk's refusal. */
async function refused(promise) {
  let code;
  await assert.rejects(promise, (error) => {
    assert.ok(isClerkAPIResponseError(error), String(error));
    code = `${error.status} ${error.errors[0].code}`;
    return true;
  });
  return code;
}

test("users", async () => {
  const { users } = clerk;
  const user = await someone({ totpSecret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", backupCodes: ["one", "two"] });
  const { id } = user;
  assert.ok(user.totpEnabled && user.backupCodeEnabled && user.twoFactorEnabled);
  assert.equal((await users.getUser(id)).id, id);
  assert.equal((await users.getUserList({ userId: [id] })).totalCount, 1);
  assert.ok((await users.getCount()) > 0);
  assert.equal((await users.updateUser(id, { firstName: "Grace" })).firstName, "Grace");
  assert.deepEqual((await users.updateUserMetadata(id, { publicMetadata: { a: 1 } })).publicMetadata, { a: 1 });
  assert.deepEqual((await users.replaceUserMetadata(id, { publicMetadata: { b: 2 } })).publicMetadata, { b: 2 });
  await users.replaceUserEmailAddress(id, { emailAddress: address() });
  await users.replaceUserPhoneNumber(id, { phoneNumber: "+12015550111" });
  assert.equal((await users.updateUserProfileImage(id, { file: PNG })).hasImage, true);
  const { imageUrl } = await users.getUser(id);
  assert.equal((await fetch(imageUrl)).headers.get("content-type"), "image/png");
  assert.equal((await users.deleteUserProfileImage(id)).hasImage, false);
  assert.equal((await users.verifyPassword({ userId: id, password: "correct horse" })).verified, true);
  assert.equal(await refused(users.verifyPassword({ userId: id, password: "wrong" })), "422 incorrect_password");
  assert.deepEqual(await users.verifyTOTP({ userId: id, code: "one" }), { verified: true, code_type: "backup_code" });
  await users.deleteUserBackupCodes(id);
  await users.deleteUserTOTP(id);
  assert.equal(await refused(users.verifyTOTP({ userId: id, code: "two" })), "400 totp_disabled");
  await users.disableUserMFA(id);
  assert.equal((await users.getUser(id)).twoFactorEnabled, false);
  await users.setPasswordCompromised(id, { revokeAllSessions: true });
  await users.unsetPasswordCompromised(id);
  await users.removePassword(id);
  assert.equal((await users.banUser(id)).banned, true);
  assert.equal((await users.unbanUser(id)).banned, false);
  assert.equal((await users.lockUser(id)).locked, true);
  assert.equal((await users.unlockUser(id)).locked, false);
  assert.equal((await users.getOrganizationMembershipList({ userId: id })).totalCount, 0);
  assert.equal((await users.getOrganizationInvitationList({ userId: id })).totalCount, 0);
  // Nobody here has any of these.
  assert.equal(await refused(users.getUserOauthAccessToken(id, "google")), "404 oauth_token_provider_not_enabled");
  const of = (identificationId) => ({ userId: id, ...identificationId });
  const passkey = users.deleteUserPasskey(of({ passkeyIdentificationId: "idn_x" }));
  assert.equal(await refused(passkey), "404 passkey_not_registered");
  const wallet = users.deleteUserWeb3Wallet(of({ web3WalletIdentificationId: "idn_x" }));
  assert.equal(await refused(wallet), "404 resource_not_found");
  const account = users.deleteUserExternalAccount(of({ externalAccountId: "eac_x" }));
  assert.equal(await refused(account), "404 external_account_not_found");
  assert.equal((await users.deleteUser(id)).deleted, true);
});

test("e-mail addresses and phone numbers", async () => {
  const { id: userId } = await someone();
  const email = await clerk.emailAddresses.createEmailAddress({ userId, emailAddress: address(), verified: true });
  assert.equal((await clerk.emailAddresses.getEmailAddress(email.id)).emailAddress, email.emailAddress);
  await clerk.emailAddresses.updateEmailAddress(email.id, { primary: true });
  await clerk.emailAddresses.deleteEmailAddress(email.id);
  const phone = await clerk.phoneNumbers.createPhoneNumber({ userId, phoneNumber: "+12015550112", verified: true });
  assert.equal((await clerk.phoneNumbers.getPhoneNumber(phone.id)).phoneNumber, "+12015550112");
  await clerk.phoneNumbers.updatePhoneNumber(phone.id, { primary: true });
  await clerk.phoneNumbers.deletePhoneNumber(phone.id);
});

test("organizations, memberships, invitations and domains", async () => {
  const { organizations } = clerk;
  const owner = await someone();
  const made = await organizations.createOrganization({ name: `Crew ${next()}`, createdBy: owner.id });
  const organizationId = made.id;
  assert.equal((await organizations.getOrganization({ organizationId })).id, organizationId);
  assert.ok((await organizations.getOrganizationList()).totalCount > 0);
  await organizations.updateOrganization(organizationId, { name: "Watch" });
  const logo = { file: PNG, uploaderUserId: owner.id };
  assert.equal((await organizations.updateOrganizationLogo(organizationId, logo)).hasImage, true);
  assert.equal((await organizations.deleteOrganizationLogo(organizationId)).hasImage, false);
  await organizations.updateOrganizationMetadata(organizationId, { publicMetadata: { a: 1 } });
  await organizations.replaceOrganizationMetadata(organizationId, { publicMetadata: {} });
  const { id: userId } = await someone();
  const membership = { organizationId, userId };
  await organizations.createOrganizationMembership({ ...membership, role: "org:member" });
  await organizations.updateOrganizationMembership({ ...membership, role: "org:admin" });
  await organizations.updateOrganizationMembershipMetadata({ ...membership, publicMetadata: { seat: 2 } });
  assert.equal((await organizations.getOrganizationMembershipList({ organizationId })).totalCount, 2);
  assert.ok((await organizations.getInstanceOrganizationMembershipList({})).totalCount >= 2);
  await organizations.deleteOrganizationMembership(membership);
  const invite = () => ({ emailAddress: address(), role: "org:member", inviterUserId: owner.id });
  const { id: invitationId } = await organizations.createOrganizationInvitation({ organizationId, ...invite() });
  await organizations.createOrganizationInvitationBulk(organizationId, [invite(), invite()]);
  assert.equal((await organizations.getOrganizationInvitationList({ organizationId })).totalCount, 3);
  const invitation = { organizationId, invitationId };
  assert.equal((await organizations.getOrganizationInvitation(invitation)).status, "pending");
  await organizations.revokeOrganizationInvitation({ ...invitation, requestingUserId: owner.id });
  const name = `crew-${next()}.example`;
  const domain = { organizationId, name, enrollmentMode: "manual_invitation", verified: false };
  const { id: domainId } = await organizations.createOrganizationDomain(domain);
  await organizations.updateOrganizationDomain({ organizationId, domainId, verified: true });
  assert.equal((await organizations.getOrganizationDomainList({ organizationId })).totalCount, 1);
  await organizations.deleteOrganizationDomain({ organizationId, domainId });
  assert.equal((await organizations.deleteOrganization(organizationId)).deleted, true);
});

test("roles, permissions and role sets", async () => {
  const { organizationPermissions: permissions, organizationRoles: roles, roleSets } = clerk;
  const tag = next();
  const permissionKey = `org:boat_${tag}:row`;
  const permission = await permissions.createOrganizationPermission({ name: "Row", key: permissionKey, description: "" });
  const permissionId = permission.id;
  await permissions.getOrganizationPermission(permissionId);
  await permissions.updateOrganizationPermission({ permissionId, name: "Steer" });
  assert.ok((await permissions.getOrganizationPermissionList()).totalCount > 0);
  const role = await roles.createOrganizationRole({ name: "Cox", key: `org:cox_${tag}` });
  const organizationRoleId = role.id;
  await roles.getOrganizationRole(organizationRoleId);
  await roles.updateOrganizationRole({ organizationRoleId, name: "Coxswain" });
  await roles.assignPermissionToOrganizationRole({ organizationRoleId, permissionId });
  await roles.removePermissionFromOrganizationRole({ organizationRoleId, permissionId });
  assert.ok((await roles.getOrganizationRoleList()).totalCount > 2);

  const set = (key, names) => ({
    name: key,
    key: `role_set:${key}_${tag}`,
    roles: names,
    defaultRoleKey: "org:member",
    creatorRoleKey: "org:admin",
    type: "custom",
  });
  const small = await roleSets.createRoleSet(set("small", ["org:admin", "org:member"]));
  const other = await roleSets.createRoleSet(set("other", ["org:admin", "org:member"]));
  const key = small.key;
  assert.equal((await roleSets.getRoleSet(small.id)).key, key);
  await roleSets.updateRoleSet({ roleSetKeyOrId: key, name: "Smaller" });
  await roleSets.addRolesToRoleSet({ roleSetKeyOrId: key, roleKeys: [role.key] });
  const replacement = { roleSetKeyOrId: key, roleKey: role.key, toRoleKey: "org:member" };
  await roleSets.replaceRoleInRoleSet(replacement);
  assert.ok((await roleSets.getRoleSetList()).totalCount >= 3);
  await roleSets.replaceRoleSet({ roleSetKeyOrId: key, destRoleSetKey: other.key });
  await roles.deleteOrganizationRole(organizationRoleId);
  await permissions.deleteOrganizationPermission(permissionId);
});

test("sessions, tokens and everything that becomes one", async () => {
  const { sessions } = clerk;
  const { id: userId } = await someone();
  const session = await sessions.createSession({ userId });
  assert.equal((await sessions.getSession(session.id)).status, "active");
  assert.equal((await sessions.getSessionList({ userId })).totalCount, 1);
  const claims = { mail: "{{user.primary_email_address}}" };
  const template = await clerk.jwtTemplates.create({ name: `t${next()}`, claims });
  const { jwt } = await sessions.getToken(session.id);
  assert.equal((await sessions.verifySession(session.id, jwt)).id, session.id);
  const { jwt: custom } = await sessions.getToken(session.id, template.name);
  assert.equal(await refused(sessions.verifySession(session.id, custom)), "401 authentication_invalid");
  const refresh = { expired_token: jwt, refresh_token: "rt_x", request_origin: "http://localhost" };
  assert.equal(await refused(sessions.refreshSession(session.id, refresh)), "401 refresh_token_not_found");
  assert.equal((await sessions.revokeSession(session.id)).status, "revoked");
  assert.equal((await clerk.jwtTemplates.get(template.id)).name, template.name);
  const changed = { name: template.name, claims: { plan: "pro" }, lifetime: 90 };
  await clerk.jwtTemplates.update({ templateId: template.id, ...changed });
  assert.equal((await clerk.jwtTemplates.list()).totalCount, 1);
  await clerk.jwtTemplates.delete(template.id);

  const ticket = await clerk.signInTokens.createSignInToken({ userId, expiresInSeconds: 60 });
  assert.equal((await clerk.signInTokens.revokeSignInToken(ticket.id)).status, "revoked");
  const acting = await clerk.actorTokens.create({ userId, actor: { sub: "user_support" }, expiresInSeconds: 60 });
  assert.equal((await clerk.actorTokens.revoke(acting.id)).status, "revoked");
  assert.ok((await clerk.testingTokens.createTestingToken()).token);
  const task = await clerk.agentTasks.create({
    onBehalfOf: { userId },
    permissions: "*",
    agentName: "tester",
    taskDescription: "looks around",
    redirectUrl: "http://localhost:3000/",
  });
  assert.ok(task.url.includes("ticket="));
  await clerk.agentTasks.revoke(task.agentTaskId);
  assert.equal((await clerk.jwks.getJwks()).keys.length, 1);
});

test("machines and their tokens", async () => {
  const { machines } = clerk;
  const [one, other] = [await machines.create({ name: "one" }), await machines.create({ name: "other" })];
  await machines.update({ machineId: one.id, name: "first" });
  assert.equal((await machines.get(one.id)).name, "first");
  assert.equal((await machines.list()).totalCount, 2);
  await machines.createScope(one.id, other.id);
  const { secret: machineSecretKey } = await machines.getSecretKey(one.id);
  const token = await clerk.m2m.createToken({ machineSecretKey, secondsUntilExpiration: 60 });
  const { secret: otherKey } = await machines.getSecretKey(other.id);
  assert.equal((await clerk.m2m.verify({ token: token.token, machineSecretKey: otherKey })).id, token.id);
  assert.equal((await clerk.m2m.list({ machineSecretKey, subject: one.id })).totalCount, 1);
  assert.equal((await clerk.m2m.revokeToken({ m2mTokenId: token.id, machineSecretKey })).revoked, true);
  await machines.deleteScope(one.id, other.id);
  await machines.rotateSecretKey({ machineId: one.id, previousTokenTtl: 0 });
  await machines.delete(other.id);
});

test("API keys", async () => {
  const { id: subject } = await someone();
  const key = await clerk.apiKeys.create({ subject, name: "deploy" });
  assert.equal((await clerk.apiKeys.get(key.id)).name, "deploy");
  assert.equal((await clerk.apiKeys.getSecret(key.id)).secret, key.secret);
  assert.equal((await clerk.apiKeys.verify(key.secret)).subject, subject);
  await clerk.apiKeys.update({ apiKeyId: key.id, subject, description: "to the test stage" });
  assert.equal((await clerk.apiKeys.list({ subject })).totalCount, 1);
  await clerk.apiKeys.revoke({ apiKeyId: key.id });
  await clerk.apiKeys.delete(key.id);
});

test("OAuth applications and their access tokens", async () => {
  const { oauthApplications: applications } = clerk;
  const redirectUris = ["https://app.example/callback"];
  const made = await applications.create({ name: "Calendar", redirectUris, scopes: "profile email" });
  assert.equal(made.clientSecret.length, 32);
  const oauthApplicationId = made.id;
  const shown = await applications.get(oauthApplicationId);
  assert.deepEqual([shown.name, shown.redirectUris, shown.clientSecret], ["Calendar", redirectUris, undefined]);
  assert.equal((await applications.update({ oauthApplicationId, name: "Diary" })).name, "Diary");
  assert.notEqual((await applications.rotateSecret(oauthApplicationId)).clientSecret, made.clientSecret);
  assert.equal((await applications.list({ nameQuery: "diary" })).totalCount, 1);

  const { id } = await someone();
  const body = { user_id: id, client_id: made.clientId, scopes: ["profile"] };
  const { access_token: token } = await control(rowlock, "POST", "/oauth_tokens", body);
  assert.equal((await clerk.idPOAuthAccessToken.verify(token)).subject, id);
  await applications.revokeToken({ oauthApplicationId, token });
  await assert.rejects(clerk.idPOAuthAccessToken.verify(token));
  assert.equal((await applications.delete(oauthApplicationId)).deleted, true);
});

test("who may come in", async () => {
  const { allowlistIdentifiers: allowed, blocklistIdentifiers: blocked } = clerk;
  const { invitations, waitlistEntries: waitlist } = clerk;
  const { id } = await allowed.createAllowlistIdentifier({ identifier: address(), notify: false });
  assert.equal((await allowed.getAllowlistIdentifierList()).totalCount, 1);
  await allowed.deleteAllowlistIdentifier(id);
  const block = await blocked.createBlocklistIdentifier({ identifier: address() });
  assert.equal((await blocked.getBlocklistIdentifierList()).totalCount, 1);
  await blocked.deleteBlocklistIdentifier(block.id);

  const invitation = await invitations.createInvitation({ emailAddress: address() });
  const bulk = await invitations.createInvitationBulk([{ emailAddress: address() }]);
  assert.equal((await invitations.getInvitationList()).totalCount, 2);
  assert.equal((await invitations.revokeInvitation(invitation.id)).status, "revoked");
  assert.equal((await invitations.deleteInvitation((bulk.data ?? bulk)[0].id)).deleted, true);

  const one = await waitlist.create({ emailAddress: address() });
  const other = await waitlist.create({ emailAddress: address() });
  await waitlist.createBulk([{ emailAddress: address() }]);
  assert.equal((await waitlist.list()).totalCount, 3);
  assert.equal((await waitlist.invite(one.id)).status, "invited");
  assert.equal((await waitlist.reject(one.id)).status, "rejected");
  assert.equal((await waitlist.delete(other.id)).deleted, true);
});

test("the instance and what it is set to", async () => {
  const { instance } = clerk;
  assert.equal((await instance.get()).environmentType, "development");
  await instance.update({ supportEmail: "help@rowlock.test", allowedOrigins: ["http://localhost:3000"] });
  assert.deepEqual((await instance.get()).allowedOrigins, ["http://localhost:3000"]);
  assert.equal((await instance.updateRestrictions({ blocklist: true })).blocklist, true);
  assert.equal((await instance.updateRestrictions({ blocklist: false })).blocklist, false);
  assert.equal((await instance.getOrganizationSettings()).enabled, true);
  const limited = await instance.updateOrganizationSettings({ maxAllowedMemberships: 7 });
  assert.equal(limited.maxAllowedMemberships, 7);
  const made = await clerk.organizations.createOrganization({ name: `Seven ${next()}` });
  assert.equal(made.maxAllowedMemberships, 7);
  await instance.updateOrganizationSettings({ maxAllowedMemberships: 0 });
  assert.equal((await clerk.domains.list()).totalCount, 1);
  const url = await clerk.redirectUrls.createRedirectUrl({ url: "myapp://callback" });
  assert.equal((await clerk.redirectUrls.getRedirectUrl(url.id)).url, "myapp://callback");
  assert.equal((await clerk.redirectUrls.getRedirectUrlList()).totalCount, 1);
  await clerk.redirectUrls.deleteRedirectUrl(url.id);
});

test("billing", async () => {
  const plan = await control(rowlock, "POST", "/billing/plans", { name: "Pro", amount: 2000, free_trial_days: 14 });
  assert.ok((await clerk.billing.getPlanList()).totalCount > 0);
  const { id } = await someone();
  const body = { payer_id: id, plan_id: plan.id, free_trial: true };
  const item = await control(rowlock, "POST", "/billing/subscription_items", body);
  assert.equal((await clerk.billing.getUserBillingSubscription(id)).status, "active");
  const extendTo = new Date(item.period_end + 86_400_000);
  await clerk.billing.extendSubscriptionItemFreeTrial(item.id, { extendTo });
  assert.equal((await clerk.billing.cancelSubscriptionItem(item.id)).status, "canceled");
  const { id: crew } = await clerk.organizations.createOrganization({ name: `Payers ${next()}` });
  assert.equal(await refused(clerk.billing.getOrganizationBillingSubscription(crew)), "404 subscription_not_found");
});

test("browsers and what is under way in them", async () => {
  const page = (path, form) => {
    const headers = { origin: "http://localhost:3000", "content-type": "application/x-www-form-urlencoded" };
    const url = `${rowlock.clerk.api_url}${path}?_clerk_js_version=6`;
    return fetch(url, { method: "POST", headers, body: new URLSearchParams(form) });
  };
  const begun = await page("/v1/client/sign_ups", { email_address: address() });
  const cookie = begun.headers.getSetCookie().find((text) => text.startsWith("__client_"));
  const signUp = (await begun.json()).response;
  assert.equal((await clerk.signUps.get(signUp.id)).status, "missing_requirements");
  const updated = await clerk.signUps.update({ signUpAttemptId: signUp.id, externalId: "elsewhere-1" });
  assert.equal(updated.externalId, "elsewhere-1");
  const client = await clerk.clients.verifyClient(cookie.split(";")[0].split("=").slice(1).join("="));
  assert.equal(client.signUpId, signUp.id);
  assert.equal((await clerk.clients.getClient(client.id)).id, client.id);
  assert.equal((await clerk.clients.getClientList()).totalCount, 1);
  await assert.rejects(clerk.clients.getHandshakePayload({ nonce: "nobody's" }));
});

test("what is not emulated says so and names the operation", async () => {
  const email = { to: { userId: "user_x" }, subject: "s", text: "t" };
  const words = {
    "domains.add": [{ name: "app.example", is_satellite: true }],
    "domains.update": [{ domainId: "dmn_x", name: "app.example" }],
    "emails.create": [email],
    "emails.createBatch": [[email]],
    "samlConnections.updateSamlConnection": ["samlc_x", {}],
    "enterpriseConnections.updateEnterpriseConnection": ["entconn_x", {}],
  };
  const kinds = everything(clerk).filter((name) => {
    const [resource, method] = name.split(".");
    const those = NOT_EMULATED[resource];
    return those === "*" || those?.includes(method);
  });
  assert.ok(kinds.length > 20, kinds.join());
  for (const name of kinds) {
    const [resource, method] = name.split(".");
    const single = /^(get|delete)/.test(method) && !/List$/.test(method);
    const call = () => clerk[resource][method](...(words[name] ?? [single ? "x_1" : {}]));
    await assert.rejects(call, (error) => {
      assert.ok(isClerkAPIResponseError(error), `${name}: ${error}`);
      assert.equal(`${error.status} ${error.errors[0].code}`, "501 not_emulated", name);
      assert.match(error.errors[0].longMessage, /^\w+ \((GET|POST|PUT|PATCH|DELETE) \/v1\//, name);
      return true;
    });
  }
});

test("no method was left out", () => {
  const left = everything(clerk).filter((name) => !called.has(name));
  assert.deepEqual(left, []);
  assert.ok(called.size > 150, `${called.size} methods`);
});
