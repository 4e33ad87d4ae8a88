//! What no user waits for: messages and jobs.

use crate::shop::services::{CART, FRAUD, INDEXER, INVENTORY, ORDERS};
use crate::shop::stock::GET_PRODUCT;
use crate::shop::{Entry, Op, Says, many, once, sometimes};

const ORDER: (&str, Says) = ("app.order.id", Says::Text("{order}"));

/// An order was placed: who listens to the topic `orders`.
pub static ORDER_PLACED: Op = Op {
    service: &ORDERS,
    entry: Entry::Message("orders"),
    busy_us: 900,
    failures: 60,
    says: &[ORDER],
    steps: &[once(&SAVE_ORDER), once(&SAVE_ITEMS), once(&SCREEN)],
};

static SAVE_ORDER: Op = Op {
    service: &ORDERS,
    entry: Entry::Sql(
        "postgresql",
        "orders",
        "INSERT",
        "orders",
        "INSERT INTO orders (id, user_id, placed_at, total, currency) VALUES ($1, $2, $3, $4, $5)",
    ),
    busy_us: 2100,
    failures: 90,
    says: &[],
    steps: &[],
};

static SAVE_ITEMS: Op = Op {
    service: &ORDERS,
    entry: Entry::Sql(
        "postgresql",
        "orders",
        "INSERT",
        "items",
        "INSERT INTO items (order_id, product_id, quantity, price) SELECT * FROM UNNEST($1, $2, $3, $4)",
    ),
    busy_us: 2600,
    failures: 40,
    says: &[],
    steps: &[],
};

static SCREEN: Op = Op {
    service: &FRAUD,
    entry: Entry::Message("orders.accepted"),
    busy_us: 7000,
    failures: 90,
    says: &[
        ORDER,
        ("app.fraud.score", Says::Int(0, 1000)),
        ("app.fraud.rules_fired", Says::Of(&["none", "velocity", "new_device", "geo_mismatch"])),
    ],
    steps: &[once(&PAST_ORDERS), sometimes(45, &RULES)],
};

static PAST_ORDERS: Op = Op {
    service: &FRAUD,
    entry: Entry::Sql(
        "mssql",
        "fraud",
        "SELECT",
        "order_facts",
        "SELECT TOP 100 amount, country, device_hash, decided_at FROM order_facts WHERE user_id = @p0",
    ),
    busy_us: 4100,
    failures: 30,
    says: &[("db.response.returned_rows", Says::Int(0, 100))],
    steps: &[],
};

static RULES: Op = Op {
    service: &FRAUD,
    entry: Entry::Local("RuleEngine.evaluate"),
    busy_us: 1500,
    failures: 30,
    says: &[("app.rules.count", Says::Int(30, 34))],
    steps: &[],
};

/// Brings the search index up to date: the longest traces there are.
pub static REINDEX: Op = Op {
    service: &INDEXER,
    entry: Entry::Job("reindex changed products"),
    busy_us: 30_000,
    failures: 500,
    says: &[
        ("app.job.id", Says::Text("{uuid}")),
        ("app.job.trigger", Says::Of(&["schedule", "manual"])),
    ],
    steps: &[once(&CHANGED), many(900, &INDEX_ONE)],
};

static CHANGED: Op = Op {
    service: &INDEXER,
    entry: Entry::Sql(
        "postgresql",
        "catalog",
        "SELECT",
        "changes",
        "SELECT product_id FROM changes WHERE changed_at > %s ORDER BY changed_at",
    ),
    busy_us: 9000,
    failures: 50,
    says: &[("db.response.returned_rows", Says::Int(0, 700))],
    steps: &[],
};

static INDEX_ONE: Op = Op {
    service: &INDEXER,
    entry: Entry::Local("index_product"),
    busy_us: 1800,
    failures: 60,
    says: &[("app.product.id", Says::Text("{product}"))],
    steps: &[sometimes(30, &GET_PRODUCT), once(&PUT_DOCUMENT)],
};

static PUT_DOCUMENT: Op = Op {
    service: &INDEXER,
    entry: Entry::Outside(
        "PUT",
        "elasticsearch",
        "http://elasticsearch:9200/products-v7/_doc/{product}",
    ),
    busy_us: 3900,
    failures: 80,
    says: &[],
    steps: &[],
};

/// Compares the stock with what the warehouses say.
pub static RECONCILE: Op = Op {
    service: &INVENTORY,
    entry: Entry::Job("StockReconciler.run"),
    busy_us: 12_000,
    failures: 200,
    says: &[
        ("app.job.id", Says::Text("{uuid}")),
        ("app.warehouse", Says::Of(&["fra-1", "ams-2", "waw-1"])),
    ],
    steps: &[many(400, &COMPARE)],
};

static COMPARE: Op = Op {
    service: &INVENTORY,
    entry: Entry::Sql(
        "postgresql",
        "inventory",
        "SELECT",
        "stock",
        "SELECT product_id, on_hand FROM stock WHERE warehouse = $1 AND product_id > '{product}' LIMIT 500",
    ),
    busy_us: 2400,
    failures: 30,
    says: &[("db.response.returned_rows", Says::Int(0, 500))],
    steps: &[],
};

/// Throws away carts that nobody touched for long.
pub static EXPIRE_CARTS: Op = Op {
    service: &CART,
    entry: Entry::Job("CartJanitor.Sweep"),
    busy_us: 5000,
    failures: 100,
    says: &[("app.carts.scanned", Says::Int(100, 5000))],
    steps: &[many(250, &SCAN)],
};

static SCAN: Op = Op {
    service: &CART,
    entry: Entry::Cache("SCAN", "SCAN {number} MATCH cart:* COUNT 100"),
    busy_us: 800,
    failures: 15,
    says: &[],
    steps: &[],
};
