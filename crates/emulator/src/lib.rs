//! Clerk, offline: Backend API, JWKS, sessions and a Svix-faithful webhook sender
