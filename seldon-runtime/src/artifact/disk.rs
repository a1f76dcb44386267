//! What the standard library leaves open of reading and replacing folders.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

/// Opens a regular file to read.
///
/// A folder or a device in its place is an error; so is a link, which would lead out of the model
/// folder. A FIFO, which may be there between the look and the opening, does not block.
pub(super) fn open_regular(path: &Path) -> io::Result<File> {
    let not_regular = || io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(not_regular());
    }
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;

        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32);
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(not_regular())
    }
}

/// Reads `length` bytes to the file's end, or fails if there are not just as many.
///
/// `length` must have been compared with the file's: it is allocated at once.
pub(super) fn read_exactly(mut file: impl Read, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.try_reserve_exact(length)?;
    // One byte more, to see that the file did not grow meanwhile.
    let limit = (length as u64).saturating_add(1);
    file.by_ref().take(limit).read_to_end(&mut bytes)?;
    if bytes.len() == length {
        Ok(bytes)
    } else {
        Err(io::Error::other("its length changed while it was read"))
    }
}

/// Makes the names in `folder` last through a crash of the machine.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere a folder cannot be opened as a file, and its names are journalled.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Puts the folder `new` at `target`. What was there is at `new` afterwards, or gone.
///
/// Where the system can exchange two names (Linux, macOS), it does so in one step. Elsewhere, and
/// on file systems that cannot, the old folder steps aside to `aside` first; a crash between the
/// two renamings leaves nothing at `target` and the old folder at `aside`, where readers look.
pub(super) fn put(new: &Path, target: &Path, aside: &Path) -> io::Result<()> {
    // Renaming a folder onto nothing, or onto an empty folder, is one step everywhere.
    if !has_entries(target) {
        fs::rename(new, target)?;
        // The old model, if a crash has left it there.
        return remove(aside);
    }
    if exchange(new, target).is_ok() {
        return Ok(());
    }
    step_aside(new, target, aside)
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchange(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn step_aside(new: &Path, target: &Path, aside: &Path) -> io::Result<()> {
    // There is a model at the target, so what is left here is older than it.
    remove(aside)?;
    fs::rename(target, aside)?;
    if let Err(error) = fs::rename(new, target) {
        // If this fails too, readers find the old model where it is.
        let _ = fs::rename(aside, target);
        return Err(error);
    }
    remove(aside)
}

fn has_entries(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::{put, step_aside};

    struct Places {
        _root: tempfile::TempDir,
        new: PathBuf,
        target: PathBuf,
        aside: PathBuf,
    }

    fn places() -> Places {
        let root = tempfile::tempdir().expect("a folder");
        let place = |name| root.path().join(name);
        Places {
            new: place("new"),
            target: place("model"),
            aside: place("aside"),
            _root: root,
        }
    }

    fn fill(folder: &Path, text: &str) {
        fs::create_dir(folder).expect("a folder");
        fs::write(folder.join("file"), text).expect("a file");
    }

    fn text_in(folder: &Path) -> Option<String> {
        fs::read_to_string(folder.join("file")).ok()
    }

    #[test]
    fn a_folder_is_put_where_there_is_none() {
        let at = places();
        fill(&at.new, "new");
        put(&at.new, &at.target, &at.aside).expect("put");
        assert_eq!(text_in(&at.target).as_deref(), Some("new"));
        assert!(!at.new.exists());
    }

    #[test]
    fn a_folder_is_put_where_an_empty_one_is() {
        let at = places();
        fill(&at.new, "new");
        fs::create_dir(&at.target).expect("a folder");
        put(&at.new, &at.target, &at.aside).expect("put");
        assert_eq!(text_in(&at.target).as_deref(), Some("new"));
    }

    #[test]
    fn a_folder_replaces_another() {
        let at = places();
        fill(&at.new, "new");
        fill(&at.target, "old");
        put(&at.new, &at.target, &at.aside).expect("put");
        assert_eq!(text_in(&at.target).as_deref(), Some("new"));
    }

    #[test]
    fn without_an_exchange_the_old_folder_steps_aside() {
        let at = places();
        fill(&at.new, "new");
        fill(&at.target, "old");
        fill(
            &at.aside,
            "older, of a save that was interrupted at its end",
        );
        step_aside(&at.new, &at.target, &at.aside).expect("put");
        assert_eq!(text_in(&at.target).as_deref(), Some("new"));
        assert!(!at.aside.exists());
    }

    #[test]
    fn the_old_folder_comes_back_if_the_new_one_cannot_be_put() {
        let at = places();
        fill(&at.target, "old");
        step_aside(&at.new, &at.target, &at.aside).expect_err("there is no new folder");
        assert_eq!(text_in(&at.target).as_deref(), Some("old"));
    }

    #[test]
    fn a_save_after_an_interrupted_one_clears_what_that_left_aside() {
        let at = places();
        fill(&at.new, "new");
        fill(&at.aside, "old");
        put(&at.new, &at.target, &at.aside).expect("put");
        assert_eq!(text_in(&at.target).as_deref(), Some("new"));
        assert!(!at.aside.exists());
    }
}
