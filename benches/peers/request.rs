//! What is asked for, and what is answered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::Ordering;
use std::time::Instant;

use ndarray::{Array, Array1, Dimension};
use outcore::{ArrayFile, Element, Job, MmapArray, OpenOptions, RawLayout};
use portable_atomic::AtomicU64;
use serde::Deserialize;

pub(crate) type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

/// An operation that is ready to be measured.
pub(crate) type Run = Box<dyn FnMut() -> Fallible<Answer>>;

static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// An input file.
#[derive(Deserialize)]
pub(crate) struct Input {
    pub(crate) path: PathBuf,
    /// Reads the elements of the file in another shape than its header says.
    shape: Option<Vec<u64>>,
}

/// How outcore reads its first input.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    Mapped,
    File,
}

#[derive(Deserialize)]
pub(crate) struct Request {
    pub(crate) name: String,
    pub(crate) op: String,
    pub(crate) origin: Origin,
    pub(crate) threads: usize,
    files: BTreeMap<String, Input>,
    out: Option<PathBuf>,
    /// The memory budget of the job.
    memory: Option<u64>,
    scratch: PathBuf,
    /// When half of the operation was done.
    #[serde(skip)]
    pub(crate) half_way: Arc<AtomicU64>,
    #[serde(default)]
    halves: bool,
}

impl Request {
    pub(crate) fn input(&self, name: &str) -> Fallible<&Input> {
        Ok(self.files.get(name).ok_or_else(|| format!("no file {name:?}"))?)
    }

    pub(crate) fn mapped<T: Element, D: Dimension>(&self, name: &str) -> Fallible<MmapArray<T, D>> {
        let input = self.input(name)?;
        // SAFETY: the files belong to the comparison; nobody writes or truncates an input while it is mapped.
        Ok(unsafe { input.options::<T>()?.open::<T, D>(&input.path) }?)
    }

    pub(crate) fn file<T: Element, D: Dimension>(&self, name: &str) -> Fallible<ArrayFile<T, D>> {
        let input = self.input(name)?;
        Ok(input.options::<T>()?.open_file(&input.path)?)
    }

    /// The file that takes the result.
    pub(crate) fn out<T: Element, D: Dimension>(&self) -> Fallible<ArrayFile<T, D>> {
        Ok(ArrayFile::open_mut(self.out_path()?)?)
    }

    pub(crate) fn out_path(&self) -> Fallible<&Path> {
        Ok(self.out.as_deref().ok_or("no place for the result")?)
    }

    /// The terms of the operation.
    pub(crate) fn job(&self) -> Job<'static> {
        let mut job = Job::new().threads(self.threads).scratch_dir(&self.scratch);
        if let Some(memory) = self.memory {
            job = job.memory(memory);
        }
        if self.halves {
            let half_way = Arc::clone(&self.half_way);
            let beginning = *BEGINNING;
            job = job.progress(move |progress| {
                if progress.done >= progress.total / 2 && half_way.load(Ordering::Relaxed) == 0 {
                    let now = u64::try_from(beginning.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    // Another thread may have been here first.
                    let _ = half_way.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
                }
            });
        }
        job
    }

    /// The time as `half_way` counts it.
    pub(crate) fn nanoseconds(&self, time: Instant) -> u64 {
        u64::try_from(time.duration_since(*BEGINNING).as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Input {
    fn options<T: Element>(&self) -> Fallible<OpenOptions> {
        let Some(shape) = &self.shape else { return Ok(OpenOptions::new()) };
        let offset = outcore::peek(&self.path)?.data_offset();
        Ok(OpenOptions::new().raw(RawLayout::new().dtype(T::dtype()).offset(offset).shape(shape.clone())))
    }
}

/// A result, which is saved where it is to be compared. Results that are in the output file already need nothing.
pub(crate) struct Answer(Option<Write>);

/// Writes a result to a file.
type Write = Box<dyn FnOnce(&Path) -> Fallible<()>>;

impl Answer {
    pub(crate) fn save(self, path: &Path) -> Fallible<()> {
        self.0.map_or(Ok(()), |save| save(path))
    }
}

/// A result in the output file.
#[allow(clippy::unnecessary_wraps, reason = "as the other answers")]
pub(crate) fn written() -> Fallible<Answer> {
    Ok(Answer(None))
}

pub(crate) fn array<T: Element, D: Dimension + 'static>(result: Array<T, D>) -> Fallible<Answer> {
    later(move || Ok(result))
}

/// A result in a form that NumPy would not have; `convert` makes it comparable, off the clock.
#[allow(clippy::unnecessary_wraps, reason = "as the other answers")]
pub(crate) fn later<T: Element, D: Dimension>(
    convert: impl FnOnce() -> Fallible<Array<T, D>> + 'static,
) -> Fallible<Answer> {
    Ok(Answer(Some(Box::new(move |path| Ok(outcore::save(path, &convert()?)?)))))
}

pub(crate) fn numbers(values: impl IntoIterator<Item = f64>) -> Fallible<Answer> {
    array(values.into_iter().collect::<Array1<f64>>())
}

/// Prepares an operation on the input `a`, mapped or read by position as the request says.
macro_rules! on {
    ($request:ident, $T:ty, $D:ty, |$job:ident, $a:ident| $body:expr) => {{
        let job = $request.job();
        match $request.origin {
            $crate::request::Origin::Mapped => {
                let array = $request.mapped::<$T, $D>("a")?;
                Box::new(move || {
                    let ($job, $a) = (&job, &array);
                    $body
                }) as $crate::request::Run
            }
            $crate::request::Origin::File => {
                let array = $request.file::<$T, $D>("a")?;
                Box::new(move || {
                    let ($job, $a) = (&job, &array);
                    $body
                }) as $crate::request::Run
            }
        }
    }};
}
pub(crate) use on;
