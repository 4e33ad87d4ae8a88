//! The services, what they are written in, and how their clocks tick.

/// One service of the shop.
#[derive(Debug)]
pub struct Service {
    /// `service.name`.
    pub name: &'static str,
    /// What it is written in.
    pub language: Language,
    /// Its releases so far; a roll-out moves on to the next.
    pub version: (u32, u32),
    /// How many instances run.
    pub instances: u64,
    /// The port it listens on.
    pub port: i64,
    /// A tick of its clock, in nanoseconds.
    pub tick: u64,
}

/// A programming language with its OpenTelemetry SDK.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// C++.
    Cpp,
    /// C# and .NET.
    DotNet,
    /// Go.
    Go,
    /// Java.
    Java,
    /// JavaScript on Node.js.
    Node,
    /// Python.
    Python,
    /// Ruby.
    Ruby,
    /// Rust.
    Rust,
}

impl Language {
    /// `telemetry.sdk.language`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cpp => "cpp",
            Self::DotNet => "dotnet",
            Self::Go => "go",
            Self::Java => "java",
            Self::Node => "nodejs",
            Self::Python => "python",
            Self::Ruby => "ruby",
            Self::Rust => "rust",
        }
    }

    /// `telemetry.sdk.version`.
    pub const fn sdk_version(self) -> &'static str {
        match self {
            Self::Cpp => "1.19.0",
            Self::DotNet => "1.11.2",
            Self::Go => "1.35.0",
            Self::Java => "1.48.0",
            Self::Node => "1.30.1",
            Self::Python => "1.31.1",
            Self::Ruby => "1.8.0",
            Self::Rust => "0.29.0",
        }
    }

    /// `process.runtime.name` and `process.runtime.version`, where the SDK tells.
    pub const fn runtime(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Cpp | Self::Rust => None,
            Self::DotNet => Some((".NET", "9.0.3")),
            Self::Go => Some(("go", "go1.24.1")),
            Self::Java => Some(("OpenJDK Runtime Environment", "21.0.6+7-LTS")),
            Self::Node => Some(("nodejs", "22.14.0")),
            Self::Python => Some(("cpython", "3.12.9")),
            Self::Ruby => Some(("ruby", "3.4.2")),
        }
    }
}

const MICRO: u64 = 1000;

macro_rules! services {
    ($($id:ident $name:literal $language:ident $major:literal.$minor:literal x $instances:literal : $port:literal, $tick:expr;)*) => {
        $(
            #[doc = concat!("The service `", $name, "`.")]
            pub static $id: Service = Service {
                name: $name,
                language: Language::$language,
                version: ($major, $minor),
                instances: $instances,
                port: $port,
                tick: $tick,
            };
        )*

        /// All services.
        pub static ALL: &[&Service] = &[$(&$id),*];
    };
}

services! {
    WEB "web-frontend" Node 8 . 14 x 4: 3000, MICRO;
    GATEWAY "api-gateway" Go 3 . 2 x 3: 8080, MICRO;
    ACCOUNT "account" Java 5 . 41 x 3: 9001, MICRO;
    AD "ad" Java 2 . 7 x 2: 9002, MICRO;
    CART "cart" DotNet 4 . 19 x 3: 9003, MICRO;
    CATALOG "product-catalog" Java 6 . 30 x 4: 9004, MICRO;
    CHECKOUT "checkout" Go 7 . 11 x 2: 9005, 1;
    CURRENCY "currency" Cpp 1 . 3 x 2: 9006, MICRO;
    EMAIL "email" Ruby 2 . 0 x 2: 9007, MICRO;
    FRAUD "fraud-detection" Java 3 . 9 x 2: 9008, MICRO;
    INDEXER "catalog-indexer" Python 1 . 12 x 1: 9009, MICRO;
    INVENTORY "inventory" Java 4 . 4 x 3: 9010, MICRO;
    ORDERS "order-history" DotNet 3 . 27 x 2: 9011, MICRO;
    PAYMENT "payment" Node 9 . 5 x 2: 9012, MICRO;
    RECOMMENDATION "recommendation" Python 2 . 22 x 3: 9013, MICRO;
    SEARCH "search" Java 5 . 8 x 3: 9014, MICRO;
    SHIPPING "shipping" Rust 1 . 6 x 2: 9015, 1;
}
