//! What a program can print of itself for packages and shells: its man page and completions.
//! Both come from the command line's own definition, so that they cannot lag behind it.

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

/// Adds the hidden commands `man` and `completions SHELL`.
#[must_use]
pub fn with_paper(command: Command) -> Command {
    let shell = Arg::new("shell").required(true).value_parser(value_parser!(Shell));
    command
        .subcommand(Command::new("man").hide(true).about("Print the man page (roff)"))
        .subcommand(Command::new("completions").hide(true).about("Print completions for a shell").arg(shell))
}

/// What was asked of `command` (whole, with its name) if it was one of those two. `section` of the
/// manual: `8` for daemons, `1` for what people call.
#[must_use]
pub fn paper(matches: &ArgMatches, mut command: Command, section: &str) -> Option<Vec<u8>> {
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    match matches.subcommand() {
        Some(("man", _)) => {
            let page = clap_mangen::Man::new(command).section(section).manual("Usher");
            page.render(&mut text).expect("memory takes everything");
        }
        Some(("completions", asked)) => {
            let shell = *asked.get_one::<Shell>("shell").expect("it is required");
            clap_complete::generate(shell, &mut command, name, &mut text);
        }
        _ => return None,
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_the_completions_name_every_command() {
        let command = || with_paper(Command::new("usher-x").subcommand(Command::new("check-config")));
        let print = |args: &[&str]| {
            let matches = command().try_get_matches_from(args).unwrap();
            paper(&matches, command(), "8").map(|text| String::from_utf8(text).unwrap())
        };
        let page = print(&["usher-x", "man"]).unwrap();
        assert!(page.contains("check\\-config") && page.contains(".TH usher-x 8"), "{page}");
        for shell in ["bash", "zsh", "fish"] {
            assert!(print(&["usher-x", "completions", shell]).unwrap().contains("check-config"));
        }
        assert_eq!(print(&["usher-x"]), None);
    }
}
