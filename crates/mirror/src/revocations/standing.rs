//! How a caller stands: pure.
//!
//! What the database knows of a user, a session and an organization is independent of the moment a token was issued; what it
//! means for one token is not. The first is kept in memory, the second is worked out for every request. `clerk.session_ok()`
//! does the same in SQL, and a test holds the two against each other.

use clerk::{Claims, OrganizationId, SessionId, UserId};

use super::Reason;

/// Whose tokens are asked about: all that carry the same three ids stand alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Bearer {
    pub(crate) user: Option<UserId>,
    pub(crate) session: Option<SessionId>,
    pub(crate) organization: Option<OrganizationId>,
}

impl Bearer {
    pub(crate) fn of(claims: &Claims) -> Self {
        Self {
            user: claims.user_id(),
            session: claims.session_id.clone(),
            organization: claims.organization.as_ref().map(|organization| organization.id.clone()),
        }
    }
}

/// Everything that speaks against tokens of one bearer; mostly nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing(pub(crate) Vec<Objection>);

/// One thing that speaks against tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Objection {
    pub(crate) reason: Reason,
    /// Against those issued in this second or before; against all without it.
    pub(crate) issued_until: Option<i64>,
}

impl Standing {
    /// Why a token issued in second `issued_at` is void. One that does not say when is older than everything.
    pub(crate) fn verdict(&self, issued_at: Option<i64>) -> Option<Reason> {
        let issued_at = issued_at.unwrap_or(0);
        let applies = |objection: &&Objection| objection.issued_until.is_none_or(|until| issued_at <= until);
        self.0.iter().filter(applies).map(|objection| objection.reason).min()
    }
}

/// A row of `rowlock.revocations` that was made or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Why tokens are void.
    pub reason: Reason,
    /// Whose; none when it is everybody's.
    pub user_id: Option<String>,
    /// Of which session; none when it is about more than one.
    pub session_id: Option<String>,
    /// In which organization.
    pub organization_id: Option<String>,
    /// Tokens issued in this second (Unix time) or before are void; all are without it.
    pub issued_until: Option<i64>,
    /// It holds no more: tokens of the user may be good again.
    pub lifted: bool,
}

impl Revocation {
    /// Whether a token with these claims is void by this alone.
    pub fn voids(&self, claims: &Claims) -> bool {
        let issued_at = claims.issued_at.map_or(0, clerk::Timestamp::seconds);
        !self.lifted && self.concerns(&Bearer::of(claims)) && self.issued_until.is_none_or(|until| issued_at <= until)
    }

    /// Whether tokens of `bearer` stand otherwise because of this, whenever they were issued.
    pub(crate) fn concerns(&self, bearer: &Bearer) -> bool {
        let is_user = |id: &str| bearer.user.as_ref().is_some_and(|user| user.as_str() == id);
        if let Some(id) = &self.session_id {
            return bearer.session.as_ref().is_some_and(|session| session.as_str() == id);
        }
        if let Some(id) = &self.organization_id {
            return bearer.organization.as_ref().is_some_and(|organization| organization.as_str() == id)
                && self.user_id.as_deref().is_none_or(is_user);
        }
        self.user_id.as_deref().is_some_and(is_user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(user: &str, session: Option<&str>, organization: Option<&str>) -> Bearer {
        Bearer {
            user: UserId::parse(user).ok(),
            session: session.and_then(|id| SessionId::parse(id).ok()),
            organization: organization.and_then(|id| OrganizationId::parse(id).ok()),
        }
    }

    fn revocation(user: Option<&str>, session: Option<&str>, organization: Option<&str>) -> Revocation {
        Revocation {
            reason: Reason::SessionEnded,
            user_id: user.map(str::to_owned),
            session_id: session.map(str::to_owned),
            organization_id: organization.map(str::to_owned),
            issued_until: None,
            lifted: false,
        }
    }

    #[test]
    fn a_token_of_the_very_second_is_void_and_a_later_one_is_not() {
        let standing = Standing(vec![Objection { reason: Reason::RoleChanged, issued_until: Some(100) }]);
        let verdicts = [99, 100, 101].map(|second| standing.verdict(Some(second)));
        assert_eq!(verdicts, [Some(Reason::RoleChanged), Some(Reason::RoleChanged), None]);
        assert_eq!(standing.verdict(None), Some(Reason::RoleChanged), "it may be as old as can be");
    }

    #[test]
    fn the_gravest_reason_is_told() {
        let objections = [Reason::MembershipLost, Reason::UserBanned, Reason::SessionEnded];
        let standing = Standing(objections.map(|reason| Objection { reason, issued_until: None }).to_vec());
        assert_eq!(standing.verdict(Some(1)), Some(Reason::UserBanned));
        assert_eq!(Standing::default().verdict(Some(1)), None);
    }

    #[test]
    fn a_revocation_concerns_whom_it_names_and_nobody_else() {
        let ada = bearer("user_ada", Some("sess_1"), Some("org_acme"));
        let concerned = [
            (revocation(Some("user_ada"), None, None), true),
            (revocation(Some("user_bob"), None, None), false),
            (revocation(Some("user_ada"), Some("sess_1"), None), true),
            (revocation(Some("user_ada"), Some("sess_2"), None), false),
            (revocation(None, Some("sess_1"), None), true),
            (revocation(Some("user_ada"), None, Some("org_acme")), true),
            (revocation(Some("user_ada"), None, Some("org_globex")), false),
            (revocation(Some("user_bob"), None, Some("org_acme")), false),
            (revocation(None, None, Some("org_acme")), true),
        ];
        for (revocation, expected) in concerned {
            assert_eq!(revocation.concerns(&ada), expected, "{revocation:?}");
        }
        let nowhere = bearer("user_ada", None, None);
        assert!(!revocation(None, None, Some("org_acme")).concerns(&nowhere));
        assert!(!revocation(None, Some("sess_1"), None).concerns(&nowhere));
    }

    #[test]
    fn every_word_of_the_table_is_read_as_itself_and_an_unknown_one_voids() {
        let words = [
            "user_deleted",
            "user_banned",
            "user_locked",
            "session_ended",
            "membership_lost",
            "role_changed",
            "forgotten",
        ];
        assert_eq!(words.map(Reason::read), Reason::ALL);
        assert_eq!(Reason::read("moon_phase"), Reason::SessionEnded);
    }
}
