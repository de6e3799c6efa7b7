// The emulator's control API: what Clerk's dashboard is for, and what no Clerk API offers.

import assert from "node:assert/strict";

/**
 * Registers a webhook endpoint for all events.
 *
 * @returns {Promise<string>} its signing secret
 */
export async function registerEndpoint(rowlock, url) {
  const endpoint = await control(rowlock, "POST", "/endpoints", { url });
  assert.match(endpoint.secret, /^whsec_/);
  return endpoint.secret;
}

/** Asks the control API, and answers with what it says. */
export async function control(rowlock, method, path, body) {
  const response = await fetch(`${rowlock.clerk.api_url}/__rowlock${path}`, {
    method,
    headers: { authorization: `Bearer ${rowlock.clerk.secret_key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} /__rowlock${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}
