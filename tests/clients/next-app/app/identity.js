// What the server knows about whoever asks.
import { auth, currentUser } from "@clerk/nextjs/server";

export async function identity() {
  const { userId, sessionId, orgId, orgSlug, orgRole, sessionClaims, has } = await auth();
  const user = userId ? await currentUser() : null;
  return {
    userId,
    sessionId,
    orgId: orgId ?? null,
    orgSlug: orgSlug ?? null,
    orgRole: orgRole ?? null,
    firstName: user?.firstName ?? null,
    email: user?.primaryEmailAddress?.emailAddress ?? null,
    mayCreatePosts: has({ permission: "org:posts:create" }),
    mayDeletePosts: has({ permission: "org:posts:delete" }),
    claimsVersion: sessionClaims?.v ?? null,
    issuedAt: sessionClaims?.iat ?? null,
  };
}
