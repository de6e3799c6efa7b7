//! `postgres://…` as people write it, with the password kept out of every log.
//!
//! Transport follows one rule that differs from libpq: **an encrypted connection is always a verified one**.
//! `sslmode=require` checks the certificate here; `sslrootcert=<file>` names a private authority (hosted Supabase has
//! one). Without `sslmode`, loopback and Unix sockets speak plainly and every other host must encrypt: libpq's default,
//! `prefer`, lets whoever sits on the wire switch encryption off.

use std::fmt;
use std::path::PathBuf;

use tokio_postgres::config::{Host, SslMode};
use url::Url;

/// A parsed database address. `Debug` and `Display` show everything but the password.
#[derive(Clone)]
pub struct DatabaseUrl {
    url: Url,
    root_certificate: Option<PathBuf>,
    config: tokio_postgres::Config,
}

/// Why an address cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// Not a URL at all, or of another scheme.
    #[error("expected `postgres://user:password@host:port/database`, found something else ({0})")]
    NotPostgres(String),
    /// A part of it was understood by nobody.
    #[error("the database address has a part that cannot be used: {0}")]
    Part(String),
    /// Encryption was asked for in a form that does not verify whom it talks to.
    #[error(
        "`sslmode={0}` is not supported: use `disable` (loopback only), `require` or `verify-full`; encrypted connections are always verified"
    )]
    SslMode(String),
}

impl DatabaseUrl {
    /// Parses `postgres://` or `postgresql://`.
    ///
    /// # Errors
    /// Names the part that cannot be used, never the password.
    pub fn parse(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        // libpq lets an address begin with a login and no host, which is then a parameter; the URL standard does not.
        let text = text.trim();
        let with_host = text.split_once("@/").map(|(login, rest)| format!("{login}@localhost/{rest}"));
        let named_by_parameter = with_host.is_some() && text.contains("host=");
        let text = if named_by_parameter { with_host.as_deref().unwrap_or(text) } else { text };
        let mut url = Url::parse(text).map_err(|error| InvalidDatabaseUrl::NotPostgres(error.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(InvalidDatabaseUrl::NotPostgres(format!("scheme `{}`", url.scheme())));
        }
        let (mut ssl_mode, mut root_certificate, mut kept) = (None, None, Vec::new());
        for (key, value) in url.query_pairs() {
            match key.as_ref() {
                "sslmode" => ssl_mode = Some(value.into_owned()),
                "sslrootcert" => root_certificate = Some(PathBuf::from(value.as_ref())),
                // Prisma's and pgbouncer's marks, common in copied addresses and without meaning here.
                "pgbouncer" | "schema" | "connection_limit" => {}
                _ => kept.push((key.into_owned(), value.into_owned())),
            }
        }
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
        let mut config: tokio_postgres::Config =
            url.as_str().parse().map_err(|error: tokio_postgres::Error| InvalidDatabaseUrl::Part(chain(&error)))?;
        if named_by_parameter {
            // The placeholder stands first.
            config = without_first_host(&config);
        }
        if config.get_hosts().is_empty() {
            return Err(InvalidDatabaseUrl::Part("no host".to_owned()));
        }
        config.ssl_mode(match ssl_mode.as_deref() {
            Some("disable") => SslMode::Disable,
            Some("require" | "verify-ca" | "verify-full") => SslMode::Require,
            None if config.get_hosts().iter().all(is_local) => SslMode::Disable,
            None => SslMode::Require,
            Some(other) => return Err(InvalidDatabaseUrl::SslMode(other.to_owned())),
        });
        Ok(Self { url, root_certificate, config })
    }

    /// The same server and database with another login.
    ///
    /// Poolers that route by user name (`postgres.<project>`) keep their suffix.
    #[must_use]
    pub fn with_login(&self, user: &str, password: Option<&str>) -> Self {
        let user = match self.config.get_user().and_then(|current| current.split_once('.')) {
            Some((_, tenant)) => format!("{user}.{tenant}"),
            None => user.to_owned(),
        };
        let mut other = self.clone();
        // Without a name the database is the login's, and the login changes here.
        if let (None, Some(login)) = (self.config.get_dbname(), self.config.get_user()) {
            other = self.with_database(login);
        }
        // Both setters fail only for addresses without a host, which `parse` refuses.
        let _ = other.url.set_username(&user);
        let _ = other.url.set_password(password);
        other.config.user(user);
        other.config.password(password.unwrap_or_default());
        other
    }

    /// The same server and database with the login of another address.
    #[must_use]
    pub fn with_login_of(&self, other: &Self) -> Self {
        let user = other.config.get_user().unwrap_or_default();
        // A pooler's suffix, if there is one, is this address's own.
        let password = other.password().and_then(|password| std::str::from_utf8(password).ok());
        self.with_login(user.split_once('.').map_or(user, |(user, _)| user), password)
    }

    /// The same server with another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.url.set_path(name);
        other.config.dbname(name);
        other
    }

    /// The same with session settings for every connection, as libpq's `options`: `-c timezone=utc`.
    #[must_use]
    pub fn with_options(&self, options: &str) -> Self {
        let mut other = self.clone();
        let present = self.config.get_options().map(|present| format!("{present} ")).unwrap_or_default();
        other.config.options(format!("{present}{options}"));
        other
    }

    /// The whole address, password included: for `.env` files and child processes, never for logs.
    pub fn expose(&self) -> &str {
        self.url.as_str()
    }

    /// The password, if the address holds one.
    pub(crate) fn password(&self) -> Option<&[u8]> {
        self.config.get_password()
    }

    pub(crate) fn config(&self) -> &tokio_postgres::Config {
        &self.config
    }

    pub(crate) fn root_certificate(&self) -> Option<&PathBuf> {
        self.root_certificate.as_ref()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.url.clone();
        if shown.password().is_some() {
            let _ = shown.set_password(Some("***"));
        }
        shown.set_query(None);
        formatter.write_str(shown.as_str())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DatabaseUrl({self})")
    }
}

/// The same address without its first host, and without the port that came with it.
fn without_first_host(config: &tokio_postgres::Config) -> tokio_postgres::Config {
    let mut other = tokio_postgres::Config::new();
    config.get_user().map(|user| other.user(user));
    config.get_password().map(|password| other.password(password));
    config.get_dbname().map(|name| other.dbname(name));
    config.get_options().map(|options| other.options(options));
    config.get_application_name().map(|name| other.application_name(name));
    config.get_tcp_user_timeout().map(|patience| other.tcp_user_timeout(*patience));
    config.get_keepalives_interval().map(|interval| other.keepalives_interval(interval));
    config.get_keepalives_retries().map(|retries| other.keepalives_retries(retries));
    other
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding())
        .load_balance_hosts(config.get_load_balance_hosts())
        .ssl_negotiation(config.get_ssl_negotiation())
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle());
    for address in config.get_hostaddrs() {
        other.hostaddr(*address);
    }
    for host in config.get_hosts().iter().skip(1) {
        match host {
            Host::Tcp(name) => other.host(name),
            #[cfg(unix)]
            Host::Unix(path) => other.host_path(path),
        };
    }
    for port in config.get_ports().iter().skip(1) {
        other.port(*port);
    }
    other
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let url = DatabaseUrl::parse("postgres://app:hunter2@db.example.com:6543/shop").unwrap();
        assert_eq!(
            format!("{url} {url:?}"),
            "postgres://app:***@db.example.com:6543/shop DatabaseUrl(postgres://app:***@db.example.com:6543/shop)"
        );
        assert!(url.expose().contains("hunter2"));
    }

    #[test]
    fn a_remote_host_must_encrypt_and_loopback_need_not() {
        let mode = |text| DatabaseUrl::parse(text).unwrap().config.get_ssl_mode();
        assert_eq!(mode("postgres://db.example.com/shop"), SslMode::Require);
        assert_eq!(mode("postgres://127.0.0.1/shop"), SslMode::Disable);
        assert_eq!(mode("postgres://127.0.0.1/shop?sslmode=verify-full"), SslMode::Require);
    }

    #[test]
    fn an_unverified_encryption_mode_is_refused() {
        let error = DatabaseUrl::parse("postgres://db.example.com/shop?sslmode=prefer").unwrap_err();
        insta::assert_snapshot!(error, @"`sslmode=prefer` is not supported: use `disable` (loopback only), `require` or `verify-full`; encrypted connections are always verified");
    }

    #[test]
    fn what_is_not_postgres_is_refused_with_what_was_found() {
        insta::assert_snapshot!(DatabaseUrl::parse("mysql://root@127.0.0.1/shop").unwrap_err(), @"expected `postgres://user:password@host:port/database`, found something else (scheme `mysql`)");
        insta::assert_snapshot!(DatabaseUrl::parse("shop").unwrap_err(), @"expected `postgres://user:password@host:port/database`, found something else (relative URL without a base)");
        insta::assert_snapshot!(DatabaseUrl::parse("postgres://a@127.0.0.1/shop?colour=blue").unwrap_err(), @"the database address has a part that cannot be used: invalid connection string: unknown option `colour`");
    }

    #[test]
    fn another_login_means_the_same_database() {
        let other = DatabaseUrl::parse("postgres://postgres:pw@127.0.0.1").unwrap().with_login("guest", None);
        assert_eq!(other.to_string(), "postgres://guest@127.0.0.1/postgres");
        assert_eq!(other.config().get_dbname(), Some("postgres"));
    }

    #[test]
    fn hosts_and_ports_may_be_parameters() {
        let of = |text| {
            let url = DatabaseUrl::parse(text).unwrap();
            format!("{:?} {:?}", url.config().get_hosts(), url.config().get_ports())
        };
        insta::assert_snapshot!(of("postgres://app@/shop?host=/run/postgres&port=5433"), @r#"[Unix("/run/postgres")] [5433]"#);
        insta::assert_snapshot!(of("postgres://app@/shop?host=localhost&host=127.0.0.1&port=1,2"), @r#"[Tcp("localhost"), Tcp("127.0.0.1")] [1, 2]"#);
        insta::assert_snapshot!(of("postgres://app@/shop?host=/run/postgres"), @r#"[Unix("/run/postgres")] []"#);
    }

    #[test]
    fn a_pooler_keeps_its_tenant_when_the_login_changes() {
        let url = DatabaseUrl::parse("postgres://postgres.abcd:pw@127.0.0.1:6543/postgres").unwrap();
        let other = url.with_login("rowlock_client", Some("secret"));
        assert_eq!(other.config().get_user(), Some("rowlock_client.abcd"));
        assert_eq!(other.to_string(), "postgres://rowlock_client.abcd:***@127.0.0.1:6543/postgres");
    }
}
