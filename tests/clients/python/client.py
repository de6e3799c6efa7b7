"""The Python client `postgrest`, unmodified, as supabase-py uses it.

Reads what it needs as JSON on standard input: the address, the publishable key and a Clerk token. Every assertion that does not hold
ends it with a traceback; the last line that it prints is how many queries it made.
"""

import json
import sys

from postgrest import APIError, CountMethod, SyncPostgrestClient

given = json.load(sys.stdin)
client = SyncPostgrestClient(f"{given['api']}/rest/v1", headers={"apikey": given["publishable_key"]})
client.auth(given["token"])
queries = 0


def run(query):
    global queries
    queries += 1
    return query.execute()


def ids(query):
    return [row["id"] for row in run(query.order("id")).data]


def refused(query, code):
    try:
        run(query)
    except APIError as error:
        assert error.code == code, error
    else:
        raise AssertionError(f"expected {code}")


boats = lambda: client.from_("boats")
run(boats().delete().gte("id", 0))
made = run(
    boats().insert(
        [
            {"id": 101, "name": "Pia", "seats": 1, "tags": ["racing"], "at_sea": "[2026-01-01,2026-02-01)"},
            {"id": 102, "name": "Quin", "seats": 2, "tags": ["wood"], "at_sea": "[2026-03-01,2026-04-01)"},
            {"id": 104, "name": "Rosa", "seats": 4, "tags": ["wood", "racing"], "at_sea": None},
        ]
    )
)
assert [row["org_id"] for row in made.data] == [given["organization_id"]] * 3, made.data

select = lambda: boats().select("id")
for query, expected in [
    (select().eq("name", "Pia"), [101]),
    (select().neq("name", "Pia"), [102, 104]),
    (select().gt("seats", 1).lt("seats", 4), [102]),
    (select().gte("seats", 2).lte("seats", 2), [102]),
    (select().like("name", "P%"), [101]),
    (select().ilike("name", "p%"), [101]),
    (select().like_all_of("name", "%i%,P%"), [101]),
    (select().like_any_of("name", "P%,R%"), [101, 104]),
    (select().ilike_all_of("name", "%I%,p%"), [101]),
    (select().ilike_any_of("name", "p%,r%"), [101, 104]),
    (select().is_("at_sea", "null"), [104]),
    (select().not_.is_("at_sea", "null"), [101, 102]),
    (select().in_("id", [101, 104]), [101, 104]),
    (select().contains("tags", ["racing"]), [101, 104]),
    (select().contained_by("tags", ["racing"]), [101]),
    (select().overlaps("tags", ["wood"]), [102, 104]),
    (select().range_gt("at_sea", ["2026-02-10", "2026-02-11"]), [102]),
    (select().range_gte("at_sea", ["2026-02-10", "2026-02-11"]), [102]),
    (select().range_lt("at_sea", ["2026-02-10", "2026-02-11"]), [101]),
    (select().range_lte("at_sea", ["2026-02-10", "2026-02-11"]), [101]),
    (select().or_("seats.eq.1,name.eq.Rosa"), [101, 104]),
    (select().match({"seats": 2, "name": "Quin"}), [102]),
    (select().filter("seats", "eq", 4), [104]),
    (select().wfts("name", "pia or rosa"), [101, 104]),
    (select().plfts("name", "pia"), [101]),
    (select().limit(1).offset(1), [102]),
    (select().range(1, 2), [102, 104]),
]:
    found = ids(query)
    assert found == expected, (query.request.params if hasattr(query, "request") else query, found, expected)

assert run(boats().select("*", count=CountMethod.exact, head=True)).count == 3
assert run(boats().select("name").eq("id", 101).single()).data == {"name": "Pia"}
assert run(boats().select("name").eq("id", 999).maybe_single()) is None
refused(boats().select("name").single(), "PGRST116")
refused(boats().select("nothing"), "42703")
assert run(boats().select("id,name").eq("id", 101).csv()).data == "id,name\n101,Pia"
assert "cost=" in str(run(boats().select("*").explain()))
run(client.from_("rowers").insert({"boat_id": 101, "name": "Una"}))
assert run(boats().select("name, rowers(name)").eq("id", 101)).data == [{"name": "Pia", "rowers": [{"name": "Una"}]}]
assert run(boats().upsert({"id": 101, "name": "Pia", "seats": 3})).data[0]["seats"] == 3
assert run(boats().update({"seats": 5}).eq("id", 101)).data[0]["seats"] == 5
refused(boats().update({"seats": 1}).gt("id", 0).max_affected(1), "PGRST124")
assert run(client.rpc("seats_of", {"boat_ids": [101, 102]})).data == 7
refused(client.rpc("seats_off", {}), "PGRST202")
assert run(client.schema("log").from_("entries").insert({"said": "from Python"})).data[0]["user_id"] == given["user_id"]
assert len(run(boats().delete().gte("id", 0)).data) == 3

client.auth("not.a.token")
refused(boats().select("id"), "PGRST301")
print(queries)
