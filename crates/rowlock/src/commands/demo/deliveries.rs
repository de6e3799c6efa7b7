//! The ways in which webhooks really arrive.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::people::{count, id_of};
use super::story::Story;
use crate::stack::Stack;

/// Clerk's clock counts milliseconds; two changes within one would be a tie, which is another story.
const BETWEEN_CHANGES: Duration = Duration::from_millis(2);

/// Three states of one user, each delivered three times, the newest first.
pub(super) async fn shuffled(stack: &Stack, story: &mut Story) -> anyhow::Result<()> {
    let (users, webhooks) = (stack.emulator.users(), stack.emulator.webhooks());
    webhooks.pause();
    let before = webhooks.message_ids().len();
    let carol = id_of(&users.create(&json!({ "email_address": ["carol@example.com"], "first_name": "Karol" }))?)?;
    for name in ["Caroll", "Carol"] {
        tokio::time::sleep(BETWEEN_CHANGES).await;
        users.update(&carol, &json!({ "first_name": name }))?;
    }
    let messages = webhooks.message_ids().split_off(before);
    for message in messages.iter().rev() {
        for _ in 0..3 {
            deliver(stack, message).await?;
        }
    }
    webhooks.resume();
    webhooks.settled().await;
    let mut attempts = 0;
    for message in &messages {
        attempts += delivered_attempts(&webhooks.message(message)?);
    }
    let settled =
        format!("select count(*) from rowlock.inbox where object_id = '{carol}' and state in ('applied', 'stale')");
    let settled = count(stack, &settled).await?;
    let name = first_name(stack, &carol).await?;
    let held = attempts >= 9 && settled == 3 && name.as_deref() == Some("Carol");
    let detail = format!(
        "{} deliveries, each 3 times, the newest first: {settled} settled, {} duplicates ignored, the row says {}",
        messages.len(),
        attempts - settled,
        name.as_deref().unwrap_or("nothing")
    );
    story.step("shuffled", held, detail);
    Ok(())
}

/// An update that was on its way while the user was deleted.
pub(super) async fn late_after_the_end(stack: &Stack, story: &mut Story) -> anyhow::Result<()> {
    let (users, webhooks) = (stack.emulator.users(), stack.emulator.webhooks());
    let dan = id_of(&users.create(&json!({ "email_address": ["dan@example.com"], "first_name": "Dan" }))?)?;
    webhooks.settled().await;
    webhooks.pause();
    let before = webhooks.message_ids().len();
    users.update(&dan, &json!({ "first_name": "Daniel" }))?;
    users.delete(&dan)?;
    let messages = webhooks.message_ids().split_off(before);
    for message in messages.iter().rev() {
        deliver(stack, message).await?;
    }
    webhooks.resume();
    webhooks.settled().await;
    let tombstones = format!(
        "select count(*) from clerk.users where id = '{dan}' and deleted_at is not null and first_name is null and raw is null"
    );
    let held = count(stack, &tombstones).await? == 1 && first_name(stack, &dan).await?.is_none();
    story.step(
        "stays-deleted",
        held,
        "user.deleted, then a late user.updated: the user stays deleted, and the tombstone holds nothing about them",
    );
    Ok(())
}

/// Sends a message now and waits until the server has answered.
async fn deliver(stack: &Stack, message: &str) -> anyhow::Result<()> {
    let webhooks = stack.emulator.webhooks();
    webhooks.send(message, 1)?;
    webhooks.settled().await;
    Ok(())
}

/// How many attempts of a message the server answered with success.
fn delivered_attempts(message: &Value) -> i64 {
    let deliveries = message["deliveries"].as_array().into_iter().flatten();
    let attempts = deliveries.flat_map(|delivery| delivery["attempts"].as_array().into_iter().flatten());
    let succeeded =
        attempts.filter(|attempt| attempt["response_status"].as_i64().or(attempt["status"].as_i64()) == Some(200));
    i64::try_from(succeeded.count()).unwrap_or(i64::MAX)
}

async fn first_name(stack: &Stack, user: &str) -> anyhow::Result<Option<String>> {
    let connection = stack.owner.get().await?;
    let row = connection.query_opt("select first_name from clerk.active_users where id = $1", &[&user]).await?;
    row.map(|row| row.try_get(0)).transpose().context("first_name is text")
}
