//! The running instances of the services, and what their resources say of them.

use tracekeep::{KeyValue, Resource, Scope, ScopeContext, Str, Value};

use crate::rng::mix;
use crate::shop::instrumentation::{MEDIA, Medium, library};
use crate::shop::services::{ALL, Language, Service};
use crate::text::push_uuid;

/// Every service is rolled out anew about this often, which replaces its instances.
const ROLL_OUT_NANOS: u64 = 30 * 3600 * 1_000_000_000;

/// How many nodes the cluster has.
const NODES: u64 = 12;

/// All instances of all services.
#[derive(Debug)]
pub struct Fleet {
    services: Vec<Staff>,
    scopes: Vec<ScopeContext>,
    resources: Vec<(Resource, Str)>,
    seed: u64,
}

#[derive(Debug)]
struct Staff {
    service: &'static Service,
    /// Per instance: the roll-out it belongs to, and its place in `resources`.
    instances: Vec<(u64, u32)>,
    /// The scope of each medium.
    scopes: [u32; MEDIA.len()],
}

/// One instance of a service, as its spans know it.
#[derive(Clone, Copy, Debug)]
pub struct Instance {
    /// Its service.
    pub service: &'static Service,
    /// Which of [`ALL`] that is.
    pub service_index: usize,
    /// Its resource in [`Fleet::resource`].
    pub resource: u32,
    /// How far its clock is ahead, in nanoseconds.
    pub skew: i64,
}

impl Fleet {
    /// The fleet of this seed.
    pub fn new(seed: u64) -> Self {
        let mut fleet =
            Self { services: Vec::new(), scopes: Vec::new(), resources: Vec::new(), seed };
        for &service in ALL {
            let scopes = MEDIA.map(|medium| fleet.scope_code(service, medium));
            let instances = (0..service.instances).map(|_| (u64::MAX, 0)).collect();
            fleet.services.push(Staff { service, instances, scopes });
        }
        fleet
    }

    /// The instance `number` (of however many there are) of a service, `age` nanoseconds after the
    /// workload began.
    pub fn instance(&mut self, service_index: usize, number: u64, age: u64) -> Option<Instance> {
        let staff = self.services.get_mut(service_index)?;
        let service = staff.service;
        let number = number % service.instances;
        let own = mix(self.seed ^ mix((service_index as u64) << 32 | number));
        let all = mix(self.seed ^ mix(service_index as u64));
        // Each service rolls out at its own hour.
        let round = (age + all % ROLL_OUT_NANOS) / ROLL_OUT_NANOS;
        let slot = staff.instances.get_mut(number as usize)?;
        if slot.0 != round {
            let code = self.resources.len() as u32;
            *slot = (round, code);
            self.resources.push(describe(service, mix(own ^ mix(round)), number, round));
        }
        let resource = slot.1;
        Some(Instance { service, service_index, resource, skew: (own % 400_000) as i64 - 200_000 })
    }

    /// The scope of spans of a service about this medium.
    pub fn scope_of(&self, service_index: usize, medium: Medium) -> u32 {
        let staff = self.services.get(service_index);
        staff.and_then(|s| s.scopes.get(medium as usize)).copied().unwrap_or_default()
    }

    /// What a resource's code stands for.
    pub fn resource(&self, code: u32) -> Option<&Resource> {
        self.resources.get(code as usize).map(|(resource, _)| resource)
    }

    /// The network address of the instance with this resource.
    pub fn address(&self, code: u32) -> Str {
        self.resources.get(code as usize).map(|(_, address)| address.clone()).unwrap_or_default()
    }

    /// What a scope's code stands for.
    pub fn scope(&self, code: u32) -> Option<&ScopeContext> {
        self.scopes.get(code as usize)
    }

    fn scope_code(&mut self, service: &'static Service, medium: Medium) -> u32 {
        let scope = match library(service.language, medium) {
            Some((name, version)) => {
                Scope { name: name.into(), version: version.into(), ..Scope::default() }
            }
            None => Scope {
                name: service.name.into(),
                attributes: own_scope_attributes(service),
                ..Scope::default()
            },
        };
        let semantic = matches!(service.language, Language::Java | Language::Go);
        let schema = if semantic { "https://opentelemetry.io/schemas/1.30.0" } else { "" };
        let context =
            ScopeContext { scope: Some(scope), schema_url: schema.into(), unknown: Vec::new() };
        let known = self.scopes.iter().position(|known| *known == context);
        let code = known.unwrap_or_else(|| {
            self.scopes.push(context);
            self.scopes.len() - 1
        });
        code as u32
    }
}

fn own_scope_attributes(service: &Service) -> Vec<KeyValue> {
    let tells = service.language == Language::Node;
    tells.then(|| KeyValue::new("app.team", "storefront")).into_iter().collect()
}

/// The resource of an instance, and its address.
fn describe(service: &Service, identity: u64, number: u64, round: u64) -> (Resource, Str) {
    let name = service.name;
    let (major, minor) = service.version;
    let set = format!("{name}-{:09x}", mix(round ^ u64::from(major)) & 0xf_ffff_ffff);
    let pod = format!("{set}-{:05x}", identity & 0xf_ffff);
    let node = format!("node-{:02}.shop.internal", identity % NODES);
    let address = Str::from(format!("10.12.{}.{}", identity % NODES, (identity >> 8) % 250 + 2));
    let mut instance = String::new();
    push_uuid(&mut instance, mix(identity ^ 1), mix(identity ^ 2));

    let mut attributes = vec![
        KeyValue::new("service.name", name),
        KeyValue::new("service.namespace", "shop"),
        KeyValue::new("service.version", format!("{major}.{}.{}", minor, round % 10)),
        KeyValue::new("service.instance.id", instance),
        KeyValue::new("deployment.environment.name", "production"),
        KeyValue::new("host.name", node.as_str()),
        KeyValue::new("k8s.namespace.name", "shop"),
        KeyValue::new("k8s.deployment.name", name),
        KeyValue::new("k8s.pod.name", pod),
        KeyValue::new("k8s.node.name", node),
        KeyValue::new("cloud.region", "eu-central-1"),
        KeyValue::new(
            "cloud.availability_zone",
            ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
                .into_iter()
                .nth((identity % 3) as usize)
                .unwrap_or_default(),
        ),
        KeyValue::new("process.pid", Value::Int((number + 1) as i64)),
        KeyValue::new("telemetry.sdk.name", "opentelemetry"),
        KeyValue::new("telemetry.sdk.language", service.language.name()),
        KeyValue::new("telemetry.sdk.version", service.language.sdk_version()),
    ];
    if let Some((runtime, version)) = service.language.runtime() {
        attributes.push(KeyValue::new("process.runtime.name", runtime));
        attributes.push(KeyValue::new("process.runtime.version", version));
    }
    (Resource { attributes, ..Resource::default() }, address)
}
