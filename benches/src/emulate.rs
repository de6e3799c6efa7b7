//! vercel-labs/emulate: the emulator of Clerk that npm has.
//!
//! It emulates other services beside Clerk, and starts as one of them here. Its list of users comes in an envelope that Clerk's
//! is not in, and its users have fewer members; the questions are the same.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use emulator::Crowd;

/// Where `npm install --prefix benches/peers/emulate` puts it.
const MODULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/emulate/node_modules");
/// It takes any.
pub(crate) const SECRET_KEY: &str = "sk_test_benches";

/// An installation of it, with the Node that it asks for (22.15 or later).
pub(crate) struct Emulate {
    node: PathBuf,
    script: PathBuf,
}

/// One that is running; ends with its owner.
pub(crate) struct Running(Child);

impl Emulate {
    pub(crate) fn find() -> Result<Self> {
        let modules = Path::new(MODULES);
        let (node, script) = (modules.join(".bin/node"), modules.join("emulate/dist/index.js"));
        ensure!(
            node.exists() && script.exists(),
            "emulate is not installed: run `npm install --prefix benches/peers/emulate`"
        );
        Ok(Self { node, script })
    }

    /// Starts it as Clerk, with a file of what is there from the beginning.
    pub(crate) fn start(&self, address: SocketAddr, seed: Option<&Path>) -> Result<Running> {
        let mut command = Command::new(&self.node);
        command.arg(&self.script).args(["start", "--service", "clerk", "--port", &address.port().to_string()]);
        if let Some(seed) = seed {
            command.arg("--seed").arg(seed);
        }
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        process.map(Running).context("emulate cannot be run")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The same crowd as ours, in its seed file's words.
pub(crate) fn seed(crowd: &Crowd) -> String {
    let mut yaml = String::from("clerk:\n  users:\n");
    for user in 0..crowd.users {
        let _ = writeln!(
            yaml,
            "    - {{ first_name: User, last_name: '{user}', email_addresses: [user-{user}@example.com] }}"
        );
    }
    yaml.push_str("  organizations:\n");
    for organization in 0..crowd.organizations {
        let _ = writeln!(
            yaml,
            "    - name: Organization {organization}\n      slug: organization-{organization}\n      members:"
        );
        for place in 0..crowd.members_per_organization {
            let member = (organization * crowd.members_per_organization + place) % crowd.users;
            let _ = writeln!(yaml, "        - {{ email: user-{member}@example.com, role: member }}");
        }
    }
    yaml
}
