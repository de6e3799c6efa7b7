//! Verifies Clerk tokens: JWKS cache and verifier, the only source of Verified<Claims>
