//! Selling: cart, prices, advertisements, recommendations, checkout.

use crate::shop::backstage::ORDER_PLACED;
use crate::shop::services::{
    AD, CART, CHECKOUT, CURRENCY, EMAIL, PAYMENT, RECOMMENDATION, SHIPPING,
};
use crate::shop::stock::{GET_PRODUCT, RESERVE};
use crate::shop::{Entry, Op, Says, each, many, once, sometimes};

const USER: (&str, Says) = ("user.id", Says::Text("{user}"));

/// What lies in the cart.
pub static GET_CART: Op = Op {
    service: &CART,
    entry: Entry::Rpc("shop.cart.v1.CartService", "GetCart"),
    busy_us: 380,
    failures: 45,
    says: &[
        USER,
        ("app.cart.items.count", Says::Int(0, 14)),
        ("app.request.id", Says::Text("{uuid}")),
    ],
    steps: &[once(&READ_CART)],
};

/// Puts a product into the cart.
pub static ADD_ITEM: Op = Op {
    service: &CART,
    entry: Entry::Rpc("shop.cart.v1.CartService", "AddItem"),
    busy_us: 520,
    failures: 60,
    says: &[
        USER,
        ("app.product.id", Says::Text("{product}")),
        ("app.product.quantity", Says::Int(1, 10)),
    ],
    steps: &[once(&READ_CART), once(&WRITE_CART), once(&EXPIRE_CART)],
};

/// The prober asks whether the cart lives.
pub static CART_HEALTH: Op = Op {
    service: &CART,
    entry: Entry::Http("GET", "/health/ready", "/health/ready"),
    busy_us: 180,
    failures: 10,
    says: &[],
    steps: &[],
};

static READ_CART: Op = Op {
    service: &CART,
    entry: Entry::Cache("HGETALL", "HGETALL cart:{user}"),
    busy_us: 290,
    failures: 10,
    says: &[],
    steps: &[],
};

static WRITE_CART: Op = Op {
    service: &CART,
    entry: Entry::Cache("HSET", "HSET cart:{user} {product} ?"),
    busy_us: 310,
    failures: 10,
    says: &[],
    steps: &[],
};

static EXPIRE_CART: Op = Op {
    service: &CART,
    entry: Entry::Cache("EXPIRE", "EXPIRE cart:{user} 5184000"),
    busy_us: 240,
    failures: 10,
    says: &[],
    steps: &[],
};

static EMPTY_CART: Op = Op {
    service: &CART,
    entry: Entry::Rpc("shop.cart.v1.CartService", "EmptyCart"),
    busy_us: 350,
    failures: 30,
    says: &[USER],
    steps: &[once(&WRITE_CART)],
};

/// Converts a price.
pub static CONVERT: Op = Op {
    service: &CURRENCY,
    entry: Entry::Rpc("shop.currency.v1.CurrencyService", "Convert"),
    busy_us: 120,
    failures: 6,
    says: &[
        ("app.currency.conversion.from", Says::Of(&["USD", "EUR", "JPY"])),
        ("app.currency.conversion.to", Says::Of(CURRENCIES)),
    ],
    steps: &[],
};

const CURRENCIES: &[&str] =
    &["EUR", "USD", "GBP", "CHF", "JPY", "CAD", "SEK", "PLN", "DKK", "NOK", "AUD", "CZK", "TRY"];

/// Finds advertisements for what the user looks at.
pub static GET_ADS: Op = Op {
    service: &AD,
    entry: Entry::Rpc("shop.ad.v1.AdService", "GetAds"),
    busy_us: 900,
    failures: 250,
    says: &[
        (
            "app.ads.category",
            Says::Of(&["clothing", "kitchen", "hair", "decor", "garden", "travel"]),
        ),
        ("app.ads.count", Says::Int(1, 4)),
        ("app.ads.ad_request_type", Says::Of(&["TARGETED", "NOT_TARGETED"])),
    ],
    steps: &[once(&FLAG), sometimes(80, &RANK_ADS)],
};

static RANK_ADS: Op = Op {
    service: &AD,
    entry: Entry::Local("getAdsByCategory"),
    busy_us: 700,
    failures: 15,
    says: &[("code.function.name", Says::Text("shop.ad.AdRanker.getAdsByCategory"))],
    steps: &[],
};

static FLAG: Op = Op {
    service: &AD,
    entry: Entry::Outside("POST", "flagd", "http://flagd:8016/ofrep/v1/evaluate/flags/adHighCpu"),
    busy_us: 260,
    failures: 10,
    says: &[("feature_flag.result.variant", Says::Of(&["off", "on"]))],
    steps: &[],
};

/// Recommends products.
pub static LIST_RECOMMENDATIONS: Op = Op {
    service: &RECOMMENDATION,
    entry: Entry::Rpc("shop.recommendation.v1.RecommendationService", "ListRecommendations"),
    busy_us: 2300,
    failures: 110,
    says: &[
        ("app.products_recommended.count", Says::Int(6, 6)),
        ("app.cache_hit", Says::Bool(83)),
        ("app.model.version", Says::Of(&["2025-11-03", "2025-11-17"])),
    ],
    steps: &[once(&READ_VECTORS), sometimes(17, &SCORE), each(6, &GET_PRODUCT)],
};

static READ_VECTORS: Op = Op {
    service: &RECOMMENDATION,
    entry: Entry::Cache("SMEMBERS", "SMEMBERS similar:{product}"),
    busy_us: 420,
    failures: 18,
    says: &[],
    steps: &[],
};

static SCORE: Op = Op {
    service: &RECOMMENDATION,
    entry: Entry::Local("score_candidates"),
    busy_us: 8000,
    failures: 30,
    says: &[("app.candidates.count", Says::Int(20, 400)), ("app.filtered", Says::Bool(40))],
    steps: &[],
};

/// What shipping will cost.
pub static GET_QUOTE: Op = Op {
    service: &SHIPPING,
    entry: Entry::Http("POST", "/get-quote", "/get-quote"),
    busy_us: 600,
    failures: 35,
    says: &[
        ("app.shipping.items.count", Says::Int(1, 14)),
        ("app.shipping.cost.total", Says::Money(300, 4900)),
    ],
    steps: &[sometimes(30, &CARRIER_RATES)],
};

static CARRIER_RATES: Op = Op {
    service: &SHIPPING,
    entry: Entry::Outside(
        "GET",
        "api.parcel.example",
        "https://api.parcel.example/v1/rates?items={number}",
    ),
    busy_us: 48_000,
    failures: 400,
    says: &[],
    steps: &[],
};

static SHIP: Op = Op {
    service: &SHIPPING,
    entry: Entry::Http("POST", "/ship-order", "/ship-order"),
    busy_us: 800,
    failures: 50,
    says: &[("app.shipping.tracking.id", Says::Text("{uuid}"))],
    steps: &[once(&BOOK_CARRIER)],
};

static BOOK_CARRIER: Op = Op {
    service: &SHIPPING,
    entry: Entry::Outside("POST", "api.parcel.example", "https://api.parcel.example/v1/shipments"),
    busy_us: 90_000,
    failures: 300,
    says: &[],
    steps: &[],
};

/// Turns the cart into an order.
pub static PLACE_ORDER: Op = Op {
    service: &CHECKOUT,
    entry: Entry::Rpc("shop.checkout.v1.CheckoutService", "PlaceOrder"),
    busy_us: 1900,
    failures: 250,
    says: &[
        USER,
        ("app.order.id", Says::Text("{order}")),
        ("app.order.items.count", Says::Int(1, 14)),
        ("app.order.amount", Says::Money(900, 90_000)),
        ("app.payment.method", Says::Of(&["card", "paypal", "invoice", "gift"])),
    ],
    steps: &[
        once(&PREPARE),
        once(&CHARGE),
        once(&SHIP),
        once(&EMPTY_CART),
        once(&CONFIRM),
        once(&ORDER_PLACED),
    ],
};

static PREPARE: Op = Op {
    service: &CHECKOUT,
    entry: Entry::Local("prepareOrderItemsAndShippingQuoteFromCart"),
    busy_us: 400,
    failures: 40,
    says: &[("app.cart.items.count", Says::Int(1, 14))],
    steps: &[once(&GET_CART), many(70, &PRICE_ITEM), once(&GET_QUOTE), once(&CONVERT)],
};

static PRICE_ITEM: Op = Op {
    service: &CHECKOUT,
    entry: Entry::Local("priceItem"),
    busy_us: 90,
    failures: 0,
    says: &[("app.product.id", Says::Text("{product}"))],
    steps: &[once(&GET_PRODUCT), once(&CONVERT), once(&RESERVE)],
};

static CHARGE: Op = Op {
    service: &PAYMENT,
    entry: Entry::Rpc("shop.payment.v1.PaymentService", "Charge"),
    busy_us: 1100,
    failures: 400,
    says: &[
        ("app.payment.amount", Says::Money(900, 90_000)),
        ("app.payment.card_type", Says::Of(&["visa", "mastercard", "amex"])),
        ("app.payment.charged", Says::Bool(98)),
        ("app.loyalty.level", Says::Of(&["none", "bronze", "silver", "gold", "platinum"])),
    ],
    steps: &[once(&ACQUIRE)],
};

static ACQUIRE: Op = Op {
    service: &PAYMENT,
    entry: Entry::Outside(
        "POST",
        "api.acquirer.example",
        "https://api.acquirer.example/v3/charges/{uuid}/capture",
    ),
    busy_us: 160_000,
    failures: 120,
    says: &[],
    steps: &[],
};

static CONFIRM: Op = Op {
    service: &EMAIL,
    entry: Entry::Http("POST", "/send_order_confirmation", "/send_order_confirmation"),
    busy_us: 2600,
    failures: 120,
    says: &[("app.order.id", Says::Text("{order}"))],
    steps: &[once(&SEND_MAIL)],
};

static SEND_MAIL: Op = Op {
    service: &EMAIL,
    entry: Entry::Local("send_email"),
    busy_us: 31_000,
    failures: 350,
    says: &[
        ("app.email.recipient", Says::Text("{user}@mail.example")),
        ("app.email.template", Says::Of(&["confirmation", "confirmation_gift"])),
    ],
    steps: &[],
};
