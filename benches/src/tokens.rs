//! Verifying a session token: ours, the signature alone, and Clerk's own SDK, on the very same token.
//!
//! Ours does what a request pays, on one thread: key look-up, signature, every claim, ten permissions unpacked. The limits
//! check one RSA signature and nothing else. The peer has every thread that Node takes, and unpacks no permissions.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use tokio::runtime::Runtime;

use crate::measure::{Contender, Race, Round, Run};
use crate::report::Report;
use crate::session::{PERMISSIONS, Session};
use crate::{callers, openssl, peer};

pub(crate) fn measure(runtime: &Runtime, report: &mut Report) -> Result<()> {
    let session = runtime.block_on(Session::begin())?;
    let title = format!(
        "tokens: one session token (v2, organization, {PERMISSIONS} permissions, {} bytes)",
        session.token.len()
    );
    let contenders = vec![
        Contender::ours("Verifier::verify, one thread", || verifier(runtime, &session)),
        Contender::limit("aws-lc-rs, RSA verify alone, key parsed", signature_alone(runtime, &session)),
        Contender::limit("openssl speed rsa2048, verify column", openssl::rsa_verify()),
        Contender::peer("@clerk/backend verifyToken, 16 in flight", peer::verify_token(&session)),
    ];
    report.add(Race::run(title, contenders)?);
    Ok(())
}

fn verifier(runtime: &Runtime, session: &Session) -> Result<Round> {
    let (verifier, token): (_, Arc<str>) = (Arc::clone(&session.verifier), session.token.as_str().into());
    callers::round(runtime, 1, move || {
        let (verifier, token) = (Arc::clone(&verifier), Arc::clone(&token));
        async move {
            verifier.verify(&token).await?;
            Ok(())
        }
    })
}

/// The signature of the same token, over the same bytes, with everything prepared that can be.
fn signature_alone<'a>(runtime: &'a Runtime, session: &Session) -> Result<Run<'a>> {
    let der: String = session.public_key_pem.lines().filter(|line| !line.starts_with('-')).collect();
    let key = Arc::new(ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, STANDARD.decode(der)?)?);
    let (message, signature) = session.token.rsplit_once('.').context("a token has a signature")?;
    let (message, signature): (Arc<str>, Arc<[u8]>) = (message.into(), URL_SAFE_NO_PAD.decode(signature)?.into());
    Ok(Box::new(move || {
        let (key, message, signature) = (Arc::clone(&key), Arc::clone(&message), Arc::clone(&signature));
        callers::round(runtime, 1, move || {
            let verified = key.verify_sig(message.as_bytes(), &signature);
            async move { verified.context("the token's own signature does not match") }
        })
    }))
}
