//! Keeps the clerk schema equal to Clerk: inbox, projection, tombstones, retries, dead letters
