//! Elements in order.

mod argsort;
mod axis;
mod counted;
mod inplace;
mod input;
mod key;
mod radix;
mod record;
mod splitters;
mod spread;
mod table;
mod unique;

mod whole;

pub(in crate::compute) use key::Keyed;
