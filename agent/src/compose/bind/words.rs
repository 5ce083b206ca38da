//! A command as one text, split into words as compose splits it, which is not quite as a shell does.
//!
//! It stops at an unquoted `;`, `&`, `|`, `<` or `>` and drops the rest without a word: [`Words::cut`] tells.

/// The words of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// The words that the container gets.
    pub(super) words: Vec<String>,
    /// What compose leaves out, from the first unquoted shell operator on.
    pub(super) cut: Option<String>,
}

/// Splits a command; `None` when a quote or bracket is left open.
pub(super) fn split(line: &str) -> Option<Words> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut started, mut escaped, mut single, mut double) = (false, false, false, false);
    let (mut backtick, mut dollar) = (false, false);
    let mut cut = None;
    for (index, c) in line.char_indices() {
        if escaped {
            word.push(c);
            escaped = false;
            started = true;
            continue;
        }
        match c {
            '\\' if !single => {
                escaped = true;
                continue;
            }
            ' ' | '\t' | '\r' | '\n' => {
                if single || double || backtick || dollar {
                    word.push(c);
                } else if started {
                    words.push(std::mem::take(&mut word));
                    started = false;
                }
                continue;
            }
            '`' if !single && !double && !dollar => backtick = !backtick,
            ')' if !single && !double && !backtick => dollar = !dollar,
            '(' if !single && !double && !backtick => {
                if dollar || !word.ends_with('$') {
                    return None;
                }
                dollar = true;
            }
            '"' if !single && !dollar => {
                started |= double;
                double = !double;
                continue;
            }
            '\'' if !double && !dollar => {
                started |= single;
                single = !single;
                continue;
            }
            ';' | '&' | '|' | '<' | '>' if !(single || double || backtick || dollar) => {
                // `2>file`: the digit belongs to the redirection.
                if c == '>' && word.starts_with(|c: char| c.is_ascii_digit()) {
                    started = false;
                }
                cut = Some(line[index..].to_owned());
                break;
            }
            _ => {}
        }
        started = true;
        word.push(c);
    }
    if started {
        words.push(word);
    }
    let open = escaped || single || double || backtick || dollar;
    (!open).then_some(Words { words, cut })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[&str], cut: Option<&str>) {
        let expected = expected.iter().map(|&word| word.to_owned()).collect();
        assert_eq!(split(line), Some(Words { words: expected, cut: cut.map(str::to_owned) }), "{line}");
    }

    #[test]
    fn quotes_join_and_backslashes_escape() {
        check(
            "sh -c 'a \"b\"' \"c d\" e\\ f '' x\"y\"z",
            &["sh", "-c", "a \"b\"", "c d", "e f", "", "xyz"],
            None,
        );
        check("-config.file=/conf/a.yaml\n  --x", &["-config.file=/conf/a.yaml", "--x"], None);
        check("echo $(date now) `x y`", &["echo", "$(date now)", "`x y`"], None);
    }

    #[test]
    fn a_shell_operator_ends_the_command() {
        check("echo a && rm -rf b", &["echo", "a"], Some("&& rm -rf b"));
        check("cmd 2>/dev/null", &["cmd"], Some(">/dev/null"));
        check("'a;b' c", &["a;b", "c"], None);
    }

    #[test]
    fn what_is_left_open_is_refused() {
        for line in ["'a", "\"a", "a\\", "(a)", "`a"] {
            assert_eq!(split(line), None, "{line}");
        }
    }
}
