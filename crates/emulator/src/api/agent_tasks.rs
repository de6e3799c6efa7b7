//! `/v1/agents/tasks`.

use super::{Call, Reply, reply};
use crate::agent_tasks::{NewAgentTask, object};

pub(crate) fn create(call: &Call) -> Reply {
    let new = NewAgentTask::read(call.form()?)?;
    call.change(|change| {
        let ticket = change.create_agent_task(new)?;
        reply(&object(&ticket, change.view()))
    })
}

pub(crate) fn revoke(call: &Call) -> Reply {
    call.change(|change| {
        let ticket = change.revoke_agent_task(call.path("agent_task_id"))?;
        reply(&object(&ticket, change.view()))
    })
}
