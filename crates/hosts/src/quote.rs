//! Arguments as text that a POSIX shell reads back unchanged.

/// One argument in single quotes.
///
/// Everything is quoted, harmless words too: one rule without exceptions is the
/// one that holds, and nobody reads these lines but a shell.
pub(crate) fn quoted(argument: &str) -> String {
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// A whole command line.
pub(crate) fn line<S: AsRef<str>>(arguments: &[S]) -> String {
    arguments.iter().map(|it| quoted(it.as_ref())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    /// What `/bin/sh` makes of a line, as `printf` shows it.
    #[expect(clippy::disallowed_methods, reason = "the shell is the judge here")]
    fn read_back(arguments: &[String]) -> Vec<String> {
        let text = format!(r"printf '%s\0' {}", line(arguments));
        let output = Command::new("/bin/sh").arg("-c").arg(text).output().expect("sh starts");
        let shown = String::from_utf8(output.stdout).expect("UTF-8 stays UTF-8");
        shown.split_terminator('\0').map(str::to_owned).collect()
    }

    proptest! {
        #[test]
        fn a_shell_reads_back_what_was_quoted(
            arguments in prop::collection::vec("[^\0]{0,40}", 1..6),
        ) {
            prop_assert_eq!(read_back(&arguments), arguments);
        }

        #[test]
        fn a_shell_never_acts_on_what_was_quoted(
            arguments in prop::collection::vec(r#"['"\\$`;&|<>(){}*?~!# \n\t=-]{1,24}"#, 1..6),
        ) {
            prop_assert_eq!(read_back(&arguments), arguments);
        }
    }
}
