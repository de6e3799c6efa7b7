// supabase-js, unmodified, with Clerk's tokens against the real binary: `createClient(url, key, { accessToken })`.
//
// The project is a `supabase/` folder as people have one. Ada and Bob are in two organizations. Every method that postgrest-js
// gives to queries is called at least once: the last test counts, so a method that a new version brings is noticed.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { PostgrestBuilder, PostgrestClient } from "@supabase/postgrest-js";
import { createClient } from "@supabase/supabase-js";

import { Rowlock } from "./support/rowlock.mjs";
import { clerkOf, member } from "./support/sessions.mjs";

/** Realtime is not tested here, and Node 20 has no WebSocket of its own. */
class NoSocket {
  constructor() {
    throw new Error("nothing here opens a socket");
  }
}

const called = new Set();
const methods = new Set();

/** Notes every call of a method on this prototype and those below it. */
function listen(prototype) {
  for (; prototype && prototype !== Object.prototype; prototype = Object.getPrototypeOf(prototype)) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const method = prototype[name];
      if (name === "constructor" || name.startsWith("_") || typeof method !== "function" || method.listened) continue;
      methods.add(name);
      prototype[name] = function (...words) {
        called.add(name);
        return method.apply(this, words);
      };
      prototype[name].listened = true;
    }
  }
}

let rowlock;
let ada;
let bob;
let nobody;
let server;

before(async () => {
  const project = fileURLToPath(new URL("supabase-project", import.meta.url));
  rowlock = await Rowlock.dev({ arguments: ["--project", project] });
  assert.equal(rowlock.ready.project.failure, null);
  const clerk = clerkOf(rowlock);
  const { publishable_key, secret_key } = rowlock.ready.supabase;
  const realtime = { transport: NoSocket };
  const client = (key, more) => createClient(rowlock.api, key, { realtime, ...more });
  [ada, bob] = await Promise.all(["ada", "bob"].map(async (name) => {
    const who = await member(clerk, name);
    return { ...who, db: client(publishable_key, { accessToken: who.getToken }) };
  }));
  nobody = client(publishable_key, { accessToken: async () => null });
  server = client(secret_key);
  const query = new PostgrestClient(rowlock.api).from("boats");
  for (const object of [new PostgrestClient(rowlock.api), query, query.select()]) listen(Object.getPrototypeOf(object));
  assert.ok(query.select() instanceof PostgrestBuilder);
});
afterEach((context) => rowlock?.explain(context));
after(() => rowlock?.stop());

/** What a query gave, which must not have failed. */
async function ok(query) {
  const { data, error, status } = await query;
  assert.equal(error, null, `${status} ${JSON.stringify(error)}`);
  return data;
}

/** Ada's fleet, made anew. */
async function fleet() {
  await ok(ada.db.from("boats").delete().gte("id", 0));
  return ok(ada.db.from("boats").insert([
    { id: 1, name: "Ann", seats: 1, tags: ["racing"], details: { oars: { left: 1 } }, built: "2001-05-01" },
    { id: 2, name: "Bess", seats: 2, tags: ["racing", "wood"], at_sea: "[2026-01-01,2026-02-01)" },
    { id: 4, name: "Cleo", seats: 4, tags: ["wood"], at_sea: "[2026-03-01,2026-04-01)" },
    { id: 8, name: "Dora", seats: 8 },
  ], { defaultToNull: false }).select("id"));
}

const ids = (rows) => rows.map((row) => row.id).join(",");

describe("with a Clerk token", () => {
  before(fleet);

  test("rows are written with the caller's organization, and others do not see them", async () => {
    const mine = await ok(ada.db.from("boats").select("org_id").limit(1).single());
    assert.equal(mine.org_id, ada.organizationId);
    assert.deepEqual(await ok(bob.db.from("boats").select()), []);
    assert.deepEqual(await ok(bob.db.from("boats").update({ seats: 3 }).eq("id", 1).select()), []);
    assert.deepEqual(await ok(bob.db.from("boats").delete().eq("id", 1).select()), []);
    const { error, status } = await bob.db.from("boats").insert({ name: "Eve", org_id: ada.organizationId });
    assert.deepEqual([status, error.code], [403, "42501"]);
    assert.equal(await ok(bob.db.rpc("seats_of", { boat_ids: [1, 2] })), null);
  });

  test("nobody gets an empty answer that says why; a server sees everything; a user beside a secret key sees their own", async () => {
    const response = await fetch(`${rowlock.api}/rest/v1/boats`, { headers: { apikey: rowlock.ready.supabase.publishable_key } });
    assert.equal(await response.text(), "[]");
    assert.equal(response.headers.get("x-rowlock-anonymous"), "only a publishable key was sent, and no token");
    assert.deepEqual(await ok(nobody.from("boats").select()), []);
    assert.equal(ids(await ok(server.from("boats").select("id").order("id"))), "1,2,4,8,1000");
    const beside = createClient(rowlock.api, rowlock.ready.supabase.secret_key, { realtime: { transport: NoSocket }, accessToken: bob.getToken });
    assert.deepEqual(await ok(beside.from("boats").select()), []);
  });

  test("the caller's rows in the mirror are there with the first request", async () => {
    const { count } = await server.schema("log").from("entries").select("*", { count: "exact", head: true });
    assert.equal(count, 0);
    await ok(bob.db.schema("log").from("entries").insert({ said: "first" }));
    const [entry] = await ok(server.schema("log").from("entries").select());
    assert.equal(entry.user_id, bob.userId);
    assert.deepEqual(await ok(ada.db.schema("log").from("entries").select()), []);
  });

  test("legacy keys work as they do on Supabase", async () => {
    const { anon_key, service_role_key } = rowlock.ready.supabase;
    const legacy = (key) => createClient(rowlock.api, key, { realtime: { transport: NoSocket }, auth: { persistSession: false } });
    assert.deepEqual(await ok(legacy(anon_key).from("boats").select()), []);
    assert.equal((await ok(legacy(service_role_key).from("boats").select("id"))).length, 5);
  });
});

describe("filters", () => {
  before(fleet);
  const cases = {
    eq: [(q) => q.eq("name", "Ann"), "1"],
    neq: [(q) => q.neq("name", "Ann"), "2,4,8"],
    gt: [(q) => q.gt("seats", 2), "4,8"],
    gte: [(q) => q.gte("seats", 2), "2,4,8"],
    lt: [(q) => q.lt("seats", 2), "1"],
    lte: [(q) => q.lte("seats", 2), "1,2"],
    like: [(q) => q.like("name", "%e%"), "2,4"],
    likeAllOf: [(q) => q.likeAllOf("name", ["%e%", "C%"]), "4"],
    likeAnyOf: [(q) => q.likeAnyOf("name", ["A%", "C%"]), "1,4"],
    ilike: [(q) => q.ilike("name", "a%"), "1"],
    ilikeAllOf: [(q) => q.ilikeAllOf("name", ["%E%", "c%"]), "4"],
    ilikeAnyOf: [(q) => q.ilikeAnyOf("name", ["a%", "c%"]), "1,4"],
    regexMatch: [(q) => q.regexMatch("name", "^[AB]"), "1,2"],
    regexIMatch: [(q) => q.regexIMatch("name", "^[ab]"), "1,2"],
    is: [(q) => q.is("at_sea", null), "1,8"],
    isDistinct: [(q) => q.isDistinct("built", "2001-05-01"), "2,4,8"],
    in: [(q) => q.in("name", ["Ann", 'of "quotes", and commas']), "1"],
    notIn: [(q) => q.notIn("id", [1, 2]), "4,8"],
    contains: [(q) => q.contains("tags", ["racing"]), "1,2"],
    "contains, of JSON": [(q) => q.contains("details", { oars: { left: 1 } }), "1"],
    containedBy: [(q) => q.containedBy("tags", ["wood"]), "4,8"],
    overlaps: [(q) => q.overlaps("tags", ["wood", "steel"]), "2,4"],
    rangeGt: [(q) => q.rangeGt("at_sea", "[2026-01-15,2026-02-15)"), "4"],
    rangeGte: [(q) => q.rangeGte("at_sea", "[2026-02-15,2026-02-16)"), "4"],
    rangeLt: [(q) => q.rangeLt("at_sea", "[2026-02-15,2026-02-16)"), "2"],
    rangeLte: [(q) => q.rangeLte("at_sea", "[2026-02-15,2026-02-16)"), "2"],
    rangeAdjacent: [(q) => q.rangeAdjacent("at_sea", "[2026-02-01,2026-02-02)"), "2"],
    textSearch: [(q) => q.textSearch("name", "bess or dora", { type: "websearch", config: "simple" }), "2,8"],
    match: [(q) => q.match({ seats: 2, name: "Bess" }), "2"],
    not: [(q) => q.not("tags", "cs", "{wood}"), "1,8"],
    or: [(q) => q.or("seats.eq.1,and(seats.gt.2,name.like.C*)"), "1,4"],
    filter: [(q) => q.filter("details->oars->>left", "eq", "1"), "1"],
  };
  for (const [name, [narrow, expected]] of Object.entries(cases)) {
    test(name, async () => {
      assert.equal(ids(await ok(narrow(ada.db.from("boats").select("id")).order("id"))), expected);
    });
  }
});

describe("answers", () => {
  before(async () => {
    await fleet();
    await ok(ada.db.from("rowers").insert([{ boat_id: 2, name: "Una" }, { boat_id: 2, name: "Vic" }]));
  });
  const boats = () => ada.db.from("boats");

  test("order, limit, range and counts", async () => {
    assert.equal(ids(await ok(boats().select("id").order("seats", { ascending: false }).limit(2))), "8,4");
    const { data, count } = await boats().select("id", { count: "exact" }).order("id").range(1, 2);
    assert.deepEqual([ids(data), count], ["2,4", 4]);
    assert.equal((await boats().select("*", { count: "exact", head: true })).count, 4);
  });

  test("single and maybeSingle", async () => {
    assert.equal((await ok(boats().select().eq("id", 1).single())).name, "Ann");
    const { error, status } = await boats().select().single();
    assert.deepEqual([status, error.code], [406, "PGRST116"]);
    assert.equal(await ok(boats().select().eq("id", 99).maybeSingle()), null);
  });

  test("relations, both ways and within", async () => {
    const [bess] = await ok(boats().select("name, rowers(name)").eq("id", 2).order("name", { referencedTable: "rowers", ascending: false }));
    assert.deepEqual(bess, { name: "Bess", rowers: [{ name: "Vic" }, { name: "Una" }] });
    const rowers = await ok(ada.db.from("rowers").select("name, boats!inner(name)").eq("boats.name", "Bess").order("name"));
    assert.deepEqual(rowers[0], { name: "Una", boats: { name: "Bess" } });
    assert.equal(ids(await ok(boats().select("id, rowers!inner()"))), "2");
    const [sum] = await ok(boats().select("seats.sum()"));
    assert.deepEqual(sum, { sum: 15 });
  });

  test("other forms: CSV, GeoJSON's refusal, stripped nulls, plans, the description", async () => {
    assert.equal(await ok(boats().select("id,name").eq("id", 1).csv()), "id,name\n1,Ann");
    const [bare] = await ok(boats().select("id,built").eq("id", 8).stripNulls());
    assert.deepEqual(bare, { id: 8 });
    assert.match(await ok(boats().select().explain()), /cost=/);
    const { error } = await boats().select().geojson();
    assert.ok(error.code, "there is no PostGIS in this project, and the error says so");
    const { data } = await new PostgrestClient(`${rowlock.api}/rest/v1`, { headers: { apikey: rowlock.ready.supabase.secret_key } }).getOpenApiSpec();
    assert.ok(data.paths["/boats"]);
  });

  test("what a query can be told besides", async () => {
    const query = boats().select("id").eq("id", 1).setHeader("x-said-by", "a test").retry(false).throwOnError();
    assert.deepEqual((await query.returns().overrideTypes()).data, [{ id: 1 }]);
    const gone = new AbortController();
    gone.abort();
    assert.match((await boats().select().abortSignal(gone.signal)).error.message, /abort/i);
    await assert.rejects(async () => boats().select("nothing").throwOnError(), { code: "42703" });
    assert.ok(JSON.stringify((await boats().select("nothing")).error).includes("42703"));
  });

  test("functions, with arguments in the body or in the address", async () => {
    assert.equal(await ok(ada.db.rpc("seats_of", { boat_ids: [1, 2] })), 3);
    assert.equal(await ok(ada.db.rpc("seats_of", { boat_ids: [1, 2] }, { get: true })), 3);
    const large = await ok(ada.db.rpc("boats_with", { seats_at_least: 2 }).select("id, rowers(name)").lt("seats", 8).order("id"));
    assert.deepEqual(large[0], { id: 2, rowers: [{ name: "Una" }, { name: "Vic" }] });
    assert.equal(await ok(ada.db.rpc("rename", { boat: 1, new_name: "Anna" })), null);
    const { error, status } = await ada.db.rpc("seats_off");
    assert.deepEqual([status, error.code], [404, "PGRST202"]);
  });
});

describe("writes", () => {
  before(fleet);

  test("insert, upsert, update, delete, and what they give back", async () => {
    const boats = ada.db.from("boats");
    assert.equal((await boats.insert({ id: 20, name: "Eda" })).status, 201);
    assert.equal((await ada.db.from("boats").insert({ id: 20, name: "Eda" })).error.code, "23505");
    const [upserted] = await ok(ada.db.from("boats").upsert({ id: 20, name: "Edda", seats: 2 }).select("name, seats"));
    assert.deepEqual(upserted, { name: "Edda", seats: 2 });
    assert.deepEqual(await ok(ada.db.from("boats").upsert({ name: "Edda", seats: 5 }, { onConflict: "name", ignoreDuplicates: true }).select()), []);
    const [updated] = await ok(ada.db.from("boats").update({ seats: 3 }).eq("id", 20).select("seats"));
    assert.equal(updated.seats, 3);
    const many = ada.db.from("boats").update({ seats: 1 }).gt("id", 0).maxAffected(2);
    assert.equal((await many).error.code, "PGRST124");
    assert.equal(ids(await ok(ada.db.from("boats").delete().eq("id", 20).select("id"))), "20");
    assert.equal((await ada.db.from("boats").insert({ name: "Full", seats: 9 })).error.code, "23514");
  });

  test("a rehearsal leaves nothing", async () => {
    assert.equal((await ok(ada.db.from("boats").insert({ name: "Fay" }).select("name").rollback()))[0].name, "Fay");
    assert.deepEqual(await ok(ada.db.from("boats").select().eq("name", "Fay")), []);
  });
});

test("every method of postgrest-js was called", () => {
  // Of its insides.
  const inner = ["toJSON", "decorateFetch"];
  const missed = [...methods].filter((name) => !called.has(name) && !inner.includes(name));
  assert.ok(methods.size > 40, [...methods].join(" "));
  assert.deepEqual(missed, []);
});
