//! `/v1/users`.

use serde_json::json;

use super::{Call, Reply, reply};
use crate::{
    change::{Change, deleted_user},
    metadata::MetadataMode,
    refusal::Refusal,
    users::{NewUser, UserFilter, UserList, UserMetadata, UserPatch},
};

/// Clerk: at most fifty users at once.
const BULK_LIMIT: usize = 50;

pub(crate) fn list(call: &Call) -> Reply {
    let list = UserList::read(&call.query)?;
    call.instance.read(|view| {
        let users = list.select(&view.state.users, &view.state.memberships)?;
        reply(&users.into_iter().map(|user| view.user(user)).collect::<Vec<_>>())
    })
}

pub(crate) fn count(call: &Call) -> Reply {
    let filter = UserFilter::read(&call.query)?;
    call.instance.read(|view| {
        let admitted = view.state.users.oldest_first().filter(|user| filter.admits(user, &view.state.memberships));
        reply(&json!({ "object": "total_count", "total_count": admitted.count() }))
    })
}

pub(crate) fn create(call: &Call) -> Reply {
    let new = NewUser::read(call.form()?)?;
    call.change(|change| {
        let id = change.create_user(new)?;
        show(change, id.as_str())
    })
}

pub(crate) fn get(call: &Call) -> Reply {
    let id = call.path("user_id");
    call.instance.read(|view| {
        let user = view.state.users.get(id).ok_or_else(|| Refusal::not_found("user", id))?;
        reply(&view.user(user))
    })
}

pub(crate) fn update(call: &Call) -> Reply {
    let patch = UserPatch::read(call.form()?, call.version)?;
    altered(call, |change, id| change.update_user(id, patch))
}

pub(crate) fn merge_metadata(call: &Call) -> Reply {
    let metadata = UserMetadata::read(call.form()?)?;
    altered(call, |change, id| change.update_user_metadata(id, metadata, MetadataMode::Merge))
}

pub(crate) fn replace_metadata(call: &Call) -> Reply {
    let metadata = UserMetadata::read(call.form()?)?;
    altered(call, |change, id| change.update_user_metadata(id, metadata, MetadataMode::Replace))
}

pub(crate) fn ban(call: &Call) -> Reply {
    altered(call, |change, id| change.ban_user(id))
}

pub(crate) fn unban(call: &Call) -> Reply {
    altered(call, |change, id| change.unban_user(id))
}

pub(crate) fn remove_password(call: &Call) -> Reply {
    let mut form = call.form()?;
    let sign_out = form.boolean("sign_out_of_other_sessions")?.given().unwrap_or(false);
    form.finish()?;
    altered(call, |change, id| change.remove_password(id, sign_out))
}

/// Bans up to fifty users, all or none; answers with them.
pub(crate) fn ban_many(call: &Call) -> Reply {
    many(call, |change, id| change.ban_user(id))
}

pub(crate) fn unban_many(call: &Call) -> Reply {
    many(call, |change, id| change.unban_user(id))
}

fn many(call: &Call, alter: impl Fn(&mut Change<'_>, &str) -> Result<clerk::UserId, Refusal>) -> Reply {
    let mut form = call.form()?;
    let ids = form.strings("user_ids")?.required("user_ids")?;
    form.finish()?;
    if !(1..=BULK_LIMIT).contains(&ids.len()) {
        let found = format!("A list of {}", ids.len());
        return Err(Refusal::wrong_value("user_ids", &found, &format!("1 to {BULK_LIMIT} ids")));
    }
    call.change(|change| {
        if let Some(unknown) = ids.iter().find(|id| change.state.users.get(id).is_none()) {
            return Err(Refusal::wrong_value("user_ids", unknown, "ids of users"));
        }
        for id in &ids {
            alter(change, id)?;
        }
        let view = change.view();
        let users = ids.iter().filter_map(|id| view.state.users.get(id)).map(|user| view.user(user));
        reply(&users.collect::<Vec<_>>())
    })
}

pub(crate) fn lock(call: &Call) -> Reply {
    altered(call, |change, id| change.lock_user(id))
}

pub(crate) fn unlock(call: &Call) -> Reply {
    altered(call, |change, id| change.unlock_user(id))
}

pub(crate) fn delete(call: &Call) -> Reply {
    call.change(|change| {
        let user = change.delete_user(call.path("user_id"))?;
        reply(&deleted_user(&user))
    })
}

fn altered(call: &Call, alter: impl FnOnce(&mut Change<'_>, &str) -> Result<clerk::UserId, Refusal>) -> Reply {
    call.change(|change| {
        let id = alter(change, call.path("user_id"))?;
        show(change, id.as_str())
    })
}

fn show(change: &Change<'_>, id: &str) -> Reply {
    let view = change.view();
    reply(&view.user(view.state.users.get(id).expect("a user that was just changed exists")))
}
