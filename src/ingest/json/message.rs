//! Messages and lists of them, from JSON to protobuf.
//!
//! Lists are written while they are read, so that no more than one element is held as a
//! structure, however many `{}` a hostile request lists.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};

use crate::base::wire::put_message;

/// A message that writes its protobuf fields.
pub trait Put {
    /// Appends the fields.
    fn put(&self, out: &mut Vec<u8>);
}

/// A message type whose values may borrow from the input.
pub trait Element {
    /// What is read, from input that lives for `'a`.
    type Read<'a>: Deserialize<'a> + Put;
}

/// Repeated fields of messages under `TAG`.
pub struct Many<const TAG: u8, E>(pub Vec<u8>, PhantomData<E>);

impl<const TAG: u8, E> Default for Many<TAG, E> {
    fn default() -> Self {
        Self(Vec::new(), PhantomData)
    }
}

impl<'de, const TAG: u8, E: Element> Deserialize<'de> for Many<TAG, E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<const TAG: u8, E>(PhantomData<E>);
        impl<'de, const TAG: u8, E: Element> Visitor<'de> for List<TAG, E> {
            type Value = Many<TAG, E>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of objects")
            }

            fn visit_unit<X: Error>(self) -> Result<Self::Value, X> {
                Ok(Many::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut out = Vec::new();
                while let Some(element) = list.next_element::<E::Read<'de>>()? {
                    put_message(&mut out, TAG, |out| element.put(out));
                }
                Ok(Many(out, PhantomData))
            }
        }
        deserializer.deserialize_any(List(PhantomData))
    }
}
