//! Who holds a lease: a process, told apart from a later one with its number.

use std::{fs, path::Path};

/// Names this process: process id, start time, and boot.
pub(crate) fn this_process() -> String {
    let id = std::process::id();
    format!("{id}/{}/{}", start_time(id).unwrap_or_default(), boot_id())
}

/// Says whether the process behind `owner` is gone for good.
///
/// A process id alone would not do: another program may have it by now.
pub(crate) fn is_dead(owner: &str) -> bool {
    let mut parts = owner.splitn(3, '/');
    let (Some(id), Some(started), Some(boot)) = (parts.next(), parts.next(), parts.next()) else {
        return true;
    };
    let Ok(id) = id.parse() else { return true };
    boot != boot_id() || start_time(id).as_deref() != Some(started)
}

/// Clock ticks from boot to the start of a process; none if there is no such one.
fn start_time(id: u32) -> Option<String> {
    let stat = fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat")).ok()?;
    // The command's name may hold spaces and brackets; fields follow the last one.
    let fields = stat.rsplit_once(") ")?.1;
    let mut fields = fields.split(' ');
    // A zombie holds nothing any more.
    (fields.next()? != "Z").then_some(())?;
    fields.nth(18).map(str::to_owned)
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_itself_to_be_alive() {
        assert!(!is_dead(&this_process()));
    }

    #[test]
    fn a_reused_process_id_is_another_process() {
        let own = this_process();
        let (id, rest) = own.split_once('/').expect("the name has three parts");
        let (_, boot) = rest.split_once('/').expect("the name has three parts");

        assert!(is_dead(&format!("{id}/1/{boot}")), "it started at another time");
        assert!(is_dead(&format!("{id}/{rest}-other")), "it was another boot");
        assert!(is_dead("nonsense"));
    }
}
