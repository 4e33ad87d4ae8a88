//! What users touch: the web frontend and the gateway behind it.

use crate::shop::selling::{
    ADD_ITEM, CONVERT, GET_ADS, GET_CART, GET_QUOTE, LIST_RECOMMENDATIONS, PLACE_ORDER,
};
use crate::shop::services::{ACCOUNT, GATEWAY, WEB};
use crate::shop::stock::{GET_PRODUCT, LIST_ORDERS, LIST_PRODUCTS, RUN_SEARCH};
use crate::shop::{Entry, Op, Says, each, many, once, sometimes};

const REQUEST: (&str, Says) = ("http.request.header.x-request-id", Says::Text("{uuid}"));
const USER: (&str, Says) = ("user.id", Says::Text("{user}"));
const SESSION: (&str, Says) = ("session.id", Says::Text("{session}"));
const TIER: (&str, Says) = ("app.user.tier", Says::Of(&["standard", "plus", "business", "staff"]));

macro_rules! page {
    ($id:ident $method:literal $route:literal $path:literal $api:ident $api_route:literal $api_path:literal
     fails $failures:literal busy $busy:literal : $($step:expr),*) => {
        #[doc = concat!("The page `", $route, "`.")]
        pub static $id: Op = Op {
            service: &WEB,
            entry: Entry::Http($method, $route, $path),
            busy_us: $busy,
            failures: $failures,
            says: &[REQUEST, USER, SESSION, TIER],
            steps: &[sometimes(35, &RENDER), once(&$api)],
        };

        static $api: Op = Op {
            service: &GATEWAY,
            entry: Entry::Http($method, $api_route, $api_path),
            busy_us: 600,
            failures: 30,
            says: &[
                REQUEST,
                USER,
                ("http.request.body.size", Says::Int(0, 900)),
                ("http.response.body.size", Says::Int(300, 90_000)),
            ],
            steps: &[once(&AUTHORIZE), $($step),*],
        };
    };
}

page! { HOME "GET" "/" "/" API_HOME "/api/v2/home" "/api/v2/home" fails 80 busy 4200:
once(&LIST_PRODUCTS), once(&LIST_RECOMMENDATIONS), each(3, &CONVERT), sometimes(70, &GET_ADS), once(&GET_CART) }

page! { PRODUCT_PAGE "GET" "/product/:productId" "/product/{product}" API_PRODUCT "/api/v2/products/:productId" "/api/v2/products/{product}" fails 60 busy 3100:
once(&GET_PRODUCT), once(&LIST_RECOMMENDATIONS), sometimes(60, &GET_ADS), once(&CONVERT), sometimes(50, &GET_CART) }

page! { SEARCH_PAGE "GET" "/search" "/search" API_SEARCH "/api/v2/search" "/api/v2/search" fails 120 busy 2900:
once(&RUN_SEARCH), many(160, &CONVERT), sometimes(40, &GET_ADS) }

page! { ADD_TO_CART "POST" "/cart" "/cart" API_ADD "/api/v2/cart/items" "/api/v2/cart/items" fails 90 busy 1800:
once(&GET_PRODUCT), once(&ADD_ITEM), once(&GET_CART) }

page! { CART_PAGE "GET" "/cart" "/cart" API_CART "/api/v2/cart" "/api/v2/cart" fails 70 busy 2600:
once(&GET_CART), many(120, &GET_PRODUCT), once(&GET_QUOTE), once(&CONVERT), once(&LIST_RECOMMENDATIONS) }

page! { CHECKOUT "POST" "/cart/checkout" "/cart/checkout" API_CHECKOUT "/api/v2/checkout" "/api/v2/checkout" fails 200 busy 5200:
once(&PLACE_ORDER) }

page! { ORDERS_PAGE "GET" "/account/orders" "/account/orders" API_ORDERS "/api/v2/users/:userId/orders" "/api/v2/users/{user}/orders" fails 50 busy 2400:
once(&LIST_ORDERS), many(90, &GET_PRODUCT) }

/// The page `/login`.
pub static LOGIN: Op = Op {
    service: &WEB,
    entry: Entry::Http("POST", "/login", "/login"),
    busy_us: 1500,
    failures: 100,
    says: &[REQUEST, USER],
    steps: &[once(&SIGN_IN)],
};

/// A file of the page: script, style or picture.
pub static ASSET: Op = Op {
    service: &WEB,
    entry: Entry::Http("GET", "/static/*", "/static/img/{product}.webp"),
    busy_us: 700,
    failures: 150,
    says: &[("http.response.body.size", Says::Int(900, 400_000))],
    steps: &[],
};

/// The prober asks whether the frontend lives.
pub static HEALTH: Op = Op {
    service: &WEB,
    entry: Entry::Http("GET", "/healthz", "/healthz"),
    busy_us: 250,
    failures: 20,
    says: &[],
    steps: &[],
};

static RENDER: Op = Op {
    service: &WEB,
    entry: Entry::Local("render page"),
    busy_us: 2100,
    failures: 10,
    says: &[
        ("next.route", Says::Of(&["/product/[productId]", "/", "/search", "/cart"])),
        ("next.span_type", Says::Text("Render.getServerSideProps")),
    ],
    steps: &[],
};

static AUTHORIZE: Op = Op {
    service: &ACCOUNT,
    entry: Entry::Rpc("shop.account.v1.AccountService", "ValidateSession"),
    busy_us: 450,
    failures: 40,
    says: &[SESSION, ("enduser.role", Says::Of(&["customer", "guest", "support"]))],
    steps: &[once(&SESSION_LOOKUP), sometimes(12, &LOAD_USER)],
};

static SIGN_IN: Op = Op {
    service: &ACCOUNT,
    entry: Entry::Rpc("shop.account.v1.AccountService", "SignIn"),
    busy_us: 5200,
    failures: 300,
    says: &[USER, ("app.auth.method", Says::Of(&["password", "passkey", "google", "apple"]))],
    steps: &[
        once(&LOAD_USER),
        once(&HASH_PASSWORD),
        once(&SAVE_SESSION),
        sometimes(60, &TOUCH_USER),
    ],
};

static HASH_PASSWORD: Op = Op {
    service: &ACCOUNT,
    entry: Entry::Local("PasswordHasher.verify"),
    busy_us: 41_000,
    failures: 0,
    says: &[
        ("code.function.name", Says::Text("shop.account.PasswordHasher.verify")),
        ("app.hash.cost", Says::Int(12, 12)),
    ],
    steps: &[],
};

static SESSION_LOOKUP: Op = Op {
    service: &ACCOUNT,
    entry: Entry::Cache("GET", "GET session:{session}"),
    busy_us: 310,
    failures: 8,
    says: &[],
    steps: &[],
};

static SAVE_SESSION: Op = Op {
    service: &ACCOUNT,
    entry: Entry::Cache("SETEX", "SETEX session:{session} 3600 ?"),
    busy_us: 380,
    failures: 8,
    says: &[],
    steps: &[],
};

static LOAD_USER: Op = Op {
    service: &ACCOUNT,
    entry: Entry::Sql(
        "mysql",
        "accounts",
        "SELECT",
        "users",
        "SELECT id, email, display_name, tier, locale, created_at FROM users WHERE id = ?",
    ),
    busy_us: 900,
    failures: 12,
    says: &[("db.response.returned_rows", Says::Int(1, 1))],
    steps: &[],
};

static TOUCH_USER: Op = Op {
    service: &ACCOUNT,
    entry: Entry::Sql(
        "mysql",
        "accounts",
        "UPDATE",
        "users",
        "UPDATE users SET last_seen_at = NOW(6), logins = logins + 1 WHERE id = ?",
    ),
    busy_us: 1900,
    failures: 25,
    says: &[],
    steps: &[],
};
