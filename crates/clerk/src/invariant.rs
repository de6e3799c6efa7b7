//! What must hold for any input at all, one function per parser.
//!
//! Each takes the bytes a stranger could send and panics when a promise is broken. The fuzz targets under `fuzz/` call
//! exactly these, and so do the property tests below, which replay the committed corpus and random changes of it: what a
//! fuzzer would check on nightly is thereby also checked by `cargo test`, to a smaller depth. Nothing of this is in a build
//! that is neither.
//!
//! Not covered: secrets and secret keys. They come from the operator, not from strangers.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::value::RawValue;

use crate::{
    Claims, DeliveryHeaders, DeliveryId, Event, EventKind, Object, Permission, PublishableKey, SigningSecret,
    Timestamp, TokenClass, TokenHeader,
};

/// A promise about one parser, to be kept for any bytes.
pub type Invariant = fn(&[u8]);

/// Every invariant under the name of its fuzz target.
pub const ALL: [(&str, Invariant); 8] = [
    ("claims", claims),
    ("delivery", delivery),
    ("event", event),
    ("jsonb_text", jsonb_text),
    ("object", object),
    ("permissions", permissions),
    ("publishable_key", publishable_key),
    ("token_header", token_header),
];

/// A header that is read gives a class for any subject, and says the same when it is written and read again.
pub fn token_header(json: &[u8]) {
    let Ok(header) = TokenHeader::from_json(json) else { return };
    for (subject, machine) in [("user_1", false), ("mch_1", true)] {
        if let Ok(class) = TokenClass::of(&header, subject) {
            assert!(!machine || matches!(class, TokenClass::MachineToMachine | TokenClass::OAuthAccess));
        }
    }
    let mut again = serde_json::Map::new();
    again.insert("alg".into(), header.algorithm.clone().into());
    for (name, value) in [("kid", &header.key_id), ("typ", &header.token_type), ("cat", &header.category)] {
        again.extend(value.clone().map(|value| (name.to_owned(), value.into())));
    }
    if header.critical {
        again.insert("crit".into(), true.into());
    }
    let again = serde_json::to_vec(&again).expect("a map of texts is JSON");
    assert_eq!(TokenHeader::from_json(&again).expect("what was read can be read"), header);
}

/// The payload under the header of every class: whatever is read holds the promises of [`Claims`].
pub fn claims(payload: &[u8]) {
    let session = TokenHeader { category: TokenClass::Session.category().map(str::to_owned), ..TokenHeader::default() };
    let template =
        TokenHeader { category: TokenClass::Template.category().map(str::to_owned), ..TokenHeader::default() };
    let access = TokenHeader { token_type: Some("at+jwt".into()), ..TokenHeader::default() };
    for header in [TokenHeader::default(), session, template, access] {
        let Ok(claims) = Claims::from_json(&header, payload) else { continue };
        assert!(!claims.subject.is_empty() && !claims.issuer.is_empty());
        let history = 0..=253_402_300_799;
        for moment in [Some(claims.expires_at), claims.issued_at, claims.not_before].into_iter().flatten() {
            assert!(history.contains(&moment.seconds()));
        }
        if let Some(role) = claims.organization.as_ref().and_then(|organization| organization.role.as_ref()) {
            assert!(role.starts_with("org:"));
        }
        if matches!(claims.class, TokenClass::MachineToMachine | TokenClass::OAuthAccess) {
            assert!(claims.organization.is_none() && claims.database_role.is_none() && claims.session_id.is_none());
        }
        assert!(claims.user_id().is_none_or(|user| user.as_str() == claims.subject));
    }
}

/// Three lines: `fea`, `o.per`, `o.fpm`. Nothing is granted that the lists do not name, and what can be packed again says
/// the same.
pub fn permissions(lines: &[u8]) {
    let Ok(lines) = str::from_utf8(lines) else { return };
    let mut lines = lines.splitn(3, '\n');
    let [features, actions, masks] = [(); 3].map(|()| lines.next().unwrap_or_default());
    let Ok(granted) = crate::unpack(features, actions, masks) else { return };

    let named: BTreeSet<&str> =
        features.split(',').filter_map(|element| element.trim().split_once(':')).map(|(_, name)| name).collect();
    let actions: Vec<&str> = actions.split(',').map(str::trim).collect();
    for permission in &granted {
        assert!(named.contains(permission.feature()) && actions.contains(&permission.action()));
    }
    assert!(granted.len() <= features.split(',').count() * actions.len());

    let well_formed: BTreeSet<Permission> =
        granted.iter().filter_map(|permission| Permission::parse(&permission.to_string()).ok()).collect();
    let packed = crate::pack(&well_formed);
    let again =
        crate::unpack(&packed.features, &packed.permissions, &packed.masks).expect("what was packed can be unpacked");
    assert!(again.iter().eq(&well_formed));
}

/// A key that is read shows itself unchanged and names a host that is nothing but a host.
pub fn publishable_key(text: &[u8]) {
    let Ok(text) = str::from_utf8(text) else { return };
    let Ok(key) = PublishableKey::parse(text) else { return };
    assert_eq!(key.to_string(), text);
    let host = key.frontend_api();
    assert!(host.contains('.') && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte)));
    let again = PublishableKey::for_frontend_api(key.environment(), host).expect("a host that was read is a host");
    assert_eq!((again.frontend_api(), again.issuer()), (host, key.issuer()));
}

/// Four lines: id, timestamp, signatures, and the rest is the body. Nobody can sign without the secret; whoever has it is
/// taken; another body under the same signature is not.
pub fn delivery(request: &[u8]) {
    let mut parts = request.splitn(4, |byte| *byte == b'\n');
    let [id, timestamp, signatures, body] = [(); 4].map(|()| parts.next().unwrap_or_default());
    let [id, timestamp, signatures] = [id, timestamp, signatures].map(String::from_utf8_lossy);
    let fields = [("webhook-id", &id), ("webhook-timestamp", &timestamp), ("webhook-signature", &signatures)];
    let headers = DeliveryHeaders::from_lookup(|wanted| {
        fields.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_ref())
    })
    .expect("all three headers are there");

    let secret = SigningSecret::generate([7; 24]);
    let verify = |headers: &DeliveryHeaders<'_>, body: &[u8], now: Timestamp| {
        crate::verify_delivery(std::slice::from_ref(&secret), headers, body, now, Duration::from_secs(300))
    };
    let refusal = verify(&headers, body, Timestamp::from_seconds(0)).expect_err("nobody else can sign");
    assert!(!refusal.to_string().is_empty() && !refusal.code().is_empty() && !refusal.hint().is_empty());

    let (Ok(id), Ok(seconds)) = (DeliveryId::parse(&id), timestamp.parse::<u32>()) else { return };
    let signature = secret.sign(&id, seconds.into(), body);
    let timestamp = seconds.to_string();
    let headers = DeliveryHeaders { id: id.as_str(), timestamp: &timestamp, signatures: &signature };
    let now = Timestamp::from_seconds(seconds.into());
    assert_eq!(verify(&headers, body, now).expect("signed with the secret").id, id);
    let longer = [body, b"x"].concat();
    assert!(verify(&headers, &longer, now).is_err());
}

/// An event that is read keeps its data byte for byte and its type by name, and every view of the data is read or refused.
pub fn event(body: &[u8]) {
    let Ok(event) = Event::parse(body) else { return };
    assert!(body.windows(event.data.get().len()).any(|window| window == event.data.get().as_bytes()));
    assert_eq!(EventKind::parse(event.kind.as_str()), event.kind);
    object(event.data.get().as_bytes());
}

/// What is read of a cleaned object holds no zero byte, and the object without a member is an object without it.
pub fn object(json: &[u8]) {
    let Ok(json) = str::from_utf8(json) else { return };
    let json = crate::jsonb_text(json);
    let Ok(object) = Object::parse("object", &json) else { return };
    for path in ["id", "first_name", "payer.user_id", "organization.id"] {
        assert!(object.text(path).is_none_or(|text| !text.contains('\0')), "{path}");
    }
    let primary = object.primary("primary_email_address_id", "email_addresses", "email_address");
    assert!(primary.is_none_or(|primary| !primary.text.contains('\0')));
    assert!(object.texts("permissions").is_none_or(|texts| texts.iter().all(|text| !text.contains('\0'))));
    if let Some(metadata) = object.raw("public_metadata") {
        assert_eq!(crate::jsonb_text(metadata.get()), metadata.get());
    }
    if let Some(shortened) = object.without(&["url", "invitation.url"]) {
        let shortened = Object::parse("object", &shortened).expect("an object stays one");
        assert!(shortened.raw("url").is_none() && shortened.raw("invitation.url").is_none());
        assert_eq!(shortened.text("id"), object.text("id"));
    }
}

/// Cleaned text is as long as before, needs no cleaning again, and JSON stays JSON: without zero bytes or lone surrogates.
pub fn jsonb_text(text: &[u8]) {
    let Ok(text) = str::from_utf8(text) else { return };
    let cleaned = crate::jsonb_text(text);
    assert_eq!(cleaned.len(), text.len());
    assert_eq!(crate::jsonb_text(&cleaned), cleaned);
    if serde_json::from_str::<&RawValue>(text).is_ok() {
        serde_json::from_str::<&RawValue>(&cleaned).expect("JSON stays JSON");
    }
    if serde_json::from_str::<String>(text).is_ok_and(|text| !text.contains('\0')) {
        assert_eq!(cleaned, text, "what is acceptable is not touched");
    }
    // A string that serde_json refuses for its surrogates, or that holds a zero byte, must have become acceptable.
    if serde_json::from_str::<&RawValue>(text).is_ok_and(|value| value.get().starts_with('"')) {
        let string: String = serde_json::from_str(&cleaned).expect("no lone surrogate is left");
        assert!(!string.contains('\0'));
    }
}
