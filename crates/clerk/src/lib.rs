//! The language of Clerk, pure: ids, claims, permissions, token classes, keys, webhook signatures, events
