//! The web shop that the traces come from: what its services do, and how they call each other.
//!
//! Everything here is data. An [`Op`] is one operation of one service: how it is entered, how long
//! its own work takes, and the operations it calls in turn. Operations form a tree without cycles,
//! so that a trace is a walk down from one of the [`entrances`].

pub mod backstage;
pub mod failures;
pub mod front;
pub mod instrumentation;
pub mod selling;
pub mod services;
pub mod stock;

use services::Service;

/// One operation of one service.
pub struct Op {
    /// Who does it.
    pub service: &'static Service,
    /// How it is entered, which decides its attributes and whether a client span comes before.
    pub entry: Entry,
    /// Median of its own work, in microseconds, apart from what it calls.
    pub busy_us: u32,
    /// How often it fails by itself, of 10,000.
    pub failures: u32,
    /// What its spans say besides the conventions of its entry.
    pub says: &'static [(&'static str, Says)],
    /// What it calls, one after the other.
    pub steps: &'static [Step],
}

/// How an operation is entered.
pub enum Entry {
    /// An HTTP request: method, route, path with gaps.
    Http(&'static str, &'static str, &'static str),
    /// A gRPC call: service, method.
    Rpc(&'static str, &'static str),
    /// A message from this topic.
    Message(&'static str),
    /// A job that the service starts by itself.
    Job(&'static str),
    /// A function inside the service.
    Local(&'static str),
    /// A statement to a database, seen from the client only: system, database, operation, table,
    /// text with gaps.
    Sql(&'static str, &'static str, &'static str, &'static str, &'static str),
    /// A command to a cache, seen from the client only: operation, text with gaps.
    Cache(&'static str, &'static str),
    /// A request to somebody else's HTTP service: method, host, URL with gaps.
    Outside(&'static str, &'static str, &'static str),
}

/// The value of an attribute.
pub enum Says {
    /// A text with gaps.
    Text(&'static str),
    /// One of these, the first the likeliest.
    Of(&'static [&'static str]),
    /// A whole number in this range, small ones likelier.
    Int(i64, i64),
    /// An amount of money in this range of cents.
    Money(i64, i64),
    /// True this often, of 100.
    Bool(u32),
    /// A text with gaps that is there only this often, of 100.
    Maybe(u32, &'static str),
}

/// One call of an operation.
pub struct Step {
    /// What is called.
    pub op: &'static Op,
    /// How often.
    pub times: Times,
    /// Whether the calls of this step run at the same time.
    pub parallel: bool,
}

/// How often a step is taken.
#[derive(Clone, Copy, Debug)]
pub enum Times {
    /// Once.
    Once,
    /// Once, this often of 100.
    Sometimes(u32),
    /// This often, each time for another product.
    Each(u32),
    /// A heavy-tailed number of times up to this, each time for another product.
    Many(u64),
}

const fn once(op: &'static Op) -> Step {
    Step { op, times: Times::Once, parallel: false }
}

const fn sometimes(percent: u32, op: &'static Op) -> Step {
    Step { op, times: Times::Sometimes(percent), parallel: false }
}

const fn each(count: u32, op: &'static Op) -> Step {
    Step { op, times: Times::Each(count), parallel: true }
}

const fn many(most: u64, op: &'static Op) -> Step {
    Step { op, times: Times::Many(most), parallel: false }
}

const fn many_at_once(most: u64, op: &'static Op) -> Step {
    Step { op, times: Times::Many(most), parallel: true }
}

/// The operations at which traces begin, with their weights.
pub fn entrances() -> [(u32, &'static Op); 15] {
    [
        (110, &front::HOME),
        (230, &front::PRODUCT_PAGE),
        (120, &front::SEARCH_PAGE),
        (90, &front::ADD_TO_CART),
        (85, &front::CART_PAGE),
        (36, &front::CHECKOUT),
        (35, &front::LOGIN),
        (30, &front::ORDERS_PAGE),
        (30, &front::ASSET),
        (32, &front::HEALTH),
        (20, &selling::CART_HEALTH),
        (20, &stock::SEARCH_HEALTH),
        (14, &backstage::EXPIRE_CARTS),
        (10, &backstage::REINDEX),
        (8, &backstage::RECONCILE),
    ]
}
