//! Making plans, which takes the dashboard at Clerk; here it belongs to the control API.

use clerk::{InstanceId, Timestamp};
use http::StatusCode;

use super::Plan;
use crate::{change::Change, form::Form, refusal::Refusal, roles::stable_id};

/// A plan somebody asks for.
#[derive(Debug)]
pub(crate) struct NewPlan(Plan);

impl NewPlan {
    pub(crate) fn read(mut form: Form) -> Result<Self, Refusal> {
        let name = form.string("name")?.required("name")?;
        let slug = form.string("slug")?.given().unwrap_or_else(|| name.to_lowercase().replace(' ', "_"));
        let amount = form.bounded("amount", 0..=99_999_999)?.given().unwrap_or(0);
        let plan = Plan {
            id: String::new(),
            name,
            slug,
            description: form.string("description")?.given(),
            amount,
            annual_monthly_amount: form.bounded("annual_monthly_amount", 0..=99_999_999)?.given().unwrap_or(amount),
            currency: form.string("currency")?.given().unwrap_or_else(|| "USD".to_owned()),
            payer_type: form.word("for_payer_type", &["user", "org"])?.given().unwrap_or("user").to_owned(),
            is_default: false,
            publicly_visible: form.boolean("publicly_visible")?.given().unwrap_or(true),
            free_trial_days: form.bounded("free_trial_days", 1..=365)?.given(),
            features: form.strings("features")?.given().unwrap_or_default(),
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        };
        form.finish()?;
        Ok(Self(plan))
    }
}

impl Plan {
    pub(super) fn free(payer_type: &str, instance_id: &InstanceId, now: Timestamp) -> Self {
        let slug = format!("free_{payer_type}");
        Self {
            id: stable_id("cplan_", &slug, instance_id),
            name: "Free".to_owned(),
            slug,
            description: None,
            amount: 0,
            annual_monthly_amount: 0,
            currency: "USD".to_owned(),
            payer_type: payer_type.to_owned(),
            is_default: true,
            publicly_visible: true,
            free_trial_days: None,
            features: Vec::new(),
            created_at: now,
            updated_at: now,
        }
    }
}

impl Change<'_> {
    pub(crate) fn create_plan(&mut self, NewPlan(plan): NewPlan) -> Result<Plan, Refusal> {
        if self.state.billing.plans.oldest_first().any(|known| known.slug == plan.slug) {
            let long = format!("There is a plan with the slug {} already.", plan.slug);
            return Err(Refusal::new(
                StatusCode::CONFLICT,
                "plan_slug_already_exists",
                "Plan slug already exists",
                long,
            ));
        }
        let id = self.state.ids.prefixed("cplan_", self.now);
        let plan = Plan { id, created_at: self.now, updated_at: self.now, ..plan };
        self.state.billing.plans.put(plan.clone());
        Ok(plan)
    }
}
