//! The chain of migrations as one file, for people who apply SQL by other means than `rowlock migrate`.
//!
//! The file records itself as [`migrate`](crate::migrations::migrate) would, so that the two ways can follow each other in
//! any order.

use std::fmt::Write as _;

use crate::identifier::quote_literal;
use crate::migrations::{MIGRATIONS, Migration, TABLE, checksum};

/// All migrations from number `first` on as SQL; none when there is no such number.
pub fn script(first: i32) -> Option<String> {
    let chain: Vec<&Migration> = MIGRATIONS.iter().filter(|migration| migration.version >= first).collect();
    let (first, last) = (chain.first()?.version, chain.last()?.version);
    let mut script = header(first, last);
    script.push_str(TABLE);
    for migration in chain {
        let Migration { version, name, sql } = migration;
        let (quoted, checksum) = (quote_literal(name), quote_literal(&checksum(sql)));
        write!(
            script,
            "\n\n-- Migration {version}: {name}\n\n{sql}\ninsert into rowlock.migrations (version, name, checksum)\n\
             values ({version}, {quoted}, {checksum})\non conflict (version) do nothing;\n",
            sql = sql.trim_end(),
        )
        .expect("a string takes everything");
    }
    Some(script)
}

fn header(first: i32, last: i32) -> String {
    let before = if first > 1 {
        format!("-- It follows migration {}, which must be there already.\n--\n", first - 1)
    } else {
        String::new()
    };
    let migrations = if first == last { format!("migration {last}") } else { format!("migrations {first} to {last}") };
    format!(
        "-- Rowlock {version}: schemas `clerk` and `rowlock`, {migrations}, as one file.\n\
         --\n\
         {before}\
         -- Apply it as the role that is to own the schemas, which must be able to create roles (`postgres` on Supabase):\n\
         --\n\
         --   psql \"$DATABASE_URL\" --set ON_ERROR_STOP=1 --single-transaction --file rowlock.sql\n\
         --\n\
         -- or as supabase/migrations/<time>_rowlock.sql with `supabase db push`. To apply it again changes nothing, and it\n\
         -- records what it applied: `rowlock migrate` goes on from there. Run that once at least, or set\n\
         -- ROWLOCK_CLIENT_DATABASE_URL: the login for clients' statements has no password that a file could hold.\n\n",
        version = env!("CARGO_PKG_VERSION"),
    )
}
