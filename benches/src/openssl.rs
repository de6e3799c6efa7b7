//! What OpenSSL's own benchmark says of RSA-2048 on this machine.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::measure::{Round, Run};

/// For signing and for verifying each; it has no warm-up, so it gets as long as everybody else with theirs.
const SECONDS: &str = "3";

/// RSA-2048 verifications on one core. Only the modular exponentiation and the padding: nothing is hashed.
pub(crate) fn rsa_verify() -> Result<Run<'static>> {
    openssl(&["version"])?;
    Ok(Box::new(|| {
        let answer = openssl(&["speed", "-seconds", SECONDS, "rsa2048"])?;
        let per_second = verify_column(&answer).with_context(|| format!("no column `verify/s` in `{answer}`"))?;
        Ok(Round { per_second, latency: None })
    }))
}

fn openssl(arguments: &[&str]) -> Result<String> {
    let answer = Command::new("openssl").args(arguments).output().context("`openssl` cannot be run")?;
    let complaint = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success(), "`openssl {}` failed: {}", arguments.join(" "), complaint.trim());
    Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
}

/// Columns are named in a line above; newer versions have more of them.
fn verify_column(answer: &str) -> Option<f64> {
    let names = answer.lines().find(|line| line.contains("verify/s"))?;
    let column = names.split_whitespace().position(|name| name == "verify/s")?;
    let (_, values) = answer.lines().find(|line| line.starts_with("rsa"))?.split_once("bits")?;
    values.split_whitespace().nth(column)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::verify_column;

    #[test]
    fn the_column_is_found_by_its_name() {
        let three_zero = "\
version: 3.0.19
                  sign    verify    sign/s verify/s
rsa 2048 bits 0.000272s 0.000014s   3671.0  69027.0
";
        let three_two = "\
                    sign    verify    encrypt   decrypt   sign/s verify/s  encr./s  decr./s
rsa  2048 bits 0.000465s 0.000013s 0.000015s 0.000478s   2151.0  74210.5  66012.0   2092.0
";
        assert_eq!(verify_column(three_zero), Some(69027.0));
        assert_eq!(verify_column(three_two), Some(74210.5));
    }

    #[test]
    fn another_answer_is_none() {
        assert_eq!(verify_column(""), None);
        assert_eq!(verify_column("sign/s verify/s\nrsa 2048 bits 1.0"), None);
    }
}
