//! Files on a server.

use std::time::Duration;

use flightdeck_app::port::hosts::{HostError, Target};

use crate::{command, pool::Pool};

/// For any size that is sent this way; slow lines included.
const DEADLINE: Duration = Duration::from_mins(1);

/// Path, mode, size. `mktemp` makes the file readable to its owner only, and the
/// real name appears with everything in place or not at all.
const SCRIPT: &str = r#"set -eu
umask 077
if [ -d "$1" ]; then echo "it is a directory" >&2; exit 1; fi
beside=$(mktemp -- "$1.XXXXXX")
trap 'rm -f -- "$beside"' EXIT
trap 'exit 1' HUP INT TERM
cat > "$beside"
size=$(wc -c < "$beside")
if [ "$size" -ne "$3" ]; then echo "$size of $3 bytes arrived" >&2; exit 1; fi
chmod -- "$2" "$beside"
mv -f -- "$beside" "$1"
trap - EXIT
"#;

/// Replaces the file at `path`.
pub(crate) async fn write(
    pool: &Pool,
    target: &Target,
    path: &str,
    mode: u32,
    content: &[u8],
) -> Result<(), HostError> {
    let (mode, size) = (format!("{mode:04o}"), content.len().to_string());
    let arguments = ["sh", "-c", SCRIPT, "sh", path, &mode, &size];
    let output = command::run_privileged(pool, target, &arguments, content, DEADLINE).await?;
    if output.exit_code == 0 {
        return Ok(());
    }
    let reason = match output.stderr.trim() {
        "" => format!("exit code {}", output.exit_code),
        words => words.to_owned(),
    };
    Err(HostError::File { endpoint: target.endpoint.clone(), path: path.to_owned(), reason })
}
