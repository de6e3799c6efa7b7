//! Client of Clerk's Backend API: timeouts, retries, rate limits
