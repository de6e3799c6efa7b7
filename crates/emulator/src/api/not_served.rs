//! What Clerk's Backend API has (2026-05-12) and the emulator has not, by name.
//!
//! Single sign-on, directories, the texts of e-mails, and the domains of a production instance all need somebody else's
//! server. Asked for them the emulator says so, with 501; asked for what Clerk has not either, it says that.

use http::{Method, StatusCode};

use crate::refusal::Refusal;

/// Method, path and Clerk's name of each operation.
pub(crate) const NOT_SERVED: &[(&str, &str, &str)] = &[
    // In the SDK, and not in the specification yet.
    ("POST", "/v1/beta_features/change_domain", "ChangeDomain"),
    ("POST", "/v1/email", "CreateEmail"),
    ("POST", "/v1/email/batch", "CreateEmailBatch"),
    ("GET", "/v1/email/{email_id}", "GetEmail"),
    ("GET", "/v1/public/interstitial", "GetPublicInterstitial"),
    ("GET", "/v1/templates/{template_type}", "GetTemplateList"),
    ("GET", "/v1/templates/{template_type}/{slug}", "GetTemplate"),
    ("PUT", "/v1/templates/{template_type}/{slug}", "UpsertTemplate"),
    ("POST", "/v1/templates/{template_type}/{slug}/revert", "RevertTemplate"),
    ("POST", "/v1/templates/{template_type}/{slug}/preview", "PreviewTemplate"),
    ("POST", "/v1/templates/{template_type}/{slug}/toggle_delivery", "ToggleTemplateDelivery"),
    ("PUT", "/v1/beta_features/domain", "UpdateProductionInstanceDomain"),
    ("POST", "/v1/domains", "AddDomain"),
    ("DELETE", "/v1/domains/{domain_id}", "DeleteDomain"),
    ("PATCH", "/v1/domains/{domain_id}", "UpdateDomain"),
    ("POST", "/v1/instance/change_domain", "ChangeProductionInstanceDomain"),
    ("POST", "/v1/webhooks/svix", "CreateSvixApp"),
    ("DELETE", "/v1/webhooks/svix", "DeleteSvixApp"),
    ("POST", "/v1/webhooks/svix_url", "GenerateSvixAuthURL"),
    ("POST", "/v1/proxy_checks", "VerifyDomainProxy"),
    ("GET", "/v1/saml_connections", "ListSAMLConnections"),
    ("POST", "/v1/saml_connections", "CreateSAMLConnection"),
    ("GET", "/v1/saml_connections/{saml_connection_id}", "GetSAMLConnection"),
    ("PATCH", "/v1/saml_connections/{saml_connection_id}", "UpdateSAMLConnection"),
    ("DELETE", "/v1/saml_connections/{saml_connection_id}", "DeleteSAMLConnection"),
    ("GET", "/v1/enterprise_connections", "ListEnterpriseConnections"),
    ("POST", "/v1/enterprise_connections", "CreateEnterpriseConnection"),
    ("GET", "/v1/enterprise_connections/{enterprise_connection_id}", "GetEnterpriseConnection"),
    ("PATCH", "/v1/enterprise_connections/{enterprise_connection_id}", "UpdateEnterpriseConnection"),
    ("DELETE", "/v1/enterprise_connections/{enterprise_connection_id}", "DeleteEnterpriseConnection"),
    ("GET", "/v1/enterprise_connections/{enterprise_connection_id}/test_runs", "ListEnterpriseConnectionTestRuns"),
    ("POST", "/v1/enterprise_connections/{enterprise_connection_id}/test_runs", "CreateEnterpriseConnectionTestRun"),
    ("GET", "/v1/scim_directories", "ListSCIMDirectories"),
    ("POST", "/v1/scim_directories", "CreateSCIMDirectory"),
    ("GET", "/v1/scim_directories/{scim_directory_id}", "GetSCIMDirectory"),
    ("PATCH", "/v1/scim_directories/{scim_directory_id}", "UpdateSCIMDirectory"),
    ("DELETE", "/v1/scim_directories/{scim_directory_id}", "DeleteSCIMDirectory"),
    ("POST", "/v1/scim_directories/{scim_directory_id}/rotate_api_key", "RotateSCIMDirectoryAPIKey"),
    ("GET", "/v1/scim_directories/{scim_directory_id}/group_role_mappings", "ListSCIMGroupRoleMappings"),
    ("POST", "/v1/scim_directories/{scim_directory_id}/group_role_mappings", "CreateSCIMGroupRoleMapping"),
    ("PUT", "/v1/scim_directories/{scim_directory_id}/group_role_mappings", "ReplaceSCIMGroupRoleMappings"),
    (
        "DELETE",
        "/v1/scim_directories/{scim_directory_id}/group_role_mappings/{mapping_id}",
        "DeleteSCIMGroupRoleMapping",
    ),
    ("GET", "/v1/directories", "ListDirectories"),
    ("POST", "/v1/directories", "CreateDirectory"),
    ("GET", "/v1/directories/{directory_id}", "GetDirectory"),
    ("PATCH", "/v1/directories/{directory_id}", "UpdateDirectory"),
    ("DELETE", "/v1/directories/{directory_id}", "DeleteDirectory"),
    ("POST", "/v1/directories/{directory_id}/rotate_api_key", "RotateDirectoryAPIKey"),
    ("GET", "/v1/directories/{directory_id}/group_role_mappings", "ListDirectoryGroupRoleMappings"),
    ("POST", "/v1/directories/{directory_id}/group_role_mappings", "CreateDirectoryGroupRoleMapping"),
    ("PUT", "/v1/directories/{directory_id}/group_role_mappings", "ReplaceDirectoryGroupRoleMappings"),
    ("DELETE", "/v1/directories/{directory_id}/group_role_mappings/{mapping_id}", "DeleteDirectoryGroupRoleMapping"),
    ("POST", "/v1/admin_portal_link_tokens", "createAdminPortalLinkToken"),
    ("POST", "/v1/admin_portal_link_tokens/{adminPortalLinkTokenID}/revoke", "revokeAdminPortalLinkToken"),
];

/// The answer to a request that no operation of ours is for.
pub(crate) fn refuse(method: &Method, path: &str) -> Refusal {
    let known = NOT_SERVED.iter().find(|(name, template, _)| *name == method.as_str() && matches(template, path));
    match known {
        Some((_, template, name)) => Refusal::not_emulated(format_args!("{name} ({method} {template})")),
        None => {
            let long = format!("Clerk's Backend API has no operation {method} {path}.");
            Refusal::new(StatusCode::NOT_FOUND, "resource_not_found", "not found", long)
        }
    }
}

fn matches(template: &str, path: &str) -> bool {
    let (mut expected, mut found) = (template.split('/'), path.split('/'));
    loop {
        match (expected.next(), found.next()) {
            (None, None) => return true,
            (Some(expected), Some(found)) if expected.starts_with('{') => {
                if found.is_empty() {
                    return false;
                }
            }
            (Some(expected), Some(found)) if expected == found => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::api::operations::OPERATIONS;

    #[test]
    fn what_is_not_served_is_named_and_what_is_unknown_is_not_found() {
        let refusal = refuse(&Method::PATCH, "/v1/saml_connections/samlc_1");
        assert_eq!(refusal.status(), StatusCode::NOT_IMPLEMENTED);
        assert!(refusal.to_string().contains("UpdateSAMLConnection"), "{refusal}");
        for (method, path) in [(Method::GET, "/v1/usrs"), (Method::PUT, "/v1/saml_connections/samlc_1")] {
            assert_eq!(refuse(&method, path).status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn nothing_is_both_served_and_not() {
        let shape = |method: &str, path: &str| {
            let parts: Vec<&str> =
                path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
            format!("{method} {}", parts.join("/"))
        };
        let served: BTreeSet<String> =
            OPERATIONS.iter().map(|operation| shape(operation.method.as_str(), operation.path)).collect();
        let both: Vec<_> =
            NOT_SERVED.iter().filter(|(method, path, _)| served.contains(&shape(method, path))).collect();
        assert!(both.is_empty(), "{both:?}");
    }

    #[test]
    fn the_page_about_the_emulator_lists_them_all() {
        let page = include_str!("../../../../docs/emulator.md");
        let documented: BTreeSet<&str> =
            page.lines().filter_map(|line| line.strip_prefix("- `")?.strip_suffix('`')).collect();
        let known: Vec<String> =
            NOT_SERVED.iter().map(|(method, path, name)| format!("{method} {path} {name}")).collect();
        assert_eq!(documented, known.iter().map(String::as_str).collect());
    }
}
