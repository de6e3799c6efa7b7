//! Changes to an organization: profile, metadata, deletion.

use clerk::{EventKind, OrganizationId};

use super::{
    Organization,
    create::{check_name, check_slug},
};
use crate::{
    api_version::ApiVersion,
    billing::Payer,
    change::Change,
    form::{Field, Form},
    images,
    metadata::{self, Metadata, MetadataMode},
    refusal::Refusal,
};

/// What `PATCH /v1/organizations/{id}` asks for.
#[derive(Debug)]
pub(crate) struct OrganizationPatch {
    name: Field<String>,
    slug: Field<String>,
    max_allowed_memberships: Field<i64>,
    admin_delete_enabled: Field<bool>,
    role_set_key: Field<String>,
    created_at: Field<clerk::Timestamp>,
    metadata: Option<OrganizationMetadata>,
}

/// The metadata members of a form.
#[derive(Debug)]
pub(crate) struct OrganizationMetadata {
    public: Field<Metadata>,
    private: Field<Metadata>,
}

impl OrganizationMetadata {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let metadata = Self::take(&mut form)?;
        form.finish()?;
        Ok(metadata)
    }

    fn take(form: &mut Form) -> Result<Self, Refusal> {
        Ok(Self {
            public: metadata::read(form, "public_metadata")?,
            private: metadata::read(form, "private_metadata")?,
        })
    }

    fn apply(self, mode: MetadataMode, organization: &mut Organization) -> Result<(), Refusal> {
        metadata::apply(mode, "public_metadata", self.public, &mut organization.public_metadata)?;
        metadata::apply(mode, "private_metadata", self.private, &mut organization.private_metadata)
    }
}

impl OrganizationPatch {
    pub(crate) fn read(mut form: Form, version: ApiVersion) -> Result<Self, Refusal> {
        let metadata =
            if version.updates_take_metadata() { Some(OrganizationMetadata::take(&mut form)?) } else { None };
        let patch = Self {
            name: form.string("name")?,
            slug: form.string("slug")?,
            max_allowed_memberships: form.bounded("max_allowed_memberships", 0..=i64::MAX)?,
            admin_delete_enabled: form.boolean("admin_delete_enabled")?,
            role_set_key: form.string("role_set_key")?,
            created_at: form.time("created_at")?,
            metadata,
        };
        form.finish()?;
        if let Field::Given(name) = &patch.name {
            check_name(name)?;
        }
        if let Field::Given(slug) = &patch.slug {
            check_slug(slug)?;
        }
        Ok(patch)
    }
}

impl Change<'_> {
    pub(crate) fn update_organization(
        &mut self,
        id: &str,
        patch: OrganizationPatch,
    ) -> Result<OrganizationId, Refusal> {
        self.alter_organization(id, |organization| {
            patch.name.set(&mut organization.name);
            patch.slug.set(&mut organization.slug);
            patch.max_allowed_memberships.set(&mut organization.max_allowed_memberships);
            patch.admin_delete_enabled.set(&mut organization.admin_delete_enabled);
            patch.role_set_key.patch(&mut organization.role_set_key);
            patch.created_at.set(&mut organization.created_at);
            match patch.metadata {
                Some(metadata) => metadata.apply(MetadataMode::Replace, organization),
                None => Ok(()),
            }
        })
    }

    pub(crate) fn update_organization_metadata(
        &mut self,
        id: &str,
        metadata: OrganizationMetadata,
        mode: MetadataMode,
    ) -> Result<OrganizationId, Refusal> {
        self.alter_organization(id, |organization| metadata.apply(mode, organization))
    }

    /// Sets the address of the logo, or takes the logo away.
    pub(crate) fn set_organization_image(&mut self, id: &str, url: Option<String>) -> Result<OrganizationId, Refusal> {
        self.alter_organization(id, |organization| {
            if url.is_none() && organization.image_url.is_none() {
                return Err(images::not_found());
            }
            organization.image_url = url;
            Ok(())
        })
    }

    /// Removes the organization with its memberships and takes it out of active sessions. Clerk is not known to
    /// announce what goes along with a deleted organization, so `organization.deleted` is the only event.
    pub(crate) fn delete_organization(&mut self, id: &str) -> Result<Organization, Refusal> {
        let found = self.state.organizations.by_id_or_slug(id);
        let id = found.ok_or_else(|| Refusal::not_found("organization", id))?.id.clone();
        self.state.memberships.remove_organization(&id);
        self.state.sessions.leave_organization(&id);
        self.state.organization_invitations.remove_where(|invitation| invitation.organization_id == id);
        self.state.api_keys.remove_where(|key| key.subject == id.as_str());
        self.state.billing.remove_payer(&Payer::Organization(id.clone()));
        self.state.organization_domains.remove_where(|domain| domain.organization_id == id);
        let organization = self.state.organizations.remove(&id).expect("the organization was found a moment ago");
        self.announce_deleted_organization(&organization);
        Ok(organization)
    }

    fn alter_organization(
        &mut self,
        id: &str,
        alter: impl FnOnce(&mut Organization) -> Result<(), Refusal>,
    ) -> Result<OrganizationId, Refusal> {
        let found = self.state.organizations.by_id_or_slug(id);
        let mut organization = found.ok_or_else(|| Refusal::not_found("organization", id))?.clone();
        alter(&mut organization)?;
        if self.state.organizations.slug_owner(&organization.slug).is_some_and(|owner| *owner != organization.id) {
            return Err(Refusal::taken("slug", "slug"));
        }
        organization.updated_at = self.now;
        let id = organization.id.clone();
        self.state.organizations.put(organization);
        self.announce_organization(EventKind::OrganizationUpdated, &id);
        Ok(id)
    }
}
