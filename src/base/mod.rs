//! Floor 0: ids, time, the span model and its canonical bytes, varints, checksums, limits, errors.

pub mod anatomy;
pub mod bytes;
pub mod checksum;
pub mod effort;
pub mod error;
pub mod ids;
pub mod kept;
pub mod limits;
pub mod model;
pub mod number;
pub mod observer;
pub mod quick;
pub mod recent;
pub mod text;
pub mod time;
pub mod varint;
pub mod view;
pub mod wire;
