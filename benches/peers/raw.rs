//! What the machine can do: loops and copies with nothing between them and the system.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::sync::atomic::Ordering;

use ndarray::{Ix1, Ix2};
use outcore::{MmapArrayMut, peek};
use portable_atomic::AtomicU64;

use crate::request::{Answer, Fallible, Request, Run, numbers, written};

/// Bytes that a thread takes at a time.
const BLOCK: usize = 1 << 20;
/// Bytes of a buffer that stays in the cache of a core.
const CACHED: usize = 512 << 10;
/// Bytes of a read past the page cache.
const DIRECT: usize = 4 << 20;

pub(crate) fn prepare(request: &Request) -> Fallible<Option<Run>> {
    let threads = request.threads.max(1);
    Ok(Some(match request.op.as_str() {
        "raw sum of memory" => {
            let mapped = request.mapped::<f64, Ix2>("a")?;
            let mut memory = MmapArrayMut::<f64, Ix2>::anonymous(mapped.raw_dim())?;
            memory.view_mut().assign(&mapped);
            Box::new(move || sum_of_slice(threads, memory.as_slice().ok_or("not contiguous")?))
        }
        "raw sum of a mapping" => {
            let mapped = request.mapped::<f64, Ix2>("a")?;
            Box::new(move || sum_of_slice(threads, mapped.as_slice().ok_or("not contiguous")?))
        }
        "raw sum by pread" => {
            let path = &request.input("a")?.path;
            let (offset, file) = (peek(path)?.data_offset(), File::open(path)?);
            let end = file.metadata()?.len();
            Box::new(move || {
                let sum = blocks(threads, (end - offset).div_ceil(CACHED as u64), || {
                    let mut buffer = vec![0.0; CACHED / size_of::<f64>()];
                    let file = &file;
                    move |block| {
                        let start = offset + block * CACHED as u64;
                        let len = usize::try_from(end - start).unwrap_or(CACHED).min(CACHED);
                        let items = &mut buffer[..len / size_of::<f64>()];
                        file.read_exact_at(bytemuck::cast_slice_mut(items), start)?;
                        Ok(sum(items))
                    }
                })?;
                numbers([sum])
            })
        }
        "raw direct read" => {
            let path = &request.input("a")?.path;
            let mut options = OpenOptions::new();
            options.read(true);
            #[cfg(target_os = "linux")]
            std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_DIRECT);
            let file = options.open(path)?;
            let len = file.metadata()?.len();
            Box::new(move || {
                blocks(threads, len.div_ceil(DIRECT as u64), || {
                    let file = &file;
                    // A mapping, since direct reads need a buffer on a page boundary.
                    let mut buffer = MmapArrayMut::<u8, Ix1>::anonymous(DIRECT);
                    move |block| {
                        let mut buffer = buffer.as_mut().map_err(|error| error.to_string())?.view_mut();
                        file.read_at(buffer.as_slice_mut().ok_or("not contiguous")?, block * DIRECT as u64)?;
                        Ok(0.0)
                    }
                })?;
                written()
            })
        }
        "raw copy" => {
            let from = &request.input("a")?.path;
            let (source, target) = (File::open(from)?, OpenOptions::new().write(true).open(request.out_path()?)?);
            let (offset, len) = (peek(from)?.data_offset(), source.metadata()?.len());
            let place = peek(request.out_path()?)?.data_offset();
            Box::new(move || {
                blocks(threads, (len - offset).div_ceil(BLOCK as u64), || {
                    let mut buffer = vec![0_u8; BLOCK];
                    let (source, target) = (&source, &target);
                    move |block| {
                        let start = block * BLOCK as u64;
                        let count = usize::try_from(len - offset - start).unwrap_or(BLOCK).min(BLOCK);
                        source.read_exact_at(&mut buffer[..count], offset + start)?;
                        target.write_all_at(&buffer[..count], place + start)?;
                        Ok(0.0)
                    }
                })?;
                written()
            })
        }
        _ => return Ok(None),
    }))
}

/// Does blocks 0..`count` on some threads, each with a worker of its own, and adds what they return.
fn blocks<W>(threads: usize, count: u64, worker: impl Fn() -> W + Sync) -> Fallible<f64>
where
    W: FnMut(u64) -> Fallible<f64>,
{
    let next = AtomicU64::new(0);
    let one = || -> Result<f64, String> {
        let (mut work, mut sum) = (worker(), 0.0);
        loop {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block >= count {
                return Ok(sum);
            }
            sum += work(block).map_err(|error| error.to_string())?;
        }
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(one)).collect();
        let mut sum = one()?;
        for other in others {
            sum += other.join().map_err(|_| "a thread panicked")??;
        }
        Ok(sum)
    })
}

fn sum_of_slice(threads: usize, items: &[f64]) -> Fallible<Answer> {
    let each = BLOCK / size_of::<f64>();
    let pieces: Vec<&[f64]> = items.chunks(each).collect();
    let sum =
        blocks(threads, pieces.len() as u64, || |block| Ok(sum(pieces[usize::try_from(block).unwrap_or(usize::MAX)])))?;
    numbers([sum])
}

/// Adds with the widest vectors of the machine.
fn sum(items: &[f64]) -> f64 {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f")]
        fn with_avx512(items: &[f64]) -> f64 {
            lanes(items)
        }
        #[target_feature(enable = "avx2")]
        fn with_avx2(items: &[f64]) -> f64 {
            lanes(items)
        }
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the machine has AVX-512, as seen.
            return unsafe { with_avx512(items) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the machine has AVX2, as seen.
            return unsafe { with_avx2(items) };
        }
    }
    lanes(items)
}

/// As many independent sums as hide the latency of an addition.
#[inline(always)]
fn lanes(items: &[f64]) -> f64 {
    let (chunks, rest) = items.as_chunks::<64>();
    let mut lanes = [0.0; 64];
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += x);
    }
    fold(&lanes) + rest.iter().sum::<f64>()
}

/// Apart from the loop, which is no vector loop otherwise.
#[inline(never)]
fn fold(lanes: &[f64; 64]) -> f64 {
    lanes.iter().sum()
}
