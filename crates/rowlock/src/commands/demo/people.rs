//! Two people in two organizations, created in Clerk and awaited in Postgres.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::story::Story;
use crate::stack::Stack;

/// A row that is not there after this long has been lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who the demo is about.
pub(super) struct People {
    pub(super) ada: Person,
    pub(super) bob: Person,
}

/// A person with their organization.
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) user_id: String,
    pub(super) organization: &'static str,
    pub(super) organization_id: String,
}

impl People {
    pub(super) async fn sign_up(stack: &Stack, story: &mut Story) -> anyhow::Result<Self> {
        // The first delivery opens connections and plans statements; the second shows the usual time.
        let bob = Person::sign_up(stack, "Bob", "Kahn", "Globex").await?;
        let ada = Person::sign_up(stack, "Ada", "Lovelace", "Acme").await?;
        let milliseconds = ada.1.as_secs_f64() * 1000.0;
        story.step(
            "webhook-to-row",
            true,
            format!("user.created → signed webhook → row in clerk.users in {milliseconds:.1} ms"),
        );
        let members = count(stack, "select count(*) from clerk.active_organization_memberships").await?;
        story.step(
            "members",
            members == 2,
            format!("Ada is in Acme and Bob in Globex: {members} memberships, none by hand"),
        );
        Ok(Self { ada: ada.0, bob: bob.0 })
    }
}

impl Person {
    /// Signs somebody up with an organization of their own; how long the user's row took from Clerk to Postgres.
    async fn sign_up(
        stack: &Stack,
        first_name: &'static str,
        last_name: &str,
        organization: &'static str,
    ) -> anyhow::Result<(Self, Duration)> {
        let address = format!("{}@example.com", first_name.to_lowercase());
        let began = Instant::now();
        let user = stack.emulator.users().create(&json!({
            "email_address": [address], "first_name": first_name, "last_name": last_name,
        }))?;
        let user_id = id_of(&user)?;
        await_row(stack, "clerk.active_users", &user_id).await?;
        let took = began.elapsed();
        let created = stack.emulator.organizations().create(&json!({ "name": organization, "created_by": user_id }))?;
        let organization_id = id_of(&created)?;
        await_row(stack, "clerk.active_organizations", &organization_id).await?;
        stack.emulator.webhooks().settled().await;
        Ok((Self { name: first_name, user_id, organization, organization_id }, took))
    }
}

/// The `id` of an object that the emulator gave.
pub(super) fn id_of(object: &Value) -> anyhow::Result<String> {
    Ok(object["id"].as_str().context("an object without an id")?.to_owned())
}

/// A number that Postgres counts.
pub(super) async fn count(stack: &Stack, statement: &str) -> anyhow::Result<i64> {
    Ok(stack.owner.get().await?.query_one(statement, &[]).await?.get(0))
}

async fn await_row(stack: &Stack, view: &str, id: &str) -> anyhow::Result<()> {
    let connection = stack.owner.get().await?;
    let statement = connection.prepare_cached(&format!("select from {view} where id = $1")).await?;
    let began = Instant::now();
    while connection.query_opt(&statement, &[&id]).await?.is_none() {
        if began.elapsed() > PATIENCE {
            bail!("{id} is not in {view} after {} s: its webhook was lost", PATIENCE.as_secs());
        }
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    Ok(())
}
