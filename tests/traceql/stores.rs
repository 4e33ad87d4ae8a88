//! Random stores: a few traces with every odd span that nobody expects, appended in batches with
//! flushes, merges and reopenings between them.

pub use show::Brief;

mod show;
mod spans;

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use tracekeep::simulation::{Environment, InlineExecutor, ManualClock, MemDisk};
use tracekeep::{
    Options, Resource, ResourceContext, ResourceSpans, Scope, ScopeContext, ScopeSpans, Span,
    Store, Timestamp, TraceSpan,
};

use crate::pool::HOUR;

/// What goes into a store, and how.
#[derive(Clone)]
pub struct World {
    pub resources: Vec<Option<Resource>>,
    pub scopes: Vec<Option<Scope>>,
    pub spans: Vec<Placed>,
    /// What happens behind each batch; there are as many batches.
    pub after: Vec<After>,
    pub shape: Shape,
}

/// A span, of which resource and scope, and the batches that bring it: several bring duplicates.
#[derive(Clone, Debug)]
pub struct Placed {
    pub span: Span,
    pub resource: usize,
    pub scope: usize,
    pub batches: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
pub enum After {
    Nothing,
    Flush,
    Merge,
    Reopen,
}

/// Small everywhere, so that every boundary is met.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub block_rows: usize,
    pub page_bytes: usize,
    pub partition_seconds: u64,
    pub seal_bytes: usize,
}

const BATCHES: usize = 5;

pub fn world() -> BoxedStrategy<World> {
    let after =
        select(vec![After::Nothing, After::Flush, After::Flush, After::Merge, After::Reopen]);
    let shape =
        (4..64usize, 64..512usize, select(vec![86_400, 3600, 60]), select(vec![1 << 20, 1]))
            .prop_map(|(block_rows, page_bytes, partition_seconds, seal_bytes)| Shape {
                block_rows,
                page_bytes,
                partition_seconds,
                seal_bytes,
            });
    (
        prop::collection::vec(spans::resource(), 1..4),
        prop::collection::vec(spans::scope(), 1..3),
        spans::spans(BATCHES),
        prop::collection::vec(after, BATCHES),
        shape,
    )
        .prop_map(|(resources, scopes, mut spans, after, shape)| {
            for placed in &mut spans {
                placed.resource %= resources.len();
                placed.scope %= scopes.len();
            }
            World { resources, scopes, spans, after, shape }
        })
        .boxed()
}

/// The disk of a world and what is open on it.
pub struct Opened {
    disk: MemDisk,
    options: Options,
    pub store: Store,
}

impl Opened {
    /// As after a crash that lost nothing: what was not flushed comes from the log.
    pub fn reopen(self) -> Self {
        let Self { disk, options, store } = self;
        // The directory's lock goes with it.
        drop(store);
        let store = open(&disk, &options);
        Self { disk, options, store }
    }

    pub fn reader(&self) -> tracekeep::Reader {
        tracekeep::Reader::open_in("/store", self.options.clone(), environment(&self.disk)).unwrap()
    }
}

impl World {
    /// Appends everything as described.
    pub fn build(&self) -> Opened {
        let options = Options::default()
            .block_rows(self.shape.block_rows)
            .page_bytes(self.shape.page_bytes)
            .partition(Duration::from_secs(self.shape.partition_seconds))
            .seal_bytes(self.shape.seal_bytes)
            .merge_fan_in(2)
            .threads(0)
            .min_free_bytes(0);
        // In memory: thousands of real fsyncs would be most of the test's time.
        let disk = MemDisk::new();
        let store = open(&disk, &options);
        let mut opened = Opened { disk, options, store };
        for (number, after) in self.after.iter().enumerate() {
            let batch = self.batch(number);
            if !batch.is_empty() {
                assert_eq!(opened.store.append(&batch).unwrap().accepted, batch.len() as u64);
            }
            match after {
                After::Nothing => {}
                After::Flush => opened.store.flush().unwrap(),
                After::Merge => opened.store.merge().unwrap(),
                After::Reopen => opened = opened.reopen(),
            }
        }
        opened
    }

    fn batch(&self, number: usize) -> Vec<ResourceSpans> {
        let own = self.spans.iter().filter(|placed| placed.batches.contains(&number));
        own.map(|placed| ResourceSpans {
            resource: self.resources[placed.resource].clone(),
            scope_spans: vec![ScopeSpans {
                scope: self.scopes[placed.scope].clone(),
                spans: vec![placed.span.clone()],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        })
        .collect()
    }

    /// The live spans: a set.
    pub fn live(&self) -> Vec<TraceSpan> {
        let mut live = Vec::new();
        for placed in &self.spans {
            let span = TraceSpan {
                resource: Arc::new(ResourceContext {
                    resource: self.resources[placed.resource].clone(),
                    ..ResourceContext::default()
                }),
                scope: Arc::new(ScopeContext {
                    scope: self.scopes[placed.scope].clone(),
                    ..ScopeContext::default()
                }),
                span: placed.span.clone(),
            };
            if !live.contains(&span) {
                live.push(span);
            }
        }
        live
    }
}

fn open(disk: &MemDisk, options: &Options) -> Store {
    Store::open_in("/store", options.clone(), environment(disk)).unwrap()
}

fn environment(disk: &MemDisk) -> Environment {
    Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(Timestamp::from_nanos(HOUR))),
        executor: Arc::new(InlineExecutor::new()),
    }
}
