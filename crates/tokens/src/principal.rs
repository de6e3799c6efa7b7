//! Who a transaction acts for.

use std::collections::BTreeMap;

use clerk::Claims;
use serde_json::{Map, Value};

use crate::{DatabaseRole, Verified};

/// A database role and the claims that policies read. Made of verified claims or of one of the application's
/// own keys, or anonymous; there is no other way.
#[derive(Debug, Clone)]
pub struct Principal {
    role: DatabaseRole,
    claims_json: String,
}

impl Principal {
    /// A caller without a token: role `anon`, and claims that say no more than that.
    pub fn anonymous() -> Self {
        let role = DatabaseRole::anonymous();
        let claims_json = format!(r#"{{"role":"{role}"}}"#);
        Self { role, claims_json }
    }

    /// Whom a key stands for: only what has checked one may say so.
    pub(crate) fn with_role(role: DatabaseRole, mut claims: Map<String, Value>) -> Self {
        claims.insert("role".to_owned(), Value::from(role.as_str()));
        let text = Value::Object(claims).to_string();
        Self { role, claims_json: clerk::jsonb_text(&text).into_owned() }
    }

    /// The role that statements run as.
    pub fn role(&self) -> &str {
        self.role.as_str()
    }

    /// Whether it is the application itself, which row-level security does not hold back.
    pub fn is_service(&self) -> bool {
        self.role == DatabaseRole::service()
    }

    /// Whether it is nobody in particular.
    pub fn is_anonymous(&self) -> bool {
        self.role == DatabaseRole::anonymous()
    }

    /// The value of `request.jwt.claims`: the token's payload, with `role` as it was decided.
    ///
    /// Supabase's `auth.role()` and hand-written policies read `role` from here, so it is there also when the token had
    /// none.
    pub fn claims_json(&self) -> &str {
        &self.claims_json
    }
}

impl From<&Verified<Claims>> for Principal {
    fn from(verified: &Verified<Claims>) -> Self {
        let role = Value::from(verified.role().as_str());
        let mut claims: BTreeMap<&str, &Value> =
            verified.payload().iter().map(|(claim, value)| (claim.as_str(), value)).collect();
        claims.insert("role", &role);
        let text = serde_json::to_string(&claims).expect("JSON values are JSON");
        // A NUL in custom claims would make every policy that reads them fail on its own; so would half a surrogate.
        Self { role: verified.role().clone(), claims_json: clerk::jsonb_text(&text).into_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_has_no_identity() {
        let nobody = Principal::anonymous();
        assert_eq!(nobody.role(), "anon");
        assert_eq!(nobody.claims_json(), r#"{"role":"anon"}"#);
    }
}
