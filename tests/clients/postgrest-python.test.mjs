// The Python client of PostgREST, unmodified, with a Clerk token against the real binary. The queries are in python/client.py.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { Rowlock } from "./support/rowlock.mjs";
import { clerkOf, member } from "./support/sessions.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const PYTHON = here("python/.venv/bin/python");

test("postgrest-py", async () => {
  assert.ok(existsSync(PYTHON), "`cargo x setup` makes the environment with the client");
  const rowlock = await Rowlock.dev({ arguments: ["--project", here("supabase-project")] });
  try {
    const { userId, organizationId, getToken } = await member(clerkOf(rowlock), "ada");
    const given = {
      api: rowlock.api,
      publishable_key: rowlock.ready.supabase.publishable_key,
      token: await getToken(),
      user_id: userId,
      organization_id: organizationId,
    };
    const child = spawn(PYTHON, [here("python/client.py")]);
    child.stdin.end(JSON.stringify(given));
    let [out, errors] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
    const [code] = await once(child, "close");
    assert.equal(code, 0, errors);
    assert.ok(Number(out) > 40, `only ${out} queries were made`);
  } finally {
    await rowlock.stop();
  }
});
