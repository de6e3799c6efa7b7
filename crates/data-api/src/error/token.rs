//! `PGRST3xx`: the token, or that there is none.

use http::StatusCode;
use http::header::WWW_AUTHENTICATE;

use super::Told;

/// Why nobody is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// There is a token, and nothing to verify it with.
    NoSecret,
    Empty,
    Parts(usize),
    NoKey(&'static str),
    Algorithm(&'static str),
    Signature,
    /// There is no token, and strangers are not let in.
    Required,
    Claims(&'static str),
}

impl TokenError {
    pub(super) fn told(self) -> Told {
        const DECODE: &str = "PGRST301";
        let refused = |code: &str, message: String| {
            let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{message}\"");
            Told::new(StatusCode::UNAUTHORIZED, code, message).header(WWW_AUTHENTICATE, &challenge)
        };
        match self {
            Self::NoSecret => Told::new(StatusCode::INTERNAL_SERVER_ERROR, "PGRST300", "Server lacks JWT secret"),
            Self::Empty => refused(DECODE, "Empty JWT is sent in Authorization header".to_owned()),
            Self::Parts(found) => refused(DECODE, format!("Expected 3 parts in JWT; got {found}")),
            Self::NoKey(details) => refused(DECODE, "No suitable key or wrong key type".to_owned()).details(details),
            Self::Algorithm(details) => {
                refused(DECODE, "Wrong or unsupported encoding algorithm".to_owned()).details(details)
            }
            Self::Signature => refused(DECODE, "JWT cryptographic operation failed".to_owned()),
            Self::Required => Told::new(StatusCode::UNAUTHORIZED, "PGRST302", "Anonymous access is disabled")
                .header(WWW_AUTHENTICATE, "Bearer"),
            Self::Claims(message) => refused("PGRST303", message.to_owned()),
        }
    }
}
