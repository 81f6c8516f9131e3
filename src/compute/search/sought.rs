//! What is looked for, and the walks that count it, list it and hand it out.

use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::compute::Job;
use crate::compute::engine::{Held, Load, Scratch, Shift, Store};
use crate::element::Element;
use crate::error::{Error, ErrorKind, Result};

/// What is looked for in an array: it can look at one stretch of it, and knows nothing of the others.
pub(super) trait Sought: Sync {
    /// The elements of the array.
    type Elem: Element;

    /// The positions at which it can begin.
    fn positions(&self) -> Range<u64>;

    /// Positions of a stretch, a unit of work.
    fn stretch(&self, job: &Job<'_>) -> u64;

    /// Elements behind a stretch that are looked at with it.
    fn behind(&self) -> u64 {
        0
    }

    /// How many begin in the stretch.
    fn count(&self, desk: &mut Desk<Self::Elem>, stretch: Range<u64>) -> Result<u64>;

    /// Appends where they begin in the stretch, ascending.
    fn list(&self, desk: &mut Desk<Self::Elem>, stretch: Range<u64>, places: &mut Vec<u64>) -> Result<()>;

    /// How far apart two of them are at least, if those that come too early after another do not count.
    fn apart(&self) -> u64 {
        1
    }
}

/// What a worker keeps from stretch to stretch.
#[derive(Debug)]
pub(super) struct Desk<T> {
    pub(super) scratch: Scratch<T>,
    pub(super) flags: Vec<u8>,
    places: Vec<u64>,
}

impl<T> Default for Desk<T> {
    fn default() -> Self {
        Self { scratch: Scratch::default(), flags: Vec::new(), places: Vec::new() }
    }
}

/// A stretch in which something begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Find {
    /// The stretch, counted from 0.
    pub(super) unit: u64,
    /// How many begin before it.
    pub(super) before: u64,
    /// How many begin in it.
    pub(super) count: u64,
    /// The first position at which one can begin, after the one before.
    pub(super) open: u64,
}

/// Everything that was counted.
#[derive(Debug)]
pub(super) struct Finds<'j> {
    pub(super) total: u64,
    pub(super) stretches: Vec<Find>,
    /// The memory of the list.
    _held: Held<'j>,
}

/// Drops the places that come before `open` or too early after another; the first position that is open then.
fn keep_apart(places: &mut Vec<u64>, mut open: u64, apart: u64) -> u64 {
    places.retain(|&place| {
        let counts = place >= open;
        if counts {
            open = place + apart;
        }
        counts
    });
    open
}

/// The stretches of a search: which positions each has, and what it costs.
struct Plan {
    positions: Range<u64>,
    each: u64,
    units: u64,
    load: Load,
}

impl Plan {
    fn new<Q: Sought>(job: &Job<'_>, sought: &Q) -> Self {
        let positions = sought.positions();
        let count = positions.end.saturating_sub(positions.start);
        let each = sought.stretch(job).clamp(1, count.max(1));
        let units = count.div_ceil(each);
        let itemsize = size_of::<Q::Elem>() as u64;
        // The elements, a flag for each of a few, and the places.
        let scratch = (each + sought.behind()).saturating_mul(itemsize).saturating_add(each * 8);
        let load = Load { units, bytes: count.saturating_mul(itemsize), scratch, held: 0 };
        Self { positions, each, units, load }
    }

    fn stretch(&self, unit: u64) -> Range<u64> {
        let start = self.positions.start + unit * self.each;
        start..self.positions.end.min(start + self.each)
    }

    /// Bytes of elements that begin in a stretch.
    fn bytes<T>(stretch: &Range<u64>) -> u64 {
        (stretch.end - stretch.start) * size_of::<T>() as u64
    }
}

impl Job<'_> {
    /// How many there are.
    pub(super) fn count_sought<Q: Sought>(&self, sought: &Q) -> Result<u64> {
        let mut total = 0;
        self.tally(sought, |_, count, _| total += count)?;
        Ok(total)
    }

    /// How many there are in each stretch, for [`Self::write_sought`].
    pub(super) fn find_sought<Q: Sought>(&self, sought: &Q) -> Result<Finds<'_>> {
        let held = self.hold(Plan::new(self, sought).units.saturating_mul(size_of::<Find>() as u64))?;
        let mut finds = Finds { total: 0, stretches: Vec::new(), _held: held };
        self.tally(sought, |unit, count, open| {
            if count > 0 {
                finds.stretches.push(Find { unit, before: finds.total, count, open });
                finds.total += count;
            }
        })?;
        Ok(finds)
    }

    /// Hands out, in order, how many begin in each stretch and where the first of them may begin.
    pub(super) fn tally<Q: Sought>(&self, sought: &Q, mut take: impl FnMut(u64, u64, u64) + Send) -> Result<()> {
        let plan = Plan::new(self, sought);
        let apart = sought.apart();
        let mut open = 0;
        self.in_order(
            plan.load,
            Desk::default,
            |desk, unit, shift| {
                let stretch = plan.stretch(unit);
                let bytes = Plan::bytes::<Q::Elem>(&stretch);
                let mut places = Vec::new();
                let count = if apart > 1 {
                    sought.list(desk, stretch, &mut places)?;
                    0
                } else {
                    sought.count(desk, stretch)?
                };
                shift.done(bytes);
                Ok((count, places))
            },
            |unit, (mut count, mut places)| {
                let opened = open;
                if apart > 1 {
                    open = keep_apart(&mut places, open, apart);
                    count = places.len() as u64;
                }
                take(unit, count, opened);
                Ok(())
            },
        )
    }

    /// Looks again where something was found, and writes what `translate` makes of the places, `width` numbers for each.
    pub(super) fn write_sought<Q: Sought>(
        &self,
        sought: &Q,
        finds: &Finds<'_>,
        width: u64,
        store: &dyn Store<u64>,
        translate: impl Fn(&[u64], &mut Vec<u64>) + Sync,
    ) -> Result<()> {
        let plan = Plan::new(self, sought);
        let next = AtomicUsize::new(0);
        let scratch = plan.load.scratch + plan.each * 8 * width;
        let load = Load { units: finds.stretches.len() as u64, scratch, bytes: plan.load.bytes, ..plan.load };
        self.each(load, <(Desk<Q::Elem>, Vec<u64>)>::default, |(desk, numbers), shift| {
            let Some(find) = finds.stretches.get(next.fetch_add(1, Ordering::Relaxed)) else { return Ok(false) };
            let stretch = plan.stretch(find.unit);
            let bytes = Plan::bytes::<Q::Elem>(&stretch);
            let mut places = std::mem::take(&mut desk.places);
            places.clear();
            sought.list(desk, stretch, &mut places)?;
            if sought.apart() > 1 {
                keep_apart(&mut places, find.open, sought.apart());
            }
            if places.len() as u64 != find.count {
                return Err(changed());
            }
            numbers.clear();
            translate(&places, numbers);
            store.write(find.before * width, numbers)?;
            desk.places = places;
            shift.done(bytes);
            Ok(true)
        })
    }

    /// Hands out the places in order, on the calling thread, until `take` breaks.
    pub(super) fn for_each_sought<Q: Sought>(
        &self,
        sought: &Q,
        mut take: impl FnMut(u64) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let plan = Plan::new(self, sought);
        // Results are kept until their turn: so many that a quarter of the memory holds them if everything is found.
        let most = (self.budget() / 4 / (plan.each * 8)).clamp(1, 256);
        let (mut from, mut wave, mut open) = (0, 1, 0);
        while from < plan.units {
            let units = wave.min(plan.units - from);
            let held = units * plan.each * 8;
            let mut found = Vec::new();
            let work = |desk: &mut Desk<Q::Elem>, unit: u64, _: &Shift<'_, '_>| {
                let mut places = Vec::new();
                sought.list(desk, plan.stretch(from + unit), &mut places)?;
                Ok(places)
            };
            self.in_order(Load { units, held, ..plan.load }, Desk::default, work, |_, places| {
                found.push(places);
                Ok(())
            })?;
            for mut places in found {
                open = keep_apart(&mut places, open, sought.apart());
                for place in places {
                    if take(place)?.is_break() {
                        return Ok(());
                    }
                }
            }
            from += units;
            // The first waves are small, since few may be wanted.
            wave = (wave * 2).min(most);
            self.report(plan.load.bytes.min(from * plan.each * size_of::<Q::Elem>() as u64), plan.load.bytes);
        }
        Ok(())
    }
}

/// Somebody wrote to the file between two passes.
pub(super) fn changed() -> Error {
    Error::new(ErrorKind::InvalidArgument, "the array was changed while it was searched")
        .with_hint("search again when nobody writes to it")
}
