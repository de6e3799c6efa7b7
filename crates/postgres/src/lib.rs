//! Pool, principal transaction, migrations and local cluster for Postgres
