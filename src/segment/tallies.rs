//! What the rows of each template have in sum: for descriptions.

use std::collections::BTreeSet;

use crate::base::error::Result;
use crate::segment::describe::TemplateInfo;
use crate::segment::reader::Segment;

impl Segment {
    /// Adds to the templates whose rows they are, and how many bytes the values take as they
    /// are. Reads every value.
    pub(super) fn tally(&self, templates: &mut [TemplateInfo]) -> Result<()> {
        let mut peek = self.peek()?;
        let mut resources = vec![BTreeSet::new(); templates.len()];
        for row in 0..self.summary().rows as u32 {
            let columns = peek.row(row)?;
            let code = columns.template() as usize;
            let Some(template) = templates.get_mut(code) else { continue };
            if let Some(resources) = resources.get_mut(code) {
                resources.insert(columns.resource()?);
            }
            for (index, column) in template.columns.iter_mut().enumerate() {
                column.plain_bytes += columns.plain_bytes(index)? as u64;
            }
        }
        for (template, resources) in templates.iter_mut().zip(resources) {
            let mut services = BTreeSet::new();
            for code in resources {
                services.extend(self.resource(code)?.service().map(ToString::to_string));
            }
            template.services = services.into_iter().collect();
        }
        Ok(())
    }
}
