//! Replacing values in place.

use std::sync::atomic::Ordering;

use portable_atomic::AtomicU64;

use super::marks;
use super::value::equals;
use crate::compute::engine::sink::{Part, Sink};
use crate::compute::kernel::vectorised;
use crate::compute::{Job, Number};
use crate::error::Result;

impl Job<'_> {
    /// Sets every element that equals `old` to `new`, in place, and returns how many there were: `a[a == old] = new`.
    ///
    /// 0 and -0 are equal, and NaN is equal to every NaN, as in [`count_value`](Self::count_value): so `replace_value(&mut a,
    /// f64::NAN, 0.0)` leaves no NaN. Only those parts of a file are written in which there is something to replace.
    ///
    /// After an error some elements are replaced and others are not.
    ///
    /// # Errors
    ///
    /// As [`Self::map_inplace`].
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let mut a = array![1.0_f64, f64::NAN, 3.0, f64::NAN];
    /// assert_eq!(Job::new().replace_value(&mut a, f64::NAN, 0.0)?, 2);
    /// assert_eq!(a, array![1.0, 0.0, 3.0, 0.0]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    pub fn replace_value<S: Sink<Elem: Number> + ?Sized>(&self, a: &mut S, old: S::Elem, new: S::Elem) -> Result<u64> {
        let is_old = equals(old);
        let replaced = AtomicU64::new(0);
        self.each_part(a, |part, scratch| {
            part.update_if(scratch, |items| {
                let count = marks::count(items, &is_old);
                if count > 0 {
                    vectorised(
                        #[inline(always)]
                        || items.iter_mut().for_each(|item| *item = if is_old(*item) { new } else { *item }),
                    );
                    replaced.fetch_add(count, Ordering::Relaxed);
                }
                count > 0
            })
        })?;
        Ok(replaced.into_inner())
    }
}
