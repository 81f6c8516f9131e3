//! The different elements of an array.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use ndarray::Array1;
use portable_atomic::AtomicU64;

use super::input::{Input, Run, Sorted, Writer};
use super::key::{Key, Keyed};
use super::table::Table;
use super::whole::count_of;
use crate::compute::engine::Load;
use crate::compute::engine::source::Blocks;
use crate::compute::kernel::Native;
use crate::compute::{Job, Number, Source, Value};
use crate::error::{Error, ErrorKind, Result};

/// Different keys in ascending order, and how often each was found.
#[derive(Debug)]
struct Groups<K> {
    keys: Vec<K>,
    counts: Vec<u64>,
}

impl<K> FromIterator<(K, u64)> for Groups<K> {
    fn from_iter<I: IntoIterator<Item = (K, u64)>>(groups: I) -> Self {
        let (keys, counts) = groups.into_iter().unzip();
        Self { keys, counts }
    }
}

/// What is counted together.
#[derive(Clone, Copy, PartialEq)]
enum Group<K> {
    Number(K),
    Nan,
}

impl Job<'_> {
    /// The different elements in ascending order: `numpy.unique(a)`.
    ///
    /// The order is that of [`sort`](Self::sort). -0.0 and 0.0 are the same value, given as 0.0, and NaN of all kinds are one,
    /// the last, as with NumPy's `equal_nan=True`; of complex numbers with a NaN part the first in order is given. An empty
    /// array gives an empty one.
    ///
    /// Few different elements take one pass and little memory. Many are sorted, through a temporary file where the array does
    /// not fit the memory of the job; the result has to fit it.
    ///
    /// ```
    /// use outcore::Job;
    /// use outcore::ndarray::array;
    ///
    /// let a = array![[2.0, 1.0], [-0.0, 2.0]];
    /// let job = Job::new();
    /// assert_eq!(job.unique(&a)?, array![0.0, 1.0, 2.0]);
    /// assert_eq!(job.unique_counts(&a)?.1, array![1, 1, 2]);
    /// # Ok::<(), outcore::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`sort`](Self::sort); [`ErrorKind::OutOfMemory`] where the result does not fit the memory of the job: what
    /// [`sort`](Self::sort) saves to a file has the same elements next to one another.
    pub fn unique<S: Source<Elem: Number>>(&self, a: &S) -> Result<Array1<Value<S>>> {
        Ok(self.unique_counts(a)?.0)
    }

    /// The different elements in ascending order, and how often each occurs: `numpy.unique_counts(a)`.
    ///
    /// # Errors
    ///
    /// As [`unique`](Self::unique).
    pub fn unique_counts<S: Source<Elem: Number>>(&self, a: &S) -> Result<(Array1<Value<S>>, Array1<u64>)> {
        let parts = self.groups(a, count_of(a)?)?;
        let total = parts.iter().map(|part| part.keys.len()).sum();
        let (mut values, mut counts) = (Vec::with_capacity(total), Vec::with_capacity(total));
        let mut last = None;
        for Groups { keys, counts: found } in parts {
            for (key, count) in keys.into_iter().zip(found) {
                let native = S::Elem::from_key(key).native();
                let group = if native.is_nan() { Group::Nan } else { Group::Number(key) };
                match counts.last_mut() {
                    // Many of the same come in parts, and all that is NaN has come to the end.
                    Some(sum) if last == Some(group) => *sum += count,
                    _ => {
                        values.push(S::Elem::value(native));
                        counts.push(count);
                    }
                }
                last = Some(group);
            }
        }
        Ok((values.into(), counts.into()))
    }

    /// The groups in ascending order, in parts.
    fn groups<T: Number>(&self, a: &dyn Blocks<T>, count: u64) -> Result<Vec<Groups<T::Key>>> {
        let input = Input::of(a, count, |item: T, _| T::same(item.key()));
        if let Some(counts) = self.count_keys(&input)? {
            let found = (0..).zip(counts).filter(|&(_, count)| count > 0);
            return Ok(vec![found.map(|(key, count)| (T::Key::from_low_bits(key), count)).collect()]);
        }
        match self.few_groups(&input)? {
            Some(groups) => Ok(vec![groups]),
            None => self.many_groups(&input),
        }
    }

    /// The groups, by a table of each worker that stays in the cache; nothing where there are too many groups.
    fn few_groups<K: Key>(&self, input: &Input<'_, K>) -> Result<Option<Groups<K>>> {
        let each = (size_of::<K>() + input.itemsize) as u64;
        let piece = self.grid.block_of::<K>() as u64;
        // A unit is so long that its table costs little beside it.
        let unit = piece * (input.count / piece / (4 * self.workers.width() as u64)).max(1);
        let load = Load {
            units: input.count.div_ceil(unit),
            bytes: input.count * size_of::<K>() as u64,
            scratch: piece * each + 2 * Table::<K>::BYTES,
            held: Table::<K>::BYTES,
        };
        if load.scratch + load.held > self.budget() {
            return Ok(None);
        }
        let (all, full) = (&mut Table::new(), AtomicBool::new(false));
        self.in_order(
            load,
            || ((input.open)(), Vec::new()),
            |(read, keys), number, shift| {
                let mut table = Table::new();
                let (mut start, end) = (number * unit, input.count.min((number + 1) * unit));
                while start < end && !full.load(Ordering::Relaxed) {
                    shift.check()?;
                    let stop = end.min(start + piece);
                    keys.resize(usize::try_from(stop - start).unwrap_or(usize::MAX), K::zeroed());
                    read(start..stop, keys)?;
                    if !table.add(keys, 1) {
                        full.store(true, Ordering::Relaxed);
                    }
                    shift.done(size_of_val(keys.as_slice()) as u64);
                    start = stop;
                }
                Ok(table.counts().collect::<Vec<_>>())
            },
            |_, found| {
                if !found.into_iter().all(|(key, count)| all.add(&[key], count)) {
                    full.store(true, Ordering::Relaxed);
                }
                Ok(())
            },
        )?;
        if full.into_inner() {
            return Ok(None);
        }
        let mut found: Vec<_> = all.counts().collect();
        found.sort_unstable();
        Ok(Some(found.into_iter().collect()))
    }

    /// The groups, by sorting.
    fn many_groups<K: Key>(&self, input: &Input<'_, K>) -> Result<Vec<Groups<K>>> {
        // Half of the memory is for the result, first in parts, then put together.
        let memory = self.budget() / 2;
        let held = self.hold(memory)?;
        let most = memory / (2 * (size_of::<K>() + size_of::<u64>())) as u64;
        let (parts, found) = (&Mutex::new(BTreeMap::new()), &AtomicU64::new(0));
        let add = |start, groups: Groups<K>| {
            let len = groups.keys.len() as u64;
            let sum = found.fetch_add(len, Ordering::Relaxed) + len;
            if sum > most {
                let message = format!("more than {most} different elements, for which the job has memory");
                return Err(Error::new(ErrorKind::OutOfMemory, message).with_hint(
                    "allow more memory, or sort the elements to a file, where equal ones are next to one another",
                ));
            }
            parts.lock().unwrap_or_else(PoisonError::into_inner).insert(start, groups);
            Ok(())
        };
        let open = |_| -> Writer<'_, K> {
            Box::new(move |start, run| match run {
                Run::Same(key, count) => add(start, [(key, count)].into_iter().collect()),
                Run::Sorted(keys) => {
                    let same = || keys.chunk_by(|a, b| a == b);
                    let mut groups = Groups { keys: Vec::new(), counts: Vec::new() };
                    let len = same().count();
                    groups.keys.reserve_exact(len);
                    groups.counts.reserve_exact(len);
                    for same in same() {
                        groups.keys.push(same[0]);
                        groups.counts.push(same.len() as u64);
                    }
                    add(start, groups)
                }
            })
        };
        self.spread(input, 0)?.deliver(self, 0, &Sorted { itemsize: 0, open: Box::new(open) })?;
        drop(held);
        let parts = std::mem::take(&mut *parts.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(parts.into_values().collect())
    }
}
