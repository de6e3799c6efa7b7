//! The data API against a real Postgres, in our own words.
