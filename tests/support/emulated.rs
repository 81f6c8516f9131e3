//! Whether the processor is an emulator's.

/// Whether arithmetic takes tens of times as long, since an emulator does it. Wine runs on the machine's own processor.
pub(crate) fn processor() -> bool {
    cfg!(not(target_arch = "x86_64")) && std::env::var_os("OUTCORE_EMULATED").is_some()
}
