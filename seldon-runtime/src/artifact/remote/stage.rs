//! The private folder that a fetched model is in.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// A folder that only its owner can look into, and that goes when it is dropped.
///
/// A process that is killed leaves its own. It is held by a lock on a file in it, which the system
/// frees with the process: what is found unlocked is removed when the next one is made.
#[derive(Debug)]
pub(in crate::artifact) struct Stage {
    path: PathBuf,
    /// Locked.
    _lock: File,
}

impl Stage {
    const PREFIX: &str = "seldon-fetched-";
    /// Until it is locked it has another name, by which nobody removes it.
    const UNLOCKED: &str = ".seldon-new-";
    const LOCK: &str = ".lock";

    /// A new one in `parent`, by default the system's folder for temporary files.
    pub(in crate::artifact) fn new(parent: Option<&Path>) -> Result<Self> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        let cannot = |e| {
            let parent = parent.display();
            Error::setup(format!("cannot keep what is fetched in {parent}")).with_cause(e)
        };
        fs::create_dir_all(&parent).map_err(cannot)?;
        sweep(&parent);
        let id = uuid::Uuid::new_v4().simple();
        let unlocked = parent.join(format!("{}{id}", Self::UNLOCKED));
        let path = parent.join(format!("{}{id}", Self::PREFIX));
        let make = || -> io::Result<File> {
            create_private(&unlocked)?;
            let lock = File::create_new(unlocked.join(Self::LOCK))?;
            lock.try_lock()?;
            fs::rename(&unlocked, &path)?;
            Ok(lock)
        };
        match make() {
            Ok(lock) => Ok(Self { path, _lock: lock }),
            Err(e) => {
                let _ = fs::remove_dir_all(&unlocked);
                Err(cannot(e))
            }
        }
    }

    pub(in crate::artifact) fn path(&self) -> &Path {
        &self.path
    }

    /// A new file in it, for reading and writing.
    pub(in crate::artifact) fn create(&self, name: &str) -> io::Result<File> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(true);
        options.open(self.path.join(name))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What is left is swept by the next one.
        let _ = fs::remove_dir_all(&self.path);
    }
}

fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;

        builder.mode(0o700);
    }
    builder.create(path)
}

/// Removes what processes that were killed have left in `parent`.
fn sweep(parent: &Path) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries {
        if !entry
            .file_name()
            .to_string_lossy()
            .starts_with(Stage::PREFIX)
        {
            continue;
        }
        // Another user's cannot be opened.
        let lock = File::options()
            .write(true)
            .open(entry.path().join(Stage::LOCK));
        if let Ok(lock) = lock
            && lock.try_lock().is_ok()
        {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    }

    #[test]
    fn it_is_its_owners_alone_and_goes_with_what_is_in_it() {
        let root = tempfile::tempdir().expect("a folder");
        let stage = Stage::new(Some(&root.path().join("new"))).expect("made");
        stage.create("file").expect("created");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;

            let mode = fs::metadata(stage.path())
                .expect("it is there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        drop(stage);
        assert!(names_in(&root.path().join("new")).is_empty());
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_is_in_use_is_not() {
        let root = tempfile::tempdir().expect("a folder");
        let (used, left) = (Stage::new(Some(root.path())), Stage::new(Some(root.path())));
        let (used, mut left) = (used.expect("made"), left.expect("made"));
        let path = left.path.clone();
        // As if the process had been killed: unlocked, and still there.
        left._lock = File::create(path.join("other")).expect("created");
        let moved = left.path.with_extension("moved");
        fs::rename(&path, &moved).expect("renamed");
        drop(left);
        fs::rename(&moved, &path).expect("renamed");
        let next = Stage::new(Some(root.path())).expect("made");
        assert!(!path.exists());
        assert!(used.path.exists() && next.path.exists());
    }
}
