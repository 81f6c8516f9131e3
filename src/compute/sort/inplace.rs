//! All elements in order, in the array that they are in.

use super::whole::count_of;
use crate::compute::{Job, Number, Source, Target};
use crate::error::Result;

impl Job<'_> {
    /// Sorts the elements of an array among themselves: `ndarray.sort` of an array of one axis. An array of more axes is sorted
    /// along its storage: row-major order for C-order arrays, column-major order for Fortran-order ones; for the lines along an
    /// axis see [`sort_axis`](Self::sort_axis).
    ///
    /// The order is that of [`sort`](Self::sort). All elements are read before the first is written, into memory or a temporary
    /// file. If the process is killed or a write fails after that, some elements may be written and others lost:
    /// `sort(&a).save(path)` is the safe form, which needs the space of a second array. Nothing is flushed.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let mut a = array![3, 1, 2];
    /// Job::new().sort_inplace(&mut a)?;
    /// assert_eq!(a, array![1, 2, 3]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`sort`](Self::sort); [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for an array in memory
    /// whose elements have gaps between them, before anything is changed.
    pub fn sort_inplace<A>(&self, a: &mut A) -> Result<()>
    where
        A: Source<Elem: Number> + Target<Elem = <A as Source>::Elem>,
    {
        a.store()?;
        let gathered = self.gather(&*a, count_of(&*a)?, false)?;
        gathered.write(self, &*a.store()?)
    }
}
