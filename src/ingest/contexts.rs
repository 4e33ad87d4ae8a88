//! Contexts of resources and scopes, each held once however many spans name it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::base::checksum::hash128;
use crate::base::model::{ResourceContext, ScopeContext};
use crate::base::wire;

/// What a context costs beside its bytes: the maps' entries and the counters.
const OVERHEAD_BYTES: usize = 256;

/// How much larger than its bytes a decoded context is, roughly.
const DECODED_FACTOR: usize = 4;

/// Makes of canonical bytes what they say; `None` if they are not canonical.
type Decode<T> = fn(&[u8]) -> Option<T>;

/// A context: its canonical bytes, and what they say.
#[derive(Debug)]
pub struct Context<T> {
    bytes: Box<[u8]>,
    decode: Decode<T>,
    /// Made for the first reader: most spans are flushed before anyone asks for them.
    decoded: OnceLock<Arc<T>>,
}

impl<T: Default> Context<T> {
    /// The owned model, shared by every span that is read back.
    pub fn decoded(&self) -> &Arc<T> {
        // They were decoded once before, to see that they are canonical.
        self.decoded.get_or_init(|| Arc::new((self.decode)(&self.bytes).unwrap_or_default()))
    }
}

impl<T> Context<T> {
    /// Canonical bytes, as in [`wire`].
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it takes in memory once it is decoded, estimated.
    pub fn memory_bytes(&self) -> usize {
        OVERHEAD_BYTES + self.bytes.len() * (1 + DECODED_FACTOR)
    }
}

/// A shared context, and whether the call that asked for it made it.
pub struct Interned<T> {
    /// The context.
    pub context: Arc<Context<T>>,
    /// Whether it was not held before: its memory is the caller's to account for.
    pub is_new: bool,
}

/// Finds contexts by their canonical bytes, within a bound of memory.
#[derive(Debug)]
pub struct Contexts {
    resources: Interner<ResourceContext>,
    scopes: Interner<ScopeContext>,
}

impl Contexts {
    /// An interner that holds at most about `limit_bytes` of contexts that nothing else holds.
    pub fn new(limit_bytes: usize) -> Self {
        let half = limit_bytes / 2;
        Self {
            resources: Interner::new(half, wire::decode_resource_context),
            scopes: Interner::new(half, wire::decode_scope_context),
        }
    }

    /// The resource context of these bytes; `None` if they are not canonical.
    pub fn resource(&self, canonical: &[u8]) -> Option<Interned<ResourceContext>> {
        self.resources.intern(canonical)
    }

    /// The scope context of these bytes; `None` if they are not canonical.
    pub fn scope(&self, canonical: &[u8]) -> Option<Interned<ScopeContext>> {
        self.scopes.intern(canonical)
    }

    /// What the contexts held take in memory, estimated.
    pub fn memory_bytes(&self) -> usize {
        self.resources.lock().memory_bytes + self.scopes.lock().memory_bytes
    }
}

#[derive(Debug)]
struct Interner<T> {
    limit_bytes: usize,
    decode: Decode<T>,
    held: Mutex<Held<T>>,
}

#[derive(Debug)]
struct Held<T> {
    by_hash: HashMap<u128, Arc<Context<T>>>,
    memory_bytes: usize,
}

impl<T> Interner<T> {
    fn new(limit_bytes: usize, decode: Decode<T>) -> Self {
        let held = Mutex::new(Held { by_hash: HashMap::new(), memory_bytes: 0 });
        Self { limit_bytes, decode, held }
    }

    fn lock(&self) -> MutexGuard<'_, Held<T>> {
        // What is held is valid after every step, so a panic elsewhere does not spoil it.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn intern(&self, canonical: &[u8]) -> Option<Interned<T>> {
        let hash = hash128(canonical);
        let mut held = self.lock();
        if let Some(context) = held.by_hash.get(&hash)
            && *context.bytes == *canonical
        {
            return Some(Interned { context: Arc::clone(context), is_new: false });
        }
        (self.decode)(canonical)?;
        let (bytes, decode) = (canonical.into(), self.decode);
        let context = Arc::new(Context { bytes, decode, decoded: OnceLock::new() });
        held.memory_bytes += context.memory_bytes();
        // Of two contexts with one hash the later is kept: both stay right, one is held twice.
        if let Some(former) = held.by_hash.insert(hash, Arc::clone(&context)) {
            held.memory_bytes -= former.memory_bytes();
        }
        if held.memory_bytes > self.limit_bytes {
            held.shrink(self.limit_bytes);
        }
        Some(Interned { context, is_new: true })
    }
}

impl<T> Held<T> {
    /// Lets go of what nobody uses; of everything, if that does not free half. Contexts in use
    /// live on with their users, who have accounted for them.
    fn shrink(&mut self, limit_bytes: usize) {
        self.by_hash.retain(|_, context| Arc::strong_count(context) > 1);
        self.memory_bytes = self.by_hash.values().map(|context| context.memory_bytes()).sum();
        if self.memory_bytes > limit_bytes / 2 {
            self.by_hash.clear();
            self.memory_bytes = 0;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn schema(url: &str) -> Vec<u8> {
        let context = ScopeContext { schema_url: url.into(), ..ScopeContext::default() };
        let mut bytes = Vec::new();
        wire::encode_scope_context(&context, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn equal_bytes_share_one_context() {
        let contexts = Contexts::new(1 << 20);
        let first = contexts.scope(&schema("a")).unwrap();
        let again = contexts.scope(&schema("a")).unwrap();
        assert!(first.is_new && !again.is_new);
        assert!(Arc::ptr_eq(&first.context, &again.context));
        assert_eq!(first.context.decoded().schema_url, "a");
        assert!(contexts.scope(&[0x1a, 0]).is_none(), "an explicit default is not canonical");
    }

    #[test]
    fn p7_memory_stays_bounded() {
        let contexts = Contexts::new(20_000);
        let mut users = Vec::new();
        for i in 0..1000 {
            users.push(contexts.scope(&schema(&i.to_string())).unwrap().context);
            assert!(contexts.memory_bytes() <= 20_000);
        }
        assert_eq!(users.first().unwrap().decoded().schema_url, "0");
    }
}
