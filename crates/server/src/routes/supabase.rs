//! Supabase's paths that nothing is behind here: an application that calls one learns why, and what to do instead.

use axum::http::Uri;
use axum::response::{IntoResponse as _, Response};

use crate::Failure;

/// Service by service, and what to say.
const NOT_SERVED: &[(&str, &str)] = &[
    (
        "/auth/v1",
        "there is no Supabase Auth: users sign in with Clerk; pass `accessToken` to createClient and leave `supabase.auth` alone",
    ),
    (
        "/storage/v1",
        "there is no Storage yet: buckets and objects are tables that policies can be written on, and files are not kept",
    ),
    ("/graphql/v1", "there is no GraphQL: `/rest/v1` reads related tables in one request, too"),
];

/// What is answered where there is no route.
pub(super) async fn elsewhere(uri: Uri) -> Response {
    let below =
        |prefix: &str| uri.path().strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match NOT_SERVED.iter().find(|(prefix, _)| below(prefix)) {
        Some((_, why)) => Failure::NotServed(why).into_data_api_response(),
        None => Failure::NoRoute.into_response(),
    }
}
