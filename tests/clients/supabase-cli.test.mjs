// The official Supabase command line, unmodified, against `rowlock dev`: what a person with a project types.
//
// It finds the stack by the port in config.toml, as it would find its own. Two commands want to speak to Docker when the address is
// this machine's (`db reset`, `gen types`): they are given the address as a remote one.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { Rowlock } from "./support/rowlock.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const MORE = "alter table public.boats add column flag text;\n";

let project;
let rowlock;
let remote;

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

before(async () => {
  project = await mkdtemp(join(tmpdir(), "rowlock-project-"));
  await chmod(project, 0o755);
  await cp(here("supabase-project"), project, { recursive: true });
  const port = await freePort();
  const config = join(project, "supabase/config.toml");
  await writeFile(config, (await readFile(config, "utf8")).replace("[db]", `[db]\nport = ${port}`));
  rowlock = await Rowlock.dev({ arguments: ["--project", project] });
  assert.equal(new URL(rowlock.ready.database_url).port, String(port));
  // Nobody's loopback by name, and everybody's in fact.
  remote = `--remote=postgres://postgres:postgres@0.0.0.0:${port}/postgres`;
});
afterEach((context) => rowlock?.explain(context));
after(async () => {
  await rowlock?.stop();
  await rm(project, { recursive: true, force: true });
});

/** What `supabase …` prints; a failure is an error that shows it. */
async function supabase(...words) {
  const environment = { ...process.env, SUPABASE_TELEMETRY_DISABLED: "1", NO_COLOR: "1", PGSSLMODE: "disable" };
  const options = { cwd: project, env: environment, timeout: 60_000, maxBuffer: 8 << 20 };
  try {
    return await promisify(execFile)(here("node_modules/.bin/supabase"), words, options);
  } catch (error) {
    throw new Error(`supabase ${words.join(" ")}: ${error.stdout}${error.stderr}`, { cause: error });
  }
}

async function rows(path) {
  const headers = { apikey: rowlock.ready.supabase.secret_key };
  return (await fetch(`${rowlock.api}/rest/v1/${path}`, { headers })).json();
}

test("migration list: what rowlock applied is applied", async () => {
  const { stdout } = await supabase("migration", "list");
  assert.match(stdout, /20260101000000.*\|.*20260101000000/);
});

test("db push applies what is new, and the API shows it at once", async () => {
  // Without a watcher in between: the file appears in a copy that rowlock does not look at.
  const copy = await mkdtemp(join(tmpdir(), "rowlock-project-"));
  await cp(project, copy, { recursive: true });
  await writeFile(join(copy, "supabase/migrations/20260102000000_flags.sql"), MORE);
  const { stdout, stderr } = await supabase("db", "push", "--yes", "--workdir", copy);
  assert.match(stdout + stderr, /20260102000000_flags\.sql/);
  await cp(copy, project, { recursive: true });
  await rm(copy, { recursive: true });
  const deadline = Date.now() + 5000;
  while ((await rows("boats?select=flag")).code && Date.now() < deadline) await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual(await rows("boats?select=id,flag"), [{ id: 1000, flag: null }]);
});

test("db reset begins anew and leaves the mirror alone", async () => {
  const response = await fetch(`${rowlock.api}/rest/v1/boats`, {
    method: "POST",
    headers: { apikey: rowlock.ready.supabase.secret_key, "content-type": "application/json" },
    body: JSON.stringify({ name: "Lost", org_id: "org_x" }),
  });
  assert.equal(response.status, 201, await response.text());
  await supabase("db", "reset", "--yes", remote);
  const deadline = Date.now() + 5000;
  while ((await rows("boats?select=flag")).code && Date.now() < deadline) await new Promise((done) => setTimeout(done, 20));
  assert.deepEqual(await rows("boats?select=name"), [{ name: "Seed" }]);
  const health = await (await fetch(`${rowlock.api}/healthz`)).json();
  assert.equal(health.status, "ok");
});

test("gen types: types that compile, and know the tables", async () => {
  const { stdout } = await supabase("gen", "types", "--lang", "typescript", "--schema", "public,log", remote);
  const directory = await mkdtemp(join(tmpdir(), "rowlock-types-"));
  await writeFile(join(directory, "database.ts"), stdout);
  const use = `import type { Database } from "./database";
    type Boat = Database["public"]["Tables"]["boats"]["Row"];
    export const boat: Boat = { id: 1, name: "Ann", org_id: "o", seats: 1, tags: [], details: {}, at_sea: null, built: null, flag: null };
    export const entry: Database["log"]["Tables"]["entries"]["Insert"] = { said: "x" };
    // @ts-expect-error there is no such column
    export const wrong: Boat = { ...boat, sail: 1 };\n`;
  await writeFile(join(directory, "use.ts"), use);
  const words = [here("node_modules/typescript/bin/tsc"), "--strict", "--noEmit", "--skipLibCheck", join(directory, "use.ts")];
  await promisify(execFile)(process.execPath, words).catch((error) => assert.fail(error.stdout));
  await rm(directory, { recursive: true });
});

test("db advisors finds what is wrong with the project", async () => {
  const { stdout } = await supabase("db", "advisors");
  const findings = JSON.parse(stdout.slice(stdout.indexOf("[")));
  assert.ok(findings.every((finding) => finding.level !== "ERROR"), JSON.stringify(findings.filter((it) => it.level === "ERROR")));
  assert.ok(findings.some((finding) => finding.metadata.schema === "public"), "`auth.jwt()` in a policy is one of its findings");
});

test("db lint checks functions, where Postgres has plpgsql_check", async (context) => {
  const available = await supabase("db", "query", "select name from pg_available_extensions where name = 'plpgsql_check'");
  if (!available.stdout.includes("plpgsql_check")) {
    context.skip("this Postgres has no plpgsql_check: apt-get install postgresql-<version>-plpgsql-check");
    return;
  }
  const { stdout, stderr } = await supabase("db", "lint");
  assert.match(stdout + stderr, /No schema errors found/);
});

for (const what of ["db-stats", "table-stats", "index-stats", "locks", "long-running-queries", "outliers", "calls", "role-stats"]) {
  test(`inspect db ${what}`, async () => {
    await supabase("inspect", "db", what);
  });
}
