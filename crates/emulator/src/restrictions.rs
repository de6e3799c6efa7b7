//! Who may sign up, and in old applications sign in: the mode of the instance, the allowlist, the blocklist.
//!
//! Clerk's rules (docs, "Restrict access to your app"): the allowlist counts in public mode only, and wins over the
//! blocklist; identifiers are compared without regard to case; a pattern covers a whole domain (`*@acme.example`) or all
//! domains below one (`*@*.acme.example`); a blocked address blocks its subaddresses too. The link of an invitation lets
//! somebody in whom the mode or the allowlist would keep out. People whom a server makes are never restricted.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    access_lists::{AccessList, ListedIdentifier},
    form::Form,
    frontend_api::settings::SignUpMode,
    refusal::Refusal,
    state::State,
    verifications::is_test_address,
};

/// What Clerk calls restrictions, as stored: `PATCH /v1/instance/restrictions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restrictions {
    pub(crate) allowlist: bool,
    pub(crate) blocklist: bool,
    /// New applications restrict who signs up and nobody who is there already.
    pub(crate) disabled_on_sign_in: bool,
    pub(crate) block_email_subaddresses: bool,
}

impl Default for Restrictions {
    fn default() -> Self {
        Self { allowlist: false, blocklist: false, disabled_on_sign_in: true, block_email_subaddresses: false }
    }
}

/// What takes an address apart from the name in it (Clerk: "must not contain the characters '+', '=', or '#'").
const SUBADDRESS_SEPARATORS: [char; 3] = ['+', '=', '#'];

impl Restrictions {
    pub(crate) fn object(&self) -> Value {
        json!({
            "object": "instance_restrictions",
            "allowlist": self.allowlist,
            "blocklist": self.blocklist,
            "allowlist_blocklist_disabled_on_sign_in": self.disabled_on_sign_in,
            "block_email_subaddresses": self.block_email_subaddresses,
            "block_disposable_email_domains": false,
        })
    }

    /// Takes over what a request says.
    pub(crate) fn update(&mut self, mut form: Form) -> Result<(), Refusal> {
        let allowlist = form.boolean("allowlist")?;
        let blocklist = form.boolean("blocklist")?;
        let disabled_on_sign_in = form.boolean("allowlist_blocklist_disabled_on_sign_in")?;
        let block_email_subaddresses = form.boolean("block_email_subaddresses")?;
        // Which domains those are is a list that somebody has to keep.
        if form.boolean("block_disposable_email_domains")?.given() == Some(true) {
            return Err(Refusal::not_emulated("Blocking the domains of disposable e-mail addresses"));
        }
        form.finish()?;
        allowlist.set(&mut self.allowlist);
        blocklist.set(&mut self.blocklist);
        disabled_on_sign_in.set(&mut self.disabled_on_sign_in);
        block_email_subaddresses.set(&mut self.block_email_subaddresses);
        Ok(())
    }
}

/// Refuses a sign-up that nobody was invited to.
pub(crate) fn check_mode(mode: SignUpMode, invited: bool) -> Result<(), Refusal> {
    let refused = |code, short: &'static str, long: &str| Err(Refusal::new(StatusCode::FORBIDDEN, code, short, long));
    match mode {
        _ if invited => Ok(()),
        SignUpMode::Public => Ok(()),
        SignUpMode::Restricted => {
            refused("sign_up_mode_restricted", "Sign-ups restricted", "New sign-ups are currently restricted.")
        }
        SignUpMode::Waitlist => {
            let long = "Sign-ups are currently unavailable. Join the waitlist, and you will be notified when access \
                        becomes available.";
            refused("sign_up_restricted_waitlist", "Sign-ups restricted with waitlist", long)
        }
    }
}

/// Refuses an address or number that may not sign up. `invited` is the address that an invitation vouches for.
pub(crate) fn check_sign_up(
    state: &State,
    mode: SignUpMode,
    identifier: &str,
    invited: Option<&str>,
) -> Result<(), Refusal> {
    let restrictions = &state.restrictions;
    if restrictions.block_email_subaddresses && has_subaddress(identifier) && !is_test_address(identifier) {
        let long = "Email address must not contain the characters '+', '=', or '#'.";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "not_allowed_access", "Email subaddress not allowed.", long)
            .with_meta(json!({ "param_name": "email_address" })));
    }
    check_lists(state, mode, identifier, invited.is_some_and(|invited| invited.eq_ignore_ascii_case(identifier)))
}

/// Refuses to sign in by an address or number, in an application that restricts that too.
pub(crate) fn check_sign_in(state: &State, mode: SignUpMode, identifier: &str) -> Result<(), Refusal> {
    match state.restrictions.disabled_on_sign_in {
        true => Ok(()),
        false => check_lists(state, mode, identifier, false),
    }
}

fn check_lists(state: &State, mode: SignUpMode, identifier: &str, invited: bool) -> Result<(), Refusal> {
    let restrictions = &state.restrictions;
    let listed = |list: AccessList| {
        state.access_lists.oldest_first().any(|entry| entry.list == list && covers(entry, list, identifier))
    };
    let allowed = restrictions.allowlist && listed(AccessList::Allow);
    let kept_out = restrictions.allowlist && mode == SignUpMode::Public && !allowed && !invited;
    let blocked = restrictions.blocklist && !allowed && listed(AccessList::Block);
    if !kept_out && !blocked {
        return Ok(());
    }
    let long = format!("{identifier} is not allowed to access this application.");
    let refusal = Refusal::new(StatusCode::FORBIDDEN, "not_allowed_access", "Access not allowed.", long);
    Err(refusal.with_meta(json!({ "identifiers": [identifier] })))
}

fn covers(entry: &ListedIdentifier, list: AccessList, identifier: &str) -> bool {
    let (pattern, identifier) = (entry.identifier.trim().to_lowercase(), identifier.to_lowercase());
    if pattern == identifier {
        return true;
    }
    let Some((local, domain)) = identifier.rsplit_once('@') else { return false };
    match pattern.rsplit_once('@') {
        Some(("*", covered)) => match covered.strip_prefix("*.") {
            Some(parent) => domain.strip_suffix(parent).is_some_and(|below| below.ends_with('.')),
            None => domain == covered,
        },
        Some((name, covered)) => list == AccessList::Block && domain == covered && without_subaddress(local) == name,
        None => domain == pattern,
    }
}

fn has_subaddress(identifier: &str) -> bool {
    identifier.rsplit_once('@').is_some_and(|(local, _)| local.contains(SUBADDRESS_SEPARATORS))
}

fn without_subaddress(local: &str) -> &str {
    local.split(SUBADDRESS_SEPARATORS).next().unwrap_or(local)
}

#[cfg(test)]
mod tests {
    use clerk::Timestamp;

    use super::*;

    fn listed(list: AccessList, identifier: &str) -> ListedIdentifier {
        let now = Timestamp::from_seconds(0);
        let identifier = identifier.to_owned();
        ListedIdentifier { id: String::new(), list, identifier, created_at: now, updated_at: now }
    }

    #[test]
    fn patterns_cover_what_they_say() {
        for (pattern, identifier, expected) in [
            ("John.Doe@Acme.example", "john.doe@acme.example", true),
            ("john.doe@acme.example", "jane@acme.example", false),
            ("*@acme.example", "anybody@ACME.example", true),
            ("*@acme.example", "anybody@sub.acme.example", false),
            ("*@*.acme.example", "anybody@deep.sub.acme.example", true),
            ("*@*.acme.example", "anybody@acme.example", false),
            ("*@*.acme.example", "anybody@notacme.example", false),
            ("acme.example", "anybody@acme.example", true),
            ("john*@acme.example", "johnsmith@acme.example", false),
            ("+15005550001", "+15005550001", true),
            ("+1500555", "+15005550001", false),
        ] {
            let allowed = listed(AccessList::Allow, pattern);
            assert_eq!(covers(&allowed, AccessList::Allow, identifier), expected, "{pattern} {identifier}");
        }
    }

    #[test]
    fn a_blocked_address_blocks_its_subaddresses_and_an_allowed_one_allows_none() {
        for (list, expected) in [(AccessList::Block, true), (AccessList::Allow, false)] {
            let entry = listed(list, "john.doe@acme.example");
            assert_eq!(covers(&entry, list, "john.doe+anything@acme.example"), expected);
            assert!(!covers(&entry, list, "johndoe@acme.example"));
        }
    }
}
