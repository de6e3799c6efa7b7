//! Why a token is void before it expires, and what its holder can do about it.

/// A reason not to accept a token that is genuine and has not expired. Ordered: the first one that applies is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Reason {
    /// Clerk has the user no more.
    #[error("the user is deleted")]
    UserDeleted,
    /// Until somebody unbans them.
    #[error("the user is banned")]
    UserBanned,
    /// Until somebody unlocks them or the lockout lapses.
    #[error("the user is locked")]
    UserLocked,
    /// Signed out, revoked, replaced, or abandoned.
    #[error("the session is over")]
    SessionEnded,
    /// Of the organization that is active in the token.
    #[error("the user lost the membership in the token's organization after the token was issued")]
    MembershipLost,
    /// In the organization that is active in the token.
    #[error("the user's role in the token's organization changed after the token was issued")]
    RoleChanged,
    /// Older than what is remembered: nobody can say whether it was revoked.
    #[error("the token was issued so long ago that its revocation may be forgotten")]
    Forgotten,
}

impl Reason {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::UserDeleted,
        Self::UserBanned,
        Self::UserLocked,
        Self::SessionEnded,
        Self::MembershipLost,
        Self::RoleChanged,
        Self::Forgotten,
    ];

    /// A stable name for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UserDeleted => "user-deleted",
            Self::UserBanned => "user-banned",
            Self::UserLocked => "user-locked",
            Self::SessionEnded => "session-ended",
            Self::MembershipLost => "membership-lost",
            Self::RoleChanged => "role-changed",
            Self::Forgotten => "token-forgotten",
        }
    }

    /// What to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::UserDeleted | Self::SessionEnded => "the user has to sign in again",
            Self::UserBanned => "unban the user in the Clerk dashboard",
            Self::UserLocked => "wait until the lockout lapses, or unlock the user in the Clerk dashboard",
            Self::MembershipLost => {
                "choose another organization, then ask for a fresh token: `getToken({ skipCache: true })`"
            }
            Self::RoleChanged | Self::Forgotten => "ask for a fresh token: `getToken({ skipCache: true })`",
        }
    }

    /// As the table says it. A word of a newer release counts as the end of the session: it is there to void a token.
    pub(crate) fn read(word: &str) -> Self {
        match word {
            "user_deleted" => Self::UserDeleted,
            "user_banned" => Self::UserBanned,
            "user_locked" => Self::UserLocked,
            "membership_lost" => Self::MembershipLost,
            "role_changed" => Self::RoleChanged,
            "forgotten" => Self::Forgotten,
            _ => Self::SessionEnded,
        }
    }
}
