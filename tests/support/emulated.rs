//! What takes too long where the processor is an emulator's.

/// Whether half a billion terms would take too long, since the processor is an emulator's. Wine's is the machine's own.
pub(crate) fn too_slow_for_large_products() -> bool {
    let slow = cfg!(not(target_arch = "x86_64")) && std::env::var_os("OUTCORE_EMULATED").is_some();
    if slow {
        println!("skipped: products of half a billion terms take an emulated processor too long");
    }
    slow
}
