//! outcore's side of `run.py`, which compares it with NumPy and others: `python3 benches/peers/run.py`.
//!
//! A server for one client: requests come as lines of JSON on the standard input, and each gets one line of answer.
//! `prepare` names an operation and its files, and opens them; `run` measures it; `drop` forgets everything that was
//! prepared.

mod elementwise;
mod layout;
#[cfg(feature = "linalg")]
mod linalg;
mod order;
mod raw;
mod reduce;
mod request;
mod search;
mod sort;

use std::collections::HashMap;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

use request::{Fallible, Request, Run};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Message {
    Prepare(Request),
    Run { name: String, keep: Option<PathBuf> },
    Drop,
}

struct Prepared {
    request: Request,
    run: Run,
}

fn main() -> Fallible<()> {
    if std::env::args().nth(1).as_deref() != Some("serve") {
        println!("this is one side of a comparison: python3 benches/peers/run.py");
        return Ok(());
    }
    let mut prepared = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let answer = serde_json::from_str(&line?)
            .map_err(Into::into)
            .and_then(|message| answer(message, &mut prepared))
            .unwrap_or_else(|error| json!({ "error": error.to_string() }));
        println!("{answer}");
    }
    Ok(())
}

fn answer(message: Message, prepared: &mut HashMap<String, Prepared>) -> Fallible<Value> {
    match message {
        Message::Prepare(request) => {
            let start = Instant::now();
            let run = prepare(&request)?;
            let seconds = start.elapsed().as_secs_f64();
            prepared.insert(request.name.clone(), Prepared { request, run });
            Ok(json!({ "seconds": seconds }))
        }
        Message::Run { name, keep } => {
            let Prepared { request, run } = prepared.get_mut(&name).ok_or("not prepared")?;
            request.half_way.store(0, Ordering::Relaxed);
            let start = Instant::now();
            let result = std::hint::black_box(run()?);
            let seconds = start.elapsed().as_secs_f64();
            if let Some(path) = keep {
                result.save(&path)?;
            }
            let half = request.half_way.load(Ordering::Relaxed).saturating_sub(request.nanoseconds(start));
            Ok(json!({ "seconds": seconds, "half": half as f64 / 1e9 }))
        }
        Message::Drop => {
            prepared.clear();
            Ok(json!({}))
        }
    }
}

fn prepare(request: &Request) -> Fallible<Run> {
    let families = [
        raw::prepare,
        reduce::prepare,
        order::prepare,
        sort::prepare,
        elementwise::prepare,
        layout::prepare,
        #[cfg(feature = "linalg")]
        linalg::prepare,
        search::prepare,
    ];
    for family in families {
        if let Some(run) = family(request)? {
            return Ok(run);
        }
    }
    Err(format!("no operation {:?}", request.op).into())
}
