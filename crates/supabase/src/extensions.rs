//! Extensions of Supabase that can be stood in for by SQL: `create extension pg_net` then works on a Postgres that has none of it.
//!
//! What stands in says in its own file what it really does. Types (`vector`, `postgis`) cannot be stood in for.

pub use postgres::cluster::StandIn as Extension;

/// All of them; one that the Postgres at hand has itself is never replaced.
pub const EXTENSIONS: &[Extension] = &[
    Extension {
        name: "pg_cron",
        comment: "statements that run by the clock, while Rowlock runs",
        requires: "",
        sql: include_str!("../../../sql/supabase/extensions/pg_cron.script.sql"),
    },
    Extension {
        name: "pg_graphql",
        comment: "says that GraphQL is not served",
        requires: "",
        sql: include_str!("../../../sql/supabase/extensions/pg_graphql.script.sql"),
    },
    Extension {
        name: "pg_net",
        comment: "requests over HTTP, sent by Rowlock",
        requires: "",
        sql: include_str!("../../../sql/supabase/extensions/pg_net.script.sql"),
    },
    Extension {
        name: "pgjwt",
        comment: "JSON Web Tokens with a shared secret",
        requires: "pgcrypto",
        sql: include_str!("../../../sql/supabase/extensions/pgjwt.script.sql"),
    },
    Extension {
        name: "pgsodium",
        comment: "nothing of it, so that old migrations apply",
        requires: "",
        sql: include_str!("../../../sql/supabase/extensions/pgsodium.script.sql"),
    },
    Extension {
        name: "supabase_vault",
        comment: "secrets by name, not encrypted",
        requires: "",
        sql: include_str!("../../../sql/supabase/extensions/supabase_vault.script.sql"),
    },
];
