//! The templates of an instance. There are a handful, so a list is index enough.

use serde::{Deserialize, Serialize};

use super::JwtTemplate;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct JwtTemplates(Vec<JwtTemplate>);

impl JwtTemplates {
    pub(crate) fn get(&self, id: &str) -> Option<&JwtTemplate> {
        self.0.iter().find(|template| template.id == id)
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<&JwtTemplate> {
        self.0.iter().find(|template| template.name == name)
    }

    pub(crate) fn newest_first(&self) -> impl ExactSizeIterator<Item = &JwtTemplate> {
        self.0.iter().rev()
    }

    pub(crate) fn put(&mut self, template: JwtTemplate) {
        match self.0.iter_mut().find(|known| known.id == template.id) {
            Some(known) => *known = template,
            None => self.0.push(template),
        }
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<JwtTemplate> {
        let position = self.0.iter().position(|template| template.id == id)?;
        Some(self.0.remove(position))
    }
}
