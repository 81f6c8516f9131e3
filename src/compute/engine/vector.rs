//! The vector instructions of the processor at hand, found at run time.

/// Runs `loops`, compiled once for each level of instructions, with the best of them that this processor has.
///
/// What `loops` calls must be `#[inline(always)]` all the way down: a function that stays on its own is compiled for every
/// processor.
#[inline]
pub(in crate::compute) fn vectorised<R>(loops: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        /// Whether the processor has every instruction set of a list.
        macro_rules! has {
            ($($feature:tt),*) => { $(std::arch::is_x86_feature_detected!($feature))&&* };
        }
        let avx2 = has!("avx2", "bmi1", "bmi2", "f16c", "fma", "lzcnt", "popcnt");
        if avx2 && has!("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl") {
            // SAFETY: the processor was just seen to have each of the instruction sets that the function is compiled for.
            return unsafe { with_avx512(loops) };
        }
        if avx2 {
            // SAFETY: as above.
            return unsafe { with_avx2(loops) };
        }
    }
    loops()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,f16c,fma,lzcnt,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl")]
fn with_avx512<R>(loops: impl FnOnce() -> R) -> R {
    loops()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,f16c,fma,lzcnt,popcnt")]
fn with_avx2<R>(loops: impl FnOnce() -> R) -> R {
    loops()
}
