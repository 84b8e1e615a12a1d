//! A sealed segment in a second place, mostly without a second copy of its bytes.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use crate::data_dir::{make_dir, sync_dir};
use crate::error::Error;
use crate::steady_file::SteadyFile;

/// Makes the directory `to` with the files of the segment directory `from`; what was at `to`
/// is removed. Durable when it returns.
///
/// Files are linked: they never change, so either place may be removed without the other.
/// Where the file system cannot link from one place to the other, they are copied.
///
/// # Errors
/// When the disk fails; `to` holds a part of the files then, and `from` is as it was.
pub fn link_into(from: &Path, to: &Path) -> Result<(), Error> {
    // Before `to` is touched: a source that is not there must not cost what is.
    let entries = fs::read_dir(from).map_err(Error::io("list", from))?;
    if to.exists() {
        fs::remove_dir_all(to).map_err(Error::io("remove", to))?;
    }
    make_dir(to)?;
    for entry in entries {
        let entry = entry.map_err(Error::io("list", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        match fs::hard_link(&source, &target) {
            Ok(()) => {}
            Err(e) if cannot_link(e.kind()) => copy(&source, &target)?,
            Err(e) => return Err(Error::io("link", &source)(e)),
        }
    }
    // Names are not durable with their files: a crash could leave a segment without any.
    sync_dir(to)?;
    to.parent().map_or(Ok(()), sync_dir)
}

/// Whether the two places, and not the file, are why there is no link. A file system without
/// links says that they are not permitted.
fn cannot_link(kind: ErrorKind) -> bool {
    let kinds = [
        ErrorKind::CrossesDevices,
        ErrorKind::TooManyLinks,
        ErrorKind::Unsupported,
        ErrorKind::PermissionDenied,
    ];
    kinds.contains(&kind)
}

fn copy(source: &Path, target: &Path) -> Result<(), Error> {
    let mut from = File::open(source).map_err(Error::io("open", source))?;
    let mut to = SteadyFile::create(target)?;
    std::io::copy(&mut from, &mut to).map_err(Error::io("copy", source))?;
    to.into_inner().sync_all().map_err(Error::io("sync", target))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of a directory, by name.
    fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
        let entries = fs::read_dir(dir).unwrap().map(Result::unwrap);
        let mut files: Vec<_> = entries
            .map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap()))
            .collect();
        files.sort();
        files
    }

    fn segment(root: &Path) -> std::path::PathBuf {
        let dir = root.join("v0-s1");
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("rows.bin"), "rows").unwrap();
        fs::write(dir.join("vec.f32"), "vectors").unwrap();
        dir
    }

    #[test]
    fn a_linked_segment_outlives_its_origin() {
        let root = tempfile::tempdir().unwrap();
        let from = segment(root.path());
        let expected = files(&from);
        let to = root.path().join("copies/v0-s1");
        fs::create_dir_all(&to).unwrap();
        fs::write(to.join("left-behind"), "by an attempt that was cut short").unwrap();
        link_into(&from, &to).unwrap();
        assert_eq!(files(&to), expected);
        fs::remove_dir_all(&from).unwrap();
        assert_eq!(files(&to), expected);
        assert!(link_into(&from, &to).is_err());
        assert_eq!(files(&to), expected, "nothing to link from changes nothing");
    }

    #[test]
    fn another_device_gets_a_copy() {
        let shm = Path::new("/dev/shm");
        let root = tempfile::tempdir().unwrap();
        let from = segment(root.path());
        // Where both are one device, this is one more link.
        let other = if shm.is_dir() {
            tempfile::tempdir_in(shm).unwrap()
        } else {
            tempfile::tempdir().unwrap()
        };
        let to = other.path().join("v0-s1");
        link_into(&from, &to).unwrap();
        assert_eq!(files(&to), files(&from));
    }
}
