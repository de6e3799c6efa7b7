// Clerk's own verifier on one token, for as long as it is told on standard input.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { json } from "node:stream/consumers";

const require = createRequire(new URL("../../tests/clients/package.json", import.meta.url));
const { verifyToken } = require("@clerk/backend");

/** Node checks signatures on threads of its own. One request at a time would wait for them; a busy server does not. */
const IN_FLIGHT = 16;

const { token, jwtKey, authorizedParties, warmUpSeconds, seconds } = await json(process.stdin);

async function verifyFor(seconds) {
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  let verifications = 0;
  const verifyOneAfterTheOther = async () => {
    while (elapsed() < seconds) {
      const claims = await verifyToken(token, { jwtKey, authorizedParties });
      assert.match(claims.sub, /^user_/);
      verifications += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, verifyOneAfterTheOther));
  return { verifications, seconds: elapsed() };
}

await verifyFor(warmUpSeconds);
console.log(JSON.stringify(await verifyFor(seconds)));
