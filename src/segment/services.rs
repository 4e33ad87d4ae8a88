//! Which resources are of the same service: statistics and peaks tell rows apart by it.

use std::collections::HashMap;

use crate::base::error::Result;
use crate::base::model::{Resource, ResourceContext};
use crate::base::wire::{decode_resource_context, encode_resource_context};
use crate::block::pool::Pool;

/// The attribute that names a resource's service.
pub const SERVICE_NAME: &str = "service.name";

/// Services beyond so many share a number that stands for none.
const MAX_SERVICES: usize = 1024;

/// The services of a segment.
#[derive(Debug, Default)]
pub(super) struct Services {
    /// For each service a resource that names it.
    pub resources: Vec<u32>,
    /// By resource code.
    numbers: Vec<u32>,
}

impl Services {
    /// Groups resources by all that they say of their service's name.
    pub fn of(resources: &Pool) -> Result<Self> {
        let mut services = Self::default();
        let mut known: HashMap<Vec<u8>, u32> = HashMap::new();
        for code in 0..resources.len() {
            let mut name = Vec::new();
            if let Some(context) = decode_resource_context(resources.get(code)) {
                encode_resource_context(&only_name(context), &mut name)?;
            }
            let next = services.resources.len() as u32;
            let number = match known.get(&name) {
                Some(&number) => number,
                None if known.len() >= MAX_SERVICES => MAX_SERVICES as u32,
                None => {
                    services.resources.push(code);
                    known.insert(name, next);
                    next
                }
            };
            services.numbers.push(number);
        }
        Ok(services)
    }

    /// The number of a resource's service; `None` if it has to do without.
    pub fn number(&self, resource: u32) -> Option<u32> {
        let number = self.numbers.get(resource as usize).copied();
        number.filter(|&number| (number as usize) < self.resources.len())
    }
}

/// A resource that says nothing but its service's name.
fn only_name(context: ResourceContext) -> ResourceContext {
    let attributes = context.resource.map(|resource| resource.attributes).unwrap_or_default();
    let attributes = attributes.into_iter().filter(|a| a.key == *SERVICE_NAME).collect();
    ResourceContext {
        resource: Some(Resource { attributes, ..Resource::default() }),
        ..ResourceContext::default()
    }
}
