//! The source tree is what its drawing says: which module may use which, where `unsafe` lives, and how long a file gets.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may use, which is everything that the drawing puts below it.
const ALLOWED: [(&str, &[&str]); 7] = [
    ("error", &[]),
    ("shape", &["error"]),
    ("element", &["error", "shape"]),
    ("format", &["error", "shape", "element"]),
    ("storage", &["error", "shape"]),
    ("array", &["error", "shape", "element", "format", "storage"]),
    ("compute", &["error", "shape", "element", "format", "storage", "array"]),
];

/// Modules that hold no file and no `unsafe`: pure functions on bytes.
const PURE: [&str; 3] = ["error", "shape", "format"];

/// The files that may say `unsafe`; each block says why it is sound.
const UNSAFE: [&str; 16] = [
    // The element types are plain data.
    "element/bool8.rs",
    "element/ordered.rs",
    // Mapping a file, and the system calls around it.
    "storage/backend.rs",
    "storage/file.rs",
    "storage/linux.rs",
    "storage/mapping.rs",
    "storage/ofd.rs",
    "storage/portable.rs",
    "storage/windows.rs",
    // The checked cast, and the doors whose contract the caller keeps.
    "array/any.rs",
    "array/create.rs",
    "array/mapped.rs",
    "array/mapped_mut.rs",
    "array/open.rs",
    "array/view.rs",
    // Calls of functions compiled for vector instructions, behind a check of the processor.
    "compute/engine/vector.rs",
];

const LONGEST: usize = 1500;

struct Source {
    /// The path below `src`, with slashes.
    name: String,
    /// Everything.
    text: String,
    /// Without comments, strings and documentation.
    code: String,
}

impl Source {
    /// The top-level module it belongs to; `lib` and `bin` besides.
    fn module(&self) -> &str {
        self.name.split('/').next().unwrap().trim_end_matches(".rs")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<Source> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    found.sort();
    let source = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().components().map(|part| part.as_os_str().to_str().unwrap());
        let name = name.collect::<Vec<_>>().join("/");
        let text = fs::read_to_string(&path).unwrap();
        let code = code_of(&text);
        Source { name, text, code }
    };
    let sources: Vec<_> = found.into_iter().map(source).collect();
    assert!(sources.len() > 30, "{} files under src", sources.len());
    sources
}

/// The text without comments, and with nothing between quotes.
fn code_of(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("r#\"") {
            rest.find("\"#").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with('"') {
            end_of_string(rest)
        } else if rest.starts_with("'\"'") || rest.starts_with("'/'") {
            3
        } else if rest.starts_with("b'\"'") {
            4
        } else {
            0
        };
        if skipped > 0 {
            at += skipped;
            code.push(' ');
        } else {
            let c = rest.chars().next().unwrap();
            code.push(c);
            at += c.len_utf8();
        }
    }
    code
}

fn end_of_string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The identifiers right behind each `prefix`, groups in braces taken apart.
fn names_behind(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut item = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => names.extend(first_name(&std::mem::take(&mut item))),
                    _ if depth == 0 => item.push(c),
                    _ => {}
                }
            }
            names.extend(first_name(&item));
        } else {
            names.extend(first_name(rest));
        }
    }
    names
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Where `lib.rs` takes each name that it hands on from: `Error` from `error`.
fn reexports() -> BTreeMap<String, String> {
    let lib = code_of(&fs::read_to_string(root().join("lib.rs")).unwrap());
    let mut homes = BTreeMap::new();
    for (module, _) in ALLOWED {
        for statement in lib.split(';').filter(|statement| statement.contains("pub use")) {
            let Some((_, path)) = statement.split_once("pub use ") else { continue };
            if path.trim_start().trim_start_matches("crate::").split("::").next() == Some(module) {
                let names = path.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|name| !name.is_empty());
                homes.extend(names.map(|name| (name.to_owned(), module.to_owned())));
            }
        }
    }
    assert_eq!(homes["ErrorKind"], "error");
    assert_eq!(homes["MmapArray"], "array");
    homes
}

#[test]
fn modules_use_only_what_the_drawing_puts_below_them() {
    let homes = reexports();
    let (mut arrows, mut wrong) = (BTreeSet::new(), Vec::new());
    for source in sources() {
        let module = source.module();
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == module) else { continue };
        // Tests may reach everywhere.
        if source.name.ends_with("tests.rs") {
            continue;
        }
        let code = source.code.split("mod tests {").next().unwrap();
        let mut used = names_behind(code, "crate::");
        // In the file of a top-level module, `super` is the crate.
        if !source.name.contains('/') || source.name.ends_with("/mod.rs") && source.name.matches('/').count() == 1 {
            used.extend(names_behind(code, "super::"));
        }
        for name in used {
            let target = homes.get(&name).map_or(name.as_str(), String::as_str);
            if target == module || !ALLOWED.iter().any(|(known, _)| *known == target) {
                continue;
            }
            arrows.insert(format!("{module} -> {target}"));
            if !allowed.contains(&target) {
                wrong.push(format!("{} uses crate::{name}, and {module} stands below {target}", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // The reader of the sources sees something, or the test would mean nothing.
    for arrow in ["format -> element", "storage -> error", "array -> storage", "array -> format"] {
        assert!(arrows.contains(arrow), "{arrow} is not among {arrows:?}");
    }
}

#[test]
fn the_command_uses_the_public_names_only() {
    let command: Vec<_> = sources().into_iter().filter(|source| source.module() == "bin").collect();
    for source in &command {
        assert!(!source.code.contains("#[path"), "{} takes in a file by its path", source.name);
    }
}

#[test]
fn format_is_pure() {
    for source in sources().iter().filter(|source| PURE.contains(&source.module())) {
        let code = source.code.split("mod tests {").next().unwrap();
        let mut banned =
            vec!["std::fs", "std::env", "std::process", "std::net", "unsafe ", "File::", "memmap2", "rustix"];
        // Errors carry those of the operating system.
        if source.module() != "error" {
            banned.push("std::io");
        }
        for word in banned {
            assert!(!code.contains(word), "{} says {word}", source.name);
        }
    }
}

#[test]
fn storage_knows_no_header_and_no_element() {
    for source in sources().iter().filter(|source| source.module() == "storage") {
        for word in ["Header", "DType", "Element", "NUMPY", "ndarray"] {
            let words = source.code.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            assert!(words.into_iter().all(|found| found != word), "{} says {word}", source.name);
        }
    }
}

#[test]
fn unsafe_code_is_where_it_is_expected() {
    let mut found = BTreeSet::new();
    for source in sources() {
        if source.code.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == "unsafe") {
            found.insert(source.name.clone());
        }
    }
    // The command opens files through the same doors as everyone, mapped ones too.
    found.retain(|name| !name.starts_with("bin/") && !name.ends_with("tests.rs"));
    let allowed: BTreeSet<String> = UNSAFE.iter().map(|&name| name.to_owned()).collect();
    let unexpected: Vec<_> = found.difference(&allowed).collect();
    assert!(unexpected.is_empty(), "{unexpected:?} hold unsafe code; is there a safe way?");
    let safe_by_now: Vec<_> = allowed.difference(&found).collect();
    assert!(safe_by_now.is_empty(), "{safe_by_now:?} hold none; take them off the list");
}

#[test]
fn sources_are_ascii() {
    // Tests hold names and letters that are not.
    for source in sources().iter().filter(|source| !source.name.ends_with("tests.rs")) {
        for (number, line) in source.text.lines().take_while(|line| *line != "mod tests {").enumerate() {
            assert!(line.is_ascii(), "{}:{}: {line}", source.name, number + 1);
            assert!(!line.contains('\t'), "{}:{}: a tab", source.name, number + 1);
        }
    }
}

#[test]
fn files_stay_short_and_modules_have_names() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= LONGEST, "{} has {lines} lines", source.name);
        for part in source.name.split('/') {
            let part = part.trim_end_matches(".rs");
            assert!(!["util", "utils", "common", "prelude", "helpers", "misc"].contains(&part), "{}", source.name);
        }
        let first = source.text.lines().next().unwrap_or_default();
        let described = first.starts_with("//!") || source.name.ends_with("tests.rs");
        assert!(described, "{} does not say what it is for", source.name);
    }
}

/// Every file is the module of some `mod` line: none is left over.
#[test]
fn every_file_is_part_of_the_crate() {
    let sources = sources();
    let mut reached: BTreeSet<String> = ["lib.rs".to_owned(), "bin/outcore/main.rs".to_owned()].into();
    for source in &sources {
        let (dir, file) = source.name.rsplit_once('/').unwrap_or(("", &source.name));
        let stem = file.trim_end_matches(".rs");
        let below = match stem {
            "mod" | "lib" | "main" => dir.to_owned(),
            _ if dir.is_empty() => stem.to_owned(),
            _ => format!("{dir}/{stem}"),
        };
        for name in names_behind(&source.code, "mod ") {
            for candidate in [format!("{below}/{name}.rs"), format!("{below}/{name}/mod.rs")] {
                reached.insert(candidate.trim_start_matches('/').to_owned());
            }
        }
        // `path = "linux.rs"` in an attribute.
        for (at, _) in source.text.match_indices("path = \"") {
            let name = source.text[at + 8..].split('"').next().unwrap();
            reached.insert(format!("{dir}/{name}"));
        }
    }
    let lost: Vec<_> =
        sources.iter().filter(|source| !reached.contains(&source.name)).map(|source| &source.name).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

#[test]
fn the_reader_of_sources_reads() {
    let code = code_of("use crate::{a::B, c}; // crate::d\nlet x = \"crate::e \\\" crate::f\"; crate::g::h();");
    let expected: Vec<String> = ["a", "c", "g"].map(str::to_owned).into();
    assert_eq!(names_behind(&code, "crate::").into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn the_worked_example_of_contributing_is_the_file() {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("CONTRIBUTING.md")).unwrap();
    let example =
        text.split("```rust,ignore\n").nth(1).and_then(|rest| rest.split("```\n\nWhat is left").next()).unwrap();
    assert_eq!(example, fs::read_to_string(root().join("compute/reduce/ptp.rs")).unwrap());
}
