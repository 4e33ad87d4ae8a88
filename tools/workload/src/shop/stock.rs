//! What there is to sell: catalog, search, inventory, and the orders that were placed.

use crate::shop::services::{CATALOG, INVENTORY, ORDERS, SEARCH};
use crate::shop::{Entry, Op, Says, many_at_once, once, sometimes};

const PRODUCT: (&str, Says) = ("app.product.id", Says::Text("{product}"));

/// One product.
pub static GET_PRODUCT: Op = Op {
    service: &CATALOG,
    entry: Entry::Rpc("shop.catalog.v1.ProductCatalogService", "GetProduct"),
    busy_us: 300,
    failures: 18,
    says: &[PRODUCT, ("app.request.id", Says::Maybe(30, "{uuid}"))],
    steps: &[once(&READ_CACHED), sometimes(22, &SELECT_PRODUCT)],
};

/// The products of the front page.
pub static LIST_PRODUCTS: Op = Op {
    service: &CATALOG,
    entry: Entry::Rpc("shop.catalog.v1.ProductCatalogService", "ListProducts"),
    busy_us: 1200,
    failures: 25,
    says: &[("app.products.count", Says::Int(12, 48))],
    steps: &[once(&SELECT_PAGE), once(&SELECT_PRICES)],
};

static READ_CACHED: Op = Op {
    service: &CATALOG,
    entry: Entry::Cache("GET", "GET product:{product}"),
    busy_us: 260,
    failures: 6,
    says: &[],
    steps: &[],
};

static SELECT_PRODUCT: Op = Op {
    service: &CATALOG,
    entry: Entry::Sql(
        "postgresql",
        "catalog",
        "SELECT",
        "products",
        "SELECT p.id, p.name, p.description, p.picture, p.price_units, p.price_nanos, p.categories \
         FROM products p WHERE p.id = $1",
    ),
    busy_us: 1100,
    failures: 15,
    says: &[("db.response.returned_rows", Says::Int(0, 1))],
    steps: &[],
};

static SELECT_PAGE: Op = Op {
    service: &CATALOG,
    entry: Entry::Sql(
        "postgresql",
        "catalog",
        "SELECT",
        "products",
        "SELECT id, name, picture FROM products WHERE listed ORDER BY rank LIMIT 24 OFFSET {number}",
    ),
    busy_us: 2600,
    failures: 20,
    says: &[("db.response.returned_rows", Says::Int(12, 48))],
    steps: &[],
};

static SELECT_PRICES: Op = Op {
    service: &CATALOG,
    entry: Entry::Sql(
        "postgresql",
        "catalog",
        "SELECT",
        "prices",
        "SELECT product_id, units, nanos, valid_until FROM prices WHERE product_id = ANY($1)",
    ),
    busy_us: 1400,
    failures: 15,
    says: &[("db.response.returned_rows", Says::Int(12, 48))],
    steps: &[],
};

/// A search.
pub static RUN_SEARCH: Op = Op {
    service: &SEARCH,
    entry: Entry::Rpc("shop.search.v1.SearchService", "Search"),
    busy_us: 2100,
    failures: 90,
    says: &[
        ("app.search.terms.count", Says::Int(1, 6)),
        ("app.search.hits", Says::Int(0, 3000)),
        ("app.search.sort", Says::Of(&["relevance", "price", "newest", "rating"])),
    ],
    steps: &[once(&PARSE_SEARCH), many_at_once(12, &SEARCH_SHARD), sometimes(25, &SPELLING)],
};

static PARSE_SEARCH: Op = Op {
    service: &SEARCH,
    entry: Entry::Local("QueryParser.parse"),
    busy_us: 110,
    failures: 40,
    says: &[("code.function.name", Says::Text("shop.search.QueryParser.parse"))],
    steps: &[],
};

static SEARCH_SHARD: Op = Op {
    service: &SEARCH,
    entry: Entry::Sql(
        "elasticsearch",
        "products-v7",
        "search",
        "products-v7",
        "{\"query\":{\"multi_match\":{\"query\":\"?\",\"fields\":[\"name^3\",\"description\"]}},\
         \"from\":0,\"size\":24,\"preference\":\"_shards:{number}\"}",
    ),
    busy_us: 6200,
    failures: 60,
    says: &[("db.response.returned_rows", Says::Int(0, 24))],
    steps: &[],
};

static SPELLING: Op = Op {
    service: &SEARCH,
    entry: Entry::Local("SpellChecker.suggest"),
    busy_us: 900,
    failures: 10,
    says: &[("app.search.corrected", Says::Bool(30))],
    steps: &[],
};

/// The prober asks whether the search lives.
pub static SEARCH_HEALTH: Op = Op {
    service: &SEARCH,
    entry: Entry::Http("GET", "/actuator/health", "/actuator/health"),
    busy_us: 900,
    failures: 15,
    says: &[],
    steps: &[],
};

/// Reserves a piece.
pub static RESERVE: Op = Op {
    service: &INVENTORY,
    entry: Entry::Rpc("shop.inventory.v1.InventoryService", "Reserve"),
    busy_us: 500,
    failures: 120,
    says: &[
        PRODUCT,
        ("app.warehouse", Says::Of(&["fra-1", "ams-2", "waw-1", "mad-1", "lyo-1"])),
        ("app.reservation.id", Says::Maybe(40, "{uuid}")),
    ],
    steps: &[once(&LOCK_STOCK), once(&UPDATE_STOCK)],
};

static LOCK_STOCK: Op = Op {
    service: &INVENTORY,
    entry: Entry::Sql(
        "postgresql",
        "inventory",
        "SELECT",
        "stock",
        "SELECT on_hand, reserved, version FROM stock WHERE product_id = '{product}' FOR UPDATE",
    ),
    busy_us: 1300,
    failures: 60,
    says: &[("db.response.returned_rows", Says::Int(1, 1))],
    steps: &[],
};

static UPDATE_STOCK: Op = Op {
    service: &INVENTORY,
    entry: Entry::Sql(
        "postgresql",
        "inventory",
        "UPDATE",
        "stock",
        "UPDATE stock SET reserved = reserved + $1, version = version + 1 WHERE product_id = $2 AND version = $3",
    ),
    busy_us: 1800,
    failures: 60,
    says: &[],
    steps: &[],
};

/// A user's orders.
pub static LIST_ORDERS: Op = Op {
    service: &ORDERS,
    entry: Entry::Rpc("shop.orders.v1.OrderHistoryService", "ListOrders"),
    busy_us: 900,
    failures: 45,
    says: &[("user.id", Says::Text("{user}")), ("app.orders.count", Says::Int(0, 40))],
    steps: &[once(&SELECT_ORDERS)],
};

static SELECT_ORDERS: Op = Op {
    service: &ORDERS,
    entry: Entry::Sql(
        "postgresql",
        "orders",
        "SELECT",
        "orders",
        "SELECT o.id, o.placed_at, o.total, i.product_id, i.quantity FROM orders o JOIN items i ON i.order_id = o.id \
         WHERE o.user_id = '{user}' ORDER BY o.placed_at DESC LIMIT 50",
    ),
    busy_us: 3200,
    failures: 30,
    says: &[("db.response.returned_rows", Says::Int(0, 90))],
    steps: &[],
};
