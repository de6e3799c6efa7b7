// Clerk's middleware with the one option that the emulator needs: pages reach it through the app itself.
import { clerkMiddleware, createRouteMatcher } from "@clerk/nextjs/server";

const isProtected = createRouteMatcher(["/protected(.*)"]);

export default clerkMiddleware(
  async (auth, request) => {
    if (isProtected(request)) await auth.protect();
  },
  { frontendApiProxy: { enabled: true } },
);

export const config = { matcher: ["/((?!_next|favicon.ico).*)", "/__clerk/(.*)"] };
