//! What a caller must be, for one command.

use std::fmt;

/// One of the ways to be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// `anyone`: also without a token.
    Anyone,
    /// `signed-in`: any user.
    SignedIn,
    /// `owner`: the user that the row names.
    Owner,
    /// `member`: of the organization that the row names.
    Member,
    /// `org:admin`: a role in the active organization.
    Role(String),
    /// `org:invoices:manage`: a permission in the organization that the row names.
    Permission(String),
    /// `feature:invoices`, as `clerk.has_feature` asks.
    Feature(String),
    /// `plan:pro`, as `clerk.has_plan` asks.
    Plan(String),
}

/// Any of these; none means that nobody may.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requirements(pub Vec<Requirement>);

impl Requirement {
    /// Reads one word of the file.
    ///
    /// # Errors
    /// Says what could stand there.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_key = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        match text {
            "anyone" => return Ok(Self::Anyone),
            "signed-in" => return Ok(Self::SignedIn),
            "owner" => return Ok(Self::Owner),
            "member" => return Ok(Self::Member),
            _ => {}
        }
        match text.split(':').collect::<Vec<_>>()[..] {
            ["org", role] if is_key(role) => Ok(Self::Role(text.to_owned())),
            ["org", feature, action] if is_key(feature) && is_key(action) => Ok(Self::Permission(text.to_owned())),
            ["feature", name] if is_key(name) => Ok(Self::Feature(name.to_owned())),
            ["feature", scope @ ("org" | "user"), name] if is_key(name) => Ok(Self::Feature(format!("{scope}:{name}"))),
            ["plan", name] if is_key(name) => Ok(Self::Plan(name.to_owned())),
            ["plan", scope @ ("org" | "user"), name] if is_key(name) => Ok(Self::Plan(format!("{scope}:{name}"))),
            _ => Err(format!(
                "found `{text}`; expected `anyone`, `signed-in`, `owner`, `member`, a role (`org:admin`), a permission \
                 (`org:invoices:manage`), `feature:…` or `plan:…`"
            )),
        }
    }

    /// Whether only the mirror can know it: Clerk never puts system permissions into a token.
    pub fn is_system_permission(&self) -> bool {
        matches!(self, Self::Permission(permission) if permission.starts_with("org:sys_"))
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => out.write_str("anyone"),
            Self::SignedIn => out.write_str("signed-in"),
            Self::Owner => out.write_str("owner"),
            Self::Member => out.write_str("member"),
            Self::Role(text) | Self::Permission(text) => out.write_str(text),
            Self::Feature(name) => write!(out, "feature:{name}"),
            Self::Plan(name) => write!(out, "plan:{name}"),
        }
    }
}

impl Requirements {
    /// Nobody may.
    pub fn nobody() -> Self {
        Self(Vec::new())
    }

    /// Whether callers without a token are among them.
    pub fn includes_anyone(&self) -> bool {
        self.0.contains(&Requirement::Anyone)
    }
}

impl From<Requirement> for Requirements {
    fn from(requirement: Requirement) -> Self {
        Self(vec![requirement])
    }
}

impl fmt::Display for Requirements {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return out.write_str("nobody");
        }
        let texts: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        out.write_str(&texts.join(" or "))
    }
}
