//! Folding a sequence in the shape of a balanced tree.

/// Merges values as they come, neighbours of equal weight first, like the carries of a binary counter.
///
/// The shape of the tree depends on the number of values alone, and a rounding error meets only log2(n) merges.
#[derive(Debug)]
pub(in crate::compute) struct Pairwise<C> {
    /// Complete subtrees, heaviest first, with their depth.
    stack: Vec<(C, u32)>,
}

impl<C> Default for Pairwise<C> {
    fn default() -> Self {
        Self { stack: Vec::new() }
    }
}

impl<C> Pairwise<C> {
    /// Adds the next value; `merge(a, b)` folds `b` into its left neighbour `a`.
    pub(in crate::compute) fn push(&mut self, value: C, merge: impl Fn(&mut C, C)) {
        self.stack.push((value, 0));
        while let [.., (_, left), (_, right)] = self.stack[..] {
            if left != right {
                break;
            }
            self.fold_last(&merge);
        }
    }

    /// The fold of everything, lightest subtrees first, and an empty sequence again; `None` if there was no value.
    pub(in crate::compute) fn finish(&mut self, merge: impl Fn(&mut C, C)) -> Option<C> {
        while self.stack.len() > 1 {
            self.fold_last(&merge);
        }
        self.stack.pop().map(|(value, _)| value)
    }

    fn fold_last(&mut self, merge: impl Fn(&mut C, C)) {
        if let (Some((right, _)), Some((left, depth))) = (self.stack.pop(), self.stack.last_mut()) {
            merge(left, right);
            *depth += 1;
        }
    }
}
