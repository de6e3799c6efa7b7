//! The invariant over the committed corpus, over random changes of it, and over noise; and statements as they are.

use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::{query, statement};

fn corpus() -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/query");
    let read = |entry: std::io::Result<fs::DirEntry>| fs::read(entry.unwrap().path()).unwrap();
    fs::read_dir(directory).unwrap().map(read).collect()
}

#[test]
fn the_committed_corpus_holds() {
    let corpus = corpus();
    assert!(corpus.len() >= 8, "the corpus has {} inputs", corpus.len());
    let mut understood = 0;
    for input in &corpus {
        query(input);
        let text = std::str::from_utf8(input).unwrap();
        understood += usize::from(statement("GET", text, "").is_ok());
    }
    assert!(understood >= 5, "{understood}: the corpus shows too little of the grammar");
}

proptest! {
    #[test]
    fn noise_holds(input in ".{0,80}") {
        query(input.as_bytes());
    }

    #[test]
    fn noise_of_the_grammars_own_marks_holds(input in "(select=|order=|or=|and=|id=|captains\\.|eq\\.|in\\.|not\\.|is\\.|null|::|->>|->|\\.\\.\\.|\"|\\(|\\)|,|\\.|!inner|\\*|;|--|'|a|1|&|=|%22|%27|count\\(\\)|\\$\\$){0,24}") {
        query(input.as_bytes());
    }

    #[test]
    fn changed_inputs_hold(input in prop::sample::select(corpus()), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut input = input;
        let index = at.index(input.len());
        input[index] = byte;
        query(&input);
    }
}

#[track_caller]
fn of(method: &str, query: &str) -> String {
    statement(method, query, r#"{"name":"Argo"}"#).unwrap()
}

#[test]
fn values_are_parameters_and_names_are_quoted() {
    insta::assert_snapshot!(of("GET", "select=id,papers-%3E%3Erank&name=eq.x%27;--&order=id.desc&limit=2"), @r#"WITH pgrst_source AS ( SELECT "sea"."ships"."id", "sea"."ships"."papers"->>$1 AS "rank" FROM "sea"."ships" WHERE  "sea"."ships"."name" = $2  ORDER BY "sea"."ships"."id" DESC LIMIT $3 OFFSET $4 )  SELECT null::bigint AS total, pg_catalog.count(_postgrest_t) AS given, array[]::text[] AS location, coalesce(json_agg(_postgrest_t), '[]') AS body, nullif(current_setting('response.headers', true), '') AS response_headers, nullif(current_setting('response.status', true), '') AS response_status, null::int AS response_inserted FROM ( SELECT * FROM pgrst_source ) _postgrest_t"#);
    insta::assert_snapshot!(of("GET", "select=%22a%5C%22b%22::text&or=(id.in.(1,2),name.not.like.*x*)"), @r#"WITH pgrst_source AS ( SELECT CAST( "sea"."ships"."a""b" AS text ) FROM "sea"."ships" WHERE  ( "sea"."ships"."id" = ANY ($1)  OR NOT "sea"."ships"."name" like $2)    )  SELECT null::bigint AS total, pg_catalog.count(_postgrest_t) AS given, array[]::text[] AS location, coalesce(json_agg(_postgrest_t), '[]') AS body, nullif(current_setting('response.headers', true), '') AS response_headers, nullif(current_setting('response.status', true), '') AS response_status, null::int AS response_inserted FROM ( SELECT * FROM pgrst_source ) _postgrest_t"#);
}

#[test]
fn children_are_lateral_subqueries() {
    insta::assert_snapshot!(of("GET", "select=name,captains!inner(name,ships(id))&captains.name=eq.Ahab"), @r#"WITH pgrst_source AS ( SELECT "sea"."ships"."name", row_to_json("ships_captains_1".*)::jsonb AS "captains" FROM "sea"."ships" INNER JOIN LATERAL ( SELECT "captains_1"."name", COALESCE( "captains_ships_2"."captains_ships_2", '[]') AS "ships" FROM "sea"."captains" AS "captains_1" LEFT JOIN LATERAL ( SELECT json_agg("captains_ships_2")::jsonb AS "captains_ships_2" FROM (SELECT "ships_2"."id" FROM "sea"."ships" AS "ships_2" WHERE "ships_2"."captain_id" = "captains_1"."id"    ) AS "captains_ships_2" ) AS "captains_ships_2" ON TRUE WHERE  "captains_1"."name" = $1 AND "captains_1"."id" = "sea"."ships"."captain_id"    ) AS "ships_captains_1" ON TRUE    )  SELECT null::bigint AS total, pg_catalog.count(_postgrest_t) AS given, array[]::text[] AS location, coalesce(json_agg(_postgrest_t), '[]') AS body, nullif(current_setting('response.headers', true), '') AS response_headers, nullif(current_setting('response.status', true), '') AS response_status, null::int AS response_inserted FROM ( SELECT * FROM pgrst_source ) _postgrest_t"#);
    insta::assert_snapshot!(of("GET", "select=captain_id,...captains(id.max())"), @r#"WITH pgrst_source AS ( SELECT "sea"."ships"."captain_id", max("ships_captains_1"."max") AS "max" FROM "sea"."ships" LEFT JOIN LATERAL ( SELECT "captains_1"."id" AS "max" FROM "sea"."captains" AS "captains_1" WHERE "captains_1"."id" = "sea"."ships"."captain_id"    ) AS "ships_captains_1" ON TRUE  GROUP BY "sea"."ships"."captain_id"   )  SELECT null::bigint AS total, pg_catalog.count(_postgrest_t) AS given, array[]::text[] AS location, coalesce(json_agg(_postgrest_t), '[]') AS body, nullif(current_setting('response.headers', true), '') AS response_headers, nullif(current_setting('response.status', true), '') AS response_status, null::int AS response_inserted FROM ( SELECT * FROM pgrst_source ) _postgrest_t"#);
}

#[test]
fn writes_take_their_body_apart_in_postgres() {
    insta::assert_snapshot!(of("POST", "select=id&on_conflict=id"), @r#"WITH pgrst_source AS (INSERT INTO "sea"."ships"("name") SELECT "pgrst_body"."name" FROM (SELECT $1 AS json_data) pgrst_payload, LATERAL (SELECT "name" FROM json_to_record(pgrst_payload.json_data) AS _("name" text) ) pgrst_body  RETURNING "sea"."ships"."id") SELECT null::bigint AS total, pg_catalog.count(_postgrest_t) AS given, array[]::text[] AS location, coalesce(json_agg(_postgrest_t), '[]') AS body, nullif(current_setting('response.headers', true), '') AS response_headers, nullif(current_setting('response.status', true), '') AS response_status, null::int AS response_inserted FROM (SELECT "ships"."id" FROM "pgrst_source" AS "ships"   ) _postgrest_t"#);
    insta::assert_snapshot!(of("PATCH", "id=eq.1&select=id"), @r#"WITH pgrst_source AS (UPDATE "sea"."ships" SET "name" = "pgrst_body"."name" FROM (SELECT $1 AS json_data) pgrst_payload, LATERAL (SELECT "name" FROM json_to_record(pgrst_payload.json_data) AS _("name" text) ) pgrst_body  WHERE  "sea"."ships"."id" = $2 RETURNING "sea"."ships"."id") SELECT null::bigint AS total, pg_catalog.count(_postgrest_t) AS given, array[]::text[] AS location, coalesce(json_agg(_postgrest_t), '[]') AS body, nullif(current_setting('response.headers', true), '') AS response_headers, nullif(current_setting('response.status', true), '') AS response_status, null::int AS response_inserted FROM (SELECT "ships"."id" FROM "pgrst_source" AS "ships"   ) _postgrest_t"#);
    insta::assert_snapshot!(of("DELETE", "id=is.null"), @r#"WITH pgrst_source AS (DELETE FROM "sea"."ships"  WHERE  "sea"."ships"."id" IS NULL RETURNING "sea"."ships".*) SELECT null::bigint AS total, pg_catalog.count(_postgrest_t) AS given, array[]::text[] AS location, coalesce(json_agg(_postgrest_t), '[]') AS body, nullif(current_setting('response.headers', true), '') AS response_headers, nullif(current_setting('response.status', true), '') AS response_status, null::int AS response_inserted FROM (SELECT "ships".* FROM "pgrst_source" AS "ships"   ) _postgrest_t"#);
}
