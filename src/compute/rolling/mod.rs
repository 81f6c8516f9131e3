//! Statistics of a window that moves along an axis.
//!
//! A [`Rule`](rule::Rule) states how the statistics of two neighbouring pieces become those of both; nothing is ever taken
//! away from a running value, so no digits are lost, and a NaN or an infinity is gone as soon as the window has passed it.
//! [`window`] moves windows over elements that are at hand, and [`walk`] over arrays in files, however long the window is.

mod rule;
mod settings;
mod walk;
mod window;

pub use settings::Rolling;
