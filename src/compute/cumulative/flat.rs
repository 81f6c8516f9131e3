//! Rules along all elements in row-major order, and along one axis.
//!
//! Where storage is column-major, the last axis varies slowest, and what comes before an element is: everything before its
//! index on the other axes, and what is before it along the last axis. The first is the same question about the totals along
//! the last axis, an array of one axis less, which is kept in temporary files. So the source is read twice, in storage order.

use ndarray::Axis;

use super::overflow::Overflow;
use super::rule::{Joined, Rule};
use super::walk::Goal;
use crate::compute::along::items::{Carried, Elements};
use crate::compute::along::lanes::Lanes;
use crate::compute::engine::ScratchFile;
use crate::compute::engine::source::shape_of;
use crate::compute::{Job, Number, Output, Source};
use crate::element::Element;
use crate::shape::{self, Order};

impl Job<'_> {
    /// A rule along all elements in row-major order: an array of the same shape.
    pub(super) fn along_all<'a, S, R>(&'a self, a: &'a S, rule: R, result: &'static str) -> Output<'a, R::Out, S::Dim>
    where
        S: Source<Elem: Number>,
        R: Rule<<S::Elem as Number>::Native, Out: Element> + 'a,
    {
        Output::new(self, a.dim(), a.order(), move |store| {
            let shape = shape_of(a);
            let (count, _) = shape::sizes(&shape, size_of::<S::Elem>().max(size_of::<R::Out>()) as u64)?;
            let overflow = overflow::<R::Out>(&shape, a.order(), result);
            let items = Elements(a);
            let axes: Vec<u64> = shape.iter().copied().filter(|&len| len != 1).collect();
            if a.order() == Order::C || shape::order_is_moot(&shape) {
                let lanes = Lanes { outer: 1, len: count, inner: 1 };
                return self.walk(&items, lanes, rule, None, Goal::Inclusive(store), &overflow);
            }
            // totals[k] are those along the axes from k + 1 on, an array of the axes up to k.
            let last = |upto: usize| Lanes { outer: 1, len: axes[upto], inner: axes[..upto].iter().product() };
            let joined = Joined::<R, <S::Elem as Number>::Native>::new(rule);
            let ignored = Overflow { shape: &[], order: Order::C, result, dtype: String::new() };
            let mut totals: Vec<Carried<R::Carry>> = Vec::new();
            for axis in (1..axes.len()).rev() {
                let sums = Carried::new(ScratchFile::new(self)?);
                match totals.last() {
                    None => self.walk(&items, last(axis), rule, None, Goal::Totals(&sums), &ignored)?,
                    Some(above) => self.walk(above, last(axis), joined, None, Goal::Totals(&sums), &ignored)?,
                }
                totals.push(sums);
            }
            let mut before = None;
            for axis in 0..axes.len() - 1 {
                let earlier = Carried::new(ScratchFile::new(self)?);
                let sums = totals.pop().expect("one for each axis but the last");
                self.walk(&sums, last(axis), joined, before.as_ref(), Goal::Exclusive(&earlier), &ignored)?;
                before = Some(earlier);
            }
            self.walk(&items, last(axes.len() - 1), rule, before.as_ref(), Goal::Inclusive(store), &overflow)
        })
    }

    /// A rule along one axis: an array of the same shape.
    pub(super) fn along_axis<'a, S, R>(
        &'a self,
        a: &'a S,
        axis: Axis,
        rule: R,
        result: &'static str,
    ) -> Output<'a, R::Out, S::Dim>
    where
        S: Source<Elem: Number>,
        R: Rule<<S::Elem as Number>::Native, Out: Element> + 'a,
    {
        Output::new(self, a.dim(), a.order(), move |store| {
            let shape = shape_of(a);
            shape::sizes(&shape, size_of::<S::Elem>().max(size_of::<R::Out>()) as u64)?;
            let lanes = Lanes::new(&shape, a.order(), axis)?;
            let overflow = overflow::<R::Out>(&shape, a.order(), result);
            self.walk(&Elements(a), lanes, rule, None, Goal::Inclusive(store), &overflow)
        })
    }
}

fn overflow<'a, O: Element>(shape: &'a [u64], order: Order, result: &'static str) -> Overflow<'a> {
    Overflow { shape, order, result, dtype: O::name().to_string() }
}
