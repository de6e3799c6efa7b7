//! Shortcodes: `{{user.first_name}}` in the claims of a JWT template or a custom session token.
//!
//! The rules follow Clerk's page "JWT templates": a claim that is one shortcode keeps the JSON type of what it stands
//! for; within longer text the value is printed, `null` included, and the text is trimmed; `{{a || b || 'c'}}` is the
//! first operand that is neither `null` nor `false`, else the last one. `created_at` is in seconds, as printed there.
//!
//! There is no complete public list of names. An unknown property of the user is `null` (Clerk's own example). What
//! names no object Clerk knows, like `{{org}}`, or an unknown property of the organization, like `{{org.permissions}}`,
//! stays in the token as it was written: that is what people observe, and what a verifier has to be ready for.

use clerk::InstanceId;
use serde_json::{Map, Value, json};

use crate::{
    state::State,
    tokens::ActiveMembership,
    users::{IdentificationState, User, UserObject},
};

const OPEN: &str = "{{";
const CLOSE: &str = "}}";

/// What shortcodes can refer to.
pub(crate) struct Context<'a> {
    pub(crate) user: &'a User,
    pub(crate) membership: Option<ActiveMembership<'a>>,
    pub(crate) state: &'a State,
    pub(crate) instance_id: &'a InstanceId,
}

impl Context<'_> {
    /// The claims with every shortcode replaced, at any depth.
    pub(crate) fn expand(&self, claims: &Map<String, Value>) -> Map<String, Value> {
        claims.iter().map(|(name, value)| (name.clone(), self.expand_value(value))).collect()
    }

    fn expand_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.expand_text(text),
            Value::Array(items) => items.iter().map(|item| self.expand_value(item)).collect(),
            Value::Object(members) => Value::Object(self.expand(members)),
            other => other.clone(),
        }
    }

    fn expand_text(&self, text: &str) -> Value {
        if let Some(expression) = sole_shortcode(text) {
            return self.evaluate(expression).unwrap_or_else(|| json!(text));
        }
        if !text.contains(OPEN) {
            return json!(text);
        }
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, expression, after)) = next_shortcode(rest) {
            expanded.push_str(before);
            match self.evaluate(expression) {
                Some(Value::String(value)) => expanded.push_str(&value),
                Some(value) => expanded.push_str(&value.to_string()),
                None => expanded.extend([OPEN, expression, CLOSE]),
            }
            rest = after;
        }
        expanded.push_str(rest);
        json!(expanded.trim())
    }

    /// The value of an expression, or `None` when it names nothing that Clerk knows.
    fn evaluate(&self, expression: &str) -> Option<Value> {
        let mut last = None;
        for operand in operands(expression) {
            let value = self.operand(operand)?;
            if !matches!(value, Value::Null | Value::Bool(false)) {
                return Some(value);
            }
            last = Some(value);
        }
        last
    }

    fn operand(&self, operand: &str) -> Option<Value> {
        if let Some(text) = operand.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            return Some(json!(text));
        }
        match serde_json::from_str::<Value>(operand) {
            Ok(literal @ (Value::Number(_) | Value::Bool(_))) => Some(literal),
            _ => self.lookup(operand),
        }
    }

    fn lookup(&self, path: &str) -> Option<Value> {
        let (object, property) = path.split_once('.')?;
        match object {
            "user" => Some(self.user_property(property)),
            "org" => self.organization_property(property),
            "org_membership" => {
                let metadata = self.membership.map(|active| &active.membership.public_metadata);
                under(property, "public_metadata")
                    .map(|path| metadata.map_or(Value::Null, |metadata| dig(metadata, path)))
            }
            // Nobody impersonates and nobody reverifies in an emulated session.
            "session" => matches!(property, "actor" | "reverification_id").then_some(Value::Null),
            _ => None,
        }
    }

    fn user_property(&self, property: &str) -> Value {
        let user = self.user;
        if let Some(path) = under(property, "public_metadata") {
            return dig(&user.public_metadata, path);
        }
        if let Some(path) = under(property, "unsafe_metadata") {
            return dig(&user.unsafe_metadata, path);
        }
        let verified = |state: Option<IdentificationState>| json!(state == Some(IdentificationState::Verified));
        match property {
            "full_name" => json!(user.full_name()),
            "primary_email_address" => json!(user.primary_email_address().map(|email| &email.email_address)),
            "primary_phone_number" | "primary_phone_address" => {
                json!(user.primary_phone_number().map(|phone| &phone.phone_number))
            }
            "email_verified" => verified(user.primary_email_address().map(|email| email.state)),
            "phone_number_verified" => verified(user.primary_phone_number().map(|phone| phone.state)),
            "created_at" => json!(user.created_at.seconds()),
            "updated_at" => json!(user.updated_at.seconds()),
            "last_sign_in_at" => json!(user.last_sign_in_at.map(clerk::Timestamp::seconds)),
            "organizations" => {
                let roles = self.state.memberships.of_user(&user.id);
                Value::Object(roles.map(|one| (one.organization_id.to_string(), json!(one.role))).collect())
            }
            "id" | "external_id" | "username" | "first_name" | "last_name" | "image_url" | "has_image"
            | "two_factor_enabled" => {
                let object = UserObject { user, instance_id: self.instance_id, now: user.updated_at };
                serde_json::to_value(object).map_or(Value::Null, |mut object| object[property].take())
            }
            _ => Value::Null,
        }
    }

    fn organization_property(&self, property: &str) -> Option<Value> {
        let known = matches!(property, "id" | "name" | "slug" | "role") || under(property, "public_metadata").is_some();
        if !known {
            return None;
        }
        let Some(ActiveMembership { organization, membership }) = self.membership else { return Some(Value::Null) };
        Some(match property {
            "id" => json!(organization.id),
            "name" => json!(organization.name),
            "slug" => json!(organization.slug),
            "role" => json!(membership.role),
            _ => dig(&organization.public_metadata, under(property, "public_metadata").unwrap_or_default()),
        })
    }
}

/// The expression, when the text is one shortcode and nothing else.
fn sole_shortcode(text: &str) -> Option<&str> {
    let inner = text.trim().strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    (!inner.contains(OPEN) && !inner.contains(CLOSE)).then_some(inner)
}

/// Splits text at its first shortcode: before, expression, after.
fn next_shortcode(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once(OPEN)?;
    let (expression, after) = rest.split_once(CLOSE)?;
    Some((before, expression, after))
}

/// The operands of `a || b`, with `||` inside quotes left alone.
fn operands(expression: &str) -> Vec<&str> {
    let mut operands = Vec::new();
    let mut start = 0;
    let mut quoted = false;
    let bytes = expression.as_bytes();
    for (position, byte) in bytes.iter().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'|' if !quoted && position >= start && bytes.get(position + 1) == Some(&b'|') => {
                operands.push(expression[start..position].trim());
                start = position + 2;
            }
            _ => {}
        }
    }
    operands.push(expression[start..].trim());
    operands
}

/// What stands behind `root` in a dotted path: `""` for the root itself.
fn under<'p>(path: &'p str, root: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(root)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}

fn dig(object: &Map<String, Value>, path: &str) -> Value {
    if path.is_empty() {
        return Value::Object(object.clone());
    }
    let mut keys = path.split('.');
    let first = keys.next().and_then(|key| object.get(key));
    keys.fold(first, |value, key| value.and_then(|value| value.get(key))).cloned().unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests;
