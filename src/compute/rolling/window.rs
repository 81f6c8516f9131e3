//! Windows over rows that are at hand, by the method of van Herk, and Gil and Werman: the rows are cut into segments as long
//! as the window, so each window is the end of one segment and the beginning of the next. Both come from a scan of the
//! segment, and the work for a window does not depend on its length.

use super::rule::Rule;

/// Some rows of equal width, their beginnings `stride` apart.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a, I> {
    pub(super) items: &'a [I],
    pub(super) rows: usize,
    pub(super) width: usize,
    pub(super) stride: usize,
}

impl<'a, I: Copy> Panel<'a, I> {
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &'a [I] {
        &self.items[row * self.stride..][..self.width]
    }

    /// Rows from one on.
    #[inline(always)]
    fn from(&self, row: usize, rows: usize) -> Self {
        // No rows may be asked for behind the last one, whose gap is not there.
        Self { items: self.items.get(row * self.stride..).unwrap_or_default(), rows, ..*self }
    }
}

/// Segments that are gone through side by side, so that the processor need not wait for each step.
const ABREAST: usize = 4;

/// The arithmetic over rows, with buffers that are kept.
pub(super) struct Windows<R, C> {
    pub(super) rule: R,
    ends: Vec<C>,
    pub(super) begins: Vec<C>,
}

impl<R: Copy, C: bytemuck::Pod> Windows<R, C> {
    pub(super) fn new(rule: R) -> Self {
        Self { rule, ends: Vec::new(), begins: Vec::new() }
    }

    /// The windows of `window` rows each: one row of results less than `window` rows.
    #[inline(always)]
    pub(super) fn all<I: Copy>(&mut self, panel: Panel<'_, I>, window: usize, results: &mut [R::Out])
    where
        R: Rule<I, Cell = C>,
    {
        let rows = panel.rows + 1 - window;
        let mut row = 0;
        if panel.width == 1 && panel.stride == 1 {
            while row + (ABREAST + 1) * window <= panel.rows + 1 {
                let items = &panel.items[row..][..(ABREAST + 1) * window - 1];
                self.abreast(items, window, &mut results[row..][..ABREAST * window]);
                row += ABREAST * window;
            }
        }
        while row < rows {
            let count = window.min(rows - row);
            self.ends(panel.from(row, window));
            let next = panel.from(row + window, count - 1);
            self.segment(next, &mut results[row * panel.width..][..count * panel.width]);
            row += count;
        }
    }

    /// What is from each row to the last one.
    #[inline(always)]
    pub(super) fn ends<I: Copy>(&mut self, panel: Panel<'_, I>)
    where
        R: Rule<I, Cell = C>,
    {
        let rule = self.rule;
        let (rows, width) = (panel.rows, panel.width);
        self.ends.resize(rows * width, C::zeroed());
        for (end, &item) in self.ends[(rows - 1) * width..].iter_mut().zip(panel.row(rows - 1)) {
            *end = rule.one(item);
        }
        if width == 1 {
            let mut state = self.ends[rows - 1];
            for row in (0..rows - 1).rev() {
                state = rule.join(rule.one(panel.items[row * panel.stride]), state);
                self.ends[row] = state;
            }
            return;
        }
        for row in (0..rows - 1).rev() {
            let (above, below) = self.ends[row * width..].split_at_mut(width);
            let (items, below) = (&panel.row(row)[..above.len()], &below[..above.len()]);
            for column in 0..above.len() {
                above[column] = rule.join(rule.one(items[column]), below[column]);
            }
        }
    }

    /// The ends that were computed last, from a row on.
    #[inline(always)]
    pub(super) fn end(&self, row: usize, width: usize) -> &[C] {
        &self.ends[row * width..][..width]
    }

    /// The windows that begin in the rows whose ends are known; all but the first reach into the next rows.
    #[inline(always)]
    fn segment<I: Copy>(&mut self, next: Panel<'_, I>, results: &mut [R::Out])
    where
        R: Rule<I, Cell = C>,
    {
        let rule = self.rule;
        let width = next.width;
        for (result, &end) in results.iter_mut().zip(&self.ends[..width]) {
            *result = rule.out(end);
        }
        if next.rows == 0 {
            return;
        }
        self.begins.clear();
        self.begins.extend(next.row(0).iter().map(|&item| rule.one(item)));
        for row in 0..next.rows {
            let items = next.row(row);
            let begins = &mut self.begins[..width];
            let ends = &self.ends[(row + 1) * width..][..width];
            let results = &mut results[(row + 1) * width..][..width];
            for column in 0..width {
                let begin = if row == 0 { begins[column] } else { rule.join(begins[column], rule.one(items[column])) };
                begins[column] = begin;
                results[column] = rule.out(rule.join(ends[column], begin));
            }
        }
    }

    /// [`ABREAST`] whole segments of one column, and the beginning of the next segment.
    #[inline(always)]
    fn abreast<I: Copy>(&mut self, items: &[I], window: usize, results: &mut [R::Out])
    where
        R: Rule<I, Cell = C>,
    {
        let rule = self.rule;
        self.ends.resize(ABREAST * window, C::zeroed());
        let (a, rest) = self.ends.split_at_mut(window);
        let (b, rest) = rest.split_at_mut(window);
        let (c, d) = rest.split_at_mut(window);
        let ends = [a, b, c, &mut d[..window]];
        let segments: [&[I]; ABREAST] = std::array::from_fn(|segment| &items[segment * window..][..window]);
        let mut states = segments.map(|segment| rule.one(segment[window - 1]));
        for segment in 0..ABREAST {
            ends[segment][window - 1] = states[segment];
        }
        for row in (0..window - 1).rev() {
            for segment in 0..ABREAST {
                states[segment] = rule.join(rule.one(segments[segment][row]), states[segment]);
                ends[segment][row] = states[segment];
            }
        }
        let (a, rest) = results.split_at_mut(window);
        let (b, rest) = rest.split_at_mut(window);
        let (c, d) = rest.split_at_mut(window);
        let results = [a, b, c, &mut d[..window]];
        for segment in 0..ABREAST {
            results[segment][0] = rule.out(ends[segment][0]);
        }
        if window == 1 {
            return;
        }
        let next: [&[I]; ABREAST] = std::array::from_fn(|segment| &items[(segment + 1) * window..][..window - 1]);
        let mut states = next.map(|segment| rule.one(segment[0]));
        for row in 0..window - 1 {
            for segment in 0..ABREAST {
                if row > 0 {
                    states[segment] = rule.join(states[segment], rule.one(next[segment][row]));
                }
                results[segment][row + 1] = rule.out(rule.join(ends[segment][row + 1], states[segment]));
            }
        }
    }
}
