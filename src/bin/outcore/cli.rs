//! What was typed: the verbs and the options that all of them share.

use std::io::Write;

use clap::error::{ContextKind, ErrorKind};
use clap::{Args, Parser, Subcommand};

use crate::command::{
    append, attrs, cat, checksum, convert, create, fill, info, repair, seal, set, show, stats, verify, watch,
};
use crate::failure::{Failure, Outcome};
use crate::output::Out;
use crate::quantity::parse_bytes;
use crate::settings::{Choice, Settings};

const NOTES: &str = "\
Exit codes:
  0  done
  1  different, not found, or a check that failed
  2  wrong usage, or an error of the system
  3  the file is damaged, or holds no array that this version can read
An error is one line: the file, what, at which byte, and what to do next. A pipe closed by its reader is no error.

Slices are NumPy's: 'm.npy[0:100, ::2, -1]' (in quotes, for the shell).
A file opens by its content, whatever its name. For one without a header, name the type of its elements:
  outcore info x.dat --raw-dtype f4 --shape 1000,64 --offset 128

Examples:
  outcore prices.npy                       what is in the file
  outcore show 'prices.npy[:5]'            the first rows
  outcore stats prices.npy --axis 0        statistics of each column
  outcore set 'prices.npy[3,4]' 7.5        write one element to the disk";

/// Typed arrays in files, larger than memory: NumPy's memmap from a shell.
#[derive(Debug, Parser)]
#[command(
    name = "outcore",
    version,
    after_help = NOTES,
    arg_required_else_help = true,
    subcommand_negates_reqs = true,
    max_term_width = 110,
    override_usage = "outcore [OPTIONS] FILE...\n       outcore [OPTIONS] COMMAND ..."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    info: info::Typed,
    #[command(flatten)]
    shared: Shared,
}

#[derive(Debug, Subcommand)]
enum Command {
    Info(info::Typed),
    Show(show::Typed),
    Stats(stats::Typed),
    Create(create::Typed),
    Set(set::Typed),
    Fill(fill::Typed),
    Convert(convert::Typed),
    Cat(cat::Typed),
    Append(append::Typed),
    Watch(watch::Typed),
    Attrs(attrs::Typed),
    Checksum(checksum::Typed),
    Seal(seal::Typed),
    Verify(verify::Typed),
    Repair(repair::Typed),
}

/// Options that every verb takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Shared options")]
pub(crate) struct Shared {
    /// Print one JSON document per result, on one line; NaN and infinities are strings, and so are whole numbers beyond 2^53
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say on the standard error what was done
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// When to colour the output; the variable NO_COLOR also turns it off
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    #[arg(help = "When to colour the output: auto, always or never; the variable NO_COLOR turns auto off")]
    pub(crate) color: Choice,
    /// Show the progress of long work on the standard error: auto (on a terminal, after a second) or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub(crate) progress: Choice,
    /// Threads to compute with; by default one for each processor
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// Memory to stay below, such as 512MiB or 4GiB
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_bytes)]
    pub(crate) memory: Option<u64>,
    /// The longest header to accept, in characters [default: 10000]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) max_header: Option<usize>,
    /// Take no lock, and look at none
    #[arg(long, global = true)]
    pub(crate) no_lock: bool,
}

/// Reads the command line and does what it says.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_run(&error),
    };
    let settings = Settings::new(&cli.shared)?;
    let mut out = Out::new(&settings);
    let outcome = match cli.command {
        Some(_) if !cli.info.is_empty() => {
            return Err(Failure::usage("a file, and options for it, come after the command", "see outcore --help"));
        }
        Some(Command::Info(typed)) => info::run(&typed, &settings, &mut out),
        Some(Command::Show(typed)) => show::run(&typed, &settings, &mut out),
        Some(Command::Stats(typed)) => stats::run(&typed, &settings, &mut out),
        Some(Command::Create(typed)) => create::run(&typed, &settings, &mut out),
        Some(Command::Set(typed)) => set::run(&typed, &settings, &mut out),
        Some(Command::Fill(typed)) => fill::run(&typed, &settings, &mut out),
        Some(Command::Convert(typed)) => convert::run(&typed, &settings, &mut out),
        Some(Command::Cat(typed)) => cat::run(&typed, &settings, &mut out),
        Some(Command::Append(typed)) => append::run(&typed, &settings, &mut out),
        Some(Command::Watch(typed)) => watch::run(&typed, &settings, &mut out),
        Some(Command::Attrs(typed)) => attrs::run(&typed, &settings, &mut out),
        Some(Command::Checksum(typed)) => checksum::run(&typed, &settings, &mut out),
        Some(Command::Seal(typed)) => seal::run(&typed, &settings, &mut out),
        Some(Command::Verify(typed)) => verify::run(&typed, &settings, &mut out),
        Some(Command::Repair(typed)) => repair::run(&typed, &settings, &mut out),
        None => {
            cli.info.expect_files()?;
            info::run(&cli.info, &settings, &mut out)
        }
    }?;
    out.flush()?;
    Ok(outcome)
}

/// Prints a help text or the version, or makes one line of what clap says of wrong usage.
fn not_run(error: &clap::Error) -> Result<Outcome, Failure> {
    if !error.use_stderr() {
        let mut out = std::io::stdout().lock();
        write!(out, "{}", error.render())?;
        out.flush()?;
        return Ok(Outcome::Done);
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return Err(Failure::help(error.render().to_string()));
    }
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    let line: Vec<&str> = first.trim_start_matches("error: ").split_whitespace().collect();
    let command = match error.get(ContextKind::Usage) {
        Some(usage) => command_of(&usage.to_string()),
        None => String::new(),
    };
    let tip =
        text.lines().find_map(|line| line.trim().strip_prefix("tip: ").filter(|tip| tip.starts_with("a similar")));
    let hint = match tip {
        Some(tip) => format!("{tip}, see outcore{command} --help"),
        None => format!("see outcore{command} --help"),
    };
    Err(Failure::usage(line.join(" "), hint))
}

/// The verb in a line of usage, with a space before it.
fn command_of(usage: &str) -> String {
    match usage.split_whitespace().skip_while(|&word| word != "outcore").nth(1) {
        Some(word) if word.bytes().all(|byte| byte.is_ascii_lowercase()) => format!(" {word}"),
        _ => String::new(),
    }
}
