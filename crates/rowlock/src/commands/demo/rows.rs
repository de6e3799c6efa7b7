//! Who sees which rows: tokens verified, statements run as their principal, answers by row-level security.

use anyhow::Context as _;
use clerk::{OrganizationId, UserId};
use emulator::{SessionTokenVersion, TokenRequest};
use tokens::Principal;

use super::people::{People, Person};
use super::story::Story;
use crate::stack::Stack;

const SCHEMA: &str = include_str!("tasks.sql");

pub(super) async fn show(stack: &Stack, people: &People, story: &mut Story) -> anyhow::Result<()> {
    let owner = stack.owner.get().await?;
    owner.batch_execute(SCHEMA).await.context("the demo's table cannot be created")?;
    for person in [&people.ada, &people.bob] {
        for (title, organization) in [("private note", None), ("team task", Some(&person.organization_id))] {
            let title = format!("{}'s {title}", person.name);
            let insert = "insert into public.tasks (title, owner_id, org_id) values ($1, $2, $3)";
            owner.execute(insert, &[&title, &person.user_id, &organization]).await?;
        }
    }
    // Both shapes of Clerk's tokens: the same rows.
    for (person, version) in [(&people.ada, SessionTokenVersion::V2), (&people.bob, SessionTokenVersion::V1)] {
        let titles = titles(stack, &principal(stack, person, true, version).await?).await?;
        let expected = [format!("{}'s private note", person.name), format!("{}'s team task", person.name)];
        let number = if version == SessionTokenVersion::V2 { 2 } else { 1 };
        let detail = format!(
            "{} at {} (token version {number}) sees {} of 4 tasks: {}",
            person.name,
            person.organization,
            titles.len(),
            titles.join(", ")
        );
        story.step("own-rows", titles == expected, detail);
    }
    let alone = titles(stack, &principal(stack, &people.ada, false, SessionTokenVersion::V2).await?).await?;
    let detail =
        format!("{} without an active organization sees {} of 4: {}", people.ada.name, alone.len(), alone.join(", "));
    story.step("no-organization", alone == ["Ada's private note"], detail);
    let refused = titles(stack, &Principal::anonymous()).await;
    let reason = refused.as_ref().err().map_or_else(|| "nothing refused them".to_owned(), ToString::to_string);
    story.step("anonymous", refused.is_err(), format!("nobody in particular sees none: {reason}"));
    Ok(())
}

async fn principal(
    stack: &Stack,
    person: &Person,
    with_organization: bool,
    version: SessionTokenVersion,
) -> anyhow::Result<Principal> {
    let organization_id = with_organization.then(|| OrganizationId::parse(&person.organization_id)).transpose()?;
    let user_id = Some(UserId::parse(&person.user_id)?);
    let token = stack.emulator.mint(&TokenRequest { user_id, organization_id, version, ..TokenRequest::default() })?;
    Ok(Principal::from(&stack.services.verifier().verify(&token).await?))
}

async fn titles(stack: &Stack, principal: &Principal) -> anyhow::Result<Vec<String>> {
    let act = stack.services.clients().as_principal(principal);
    let rows = act.query("select title from public.tasks order by title", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
