// People of the emulated Clerk, signed in, with an organization or without.

import { createClerkClient } from "@clerk/backend";

/** Clerk's own SDK, pointed at the emulator. */
export function clerkOf(rowlock) {
  return createClerkClient({
    apiUrl: rowlock.clerk.api_url,
    secretKey: rowlock.clerk.secret_key,
    publishableKey: rowlock.clerk.publishable_key,
    telemetry: { disabled: true },
  });
}

let count = 0;

/**
 * A new user who is signed in, in a new organization.
 *
 * @returns {Promise<{ userId: string, organizationId: string, getToken: () => Promise<string> }>}
 */
export async function member(clerk, name) {
  count += 1;
  const user = await clerk.users.createUser({ emailAddress: [`${name}-${count}@rowlock.test`], firstName: name });
  const organization = await clerk.organizations.createOrganization({ name: `${name}'s`, createdBy: user.id });
  const session = await clerk.sessions.createSession({ userId: user.id, activeOrganizationId: organization.id });
  const getToken = async () => (await clerk.sessions.getToken(session.id)).jwt;
  return { userId: user.id, organizationId: organization.id, getToken };
}
