//! `.env.local`: the addresses and keys of the stack, where Next.js and others read them.
//!
//! Only the lines between two marks are ours; whatever else is in the file stays as it is.

use std::path::Path;

use anyhow::Context as _;

const BEGIN: &str = "# >>> rowlock dev: what stands here is written anew at each start";
const END: &str = "# <<< rowlock dev";

/// Writes `variables` into the file at `path`.
pub(super) fn write(path: &Path, variables: &[(&str, &str)]) -> anyhow::Result<()> {
    let before = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    };
    let text = merged(&before, variables);
    if text == before {
        return Ok(());
    }
    crate::commands::write_private(path, &text)
}

fn merged(before: &str, variables: &[(&str, &str)]) -> String {
    let block: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    let block = format!("{BEGIN}\n{block}{END}\n");
    if let Some((head, rest)) = before.split_once(BEGIN) {
        // Somebody may have removed the end: then it is ours to the end of the file's first empty line.
        let tail =
            rest.split_once(&format!("{END}\n")).or_else(|| rest.split_once("\n\n")).map_or("", |(_, tail)| tail);
        return format!("{head}{block}{tail}");
    }
    match before {
        "" => block,
        _ if before.ends_with('\n') => format!("{before}\n{block}"),
        _ => format!("{before}\n\n{block}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_lines_change() {
        let first = merged("MINE=1", &[("A", "1")]);
        assert_eq!(first, format!("MINE=1\n\n{BEGIN}\nA=1\n{END}\n"));
        let second = merged(&format!("{first}ALSO_MINE=2\n"), &[("A", "2"), ("B", "3")]);
        assert_eq!(second, format!("MINE=1\n\n{BEGIN}\nA=2\nB=3\n{END}\nALSO_MINE=2\n"));
        assert_eq!(merged(&second, &[("A", "2"), ("B", "3")]), second);
        assert_eq!(merged("", &[]), format!("{BEGIN}\n{END}\n"));
    }
}
