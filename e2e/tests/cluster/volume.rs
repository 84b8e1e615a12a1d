//! A small file system of its own, in a file: for full disks and power failures.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use vane_testbed::{pause, wait_until};

/// Tries to copy an image at a moment when nothing is written to it.
const PHOTOGRAPHS_MAX: usize = 20;
/// Time between looks at whether there is room to take.
const FILL_PAUSE: Duration = Duration::from_millis(20);
const FILL_TIMEOUT: Duration = Duration::from_secs(10);

/// Whether this machine lets us mount images; where not, says that a test is skipped.
pub(crate) fn can_mount() -> bool {
    let can = rustix::process::geteuid().is_root() && Path::new("/dev/loop-control").exists();
    if !can {
        println!("skipped: mounting a disk image needs root and loop devices");
    }
    can
}

/// An ext4 image, mounted while this lives.
pub(crate) struct Volume {
    image: PathBuf,
    mount: PathBuf,
    /// Name of the loop device.
    device: String,
    /// Takes room until it is told to end.
    filler: Option<(Arc<AtomicBool>, JoinHandle<()>)>,
}

impl Volume {
    /// Makes an empty image and mounts it on the folder `mount`.
    pub(crate) fn make(image: &Path, mount: &Path, megabytes: u64) -> Self {
        File::create(image).unwrap().set_len(megabytes << 20).unwrap();
        // Nothing is reserved for root, so that the nodes meet a disk that is full.
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(image));
        Self::mount(image, mount)
    }

    /// Mounts an image.
    pub(crate) fn mount(image: &Path, mount: &Path) -> Self {
        fs::create_dir_all(mount).unwrap();
        run(Command::new("mount").args(["-o", "loop"]).arg(image).arg(mount));
        let source = run(Command::new("findmnt").args(["-no", "SOURCE"]).arg(mount));
        let device = source.trim().trim_start_matches("/dev/").to_owned();
        Self { image: image.to_owned(), mount: mount.to_owned(), device, filler: None }
    }

    /// Where it is mounted.
    pub(crate) fn path(&self) -> &Path {
        &self.mount
    }

    /// Copies the image as the disk has it now: what was synced, and what the kernel wrote
    /// back by itself.
    ///
    /// A copy takes time; one during which the kernel wrote shows no single moment, and is
    /// taken again.
    pub(crate) fn photograph(&self, copy: &Path) {
        for _ in 0..PHOTOGRAPHS_MAX {
            let before = self.written();
            run(Command::new("cp").args(["--sparse=always"]).arg(&self.image).arg(copy));
            if self.written() == before {
                return;
            }
        }
        panic!("{} is written to all the time: are the nodes stopped?", self.device);
    }

    /// Has a foreign file take the room but for so many bytes, also room that is given back
    /// later, until [`Volume::make_room`].
    pub(crate) fn fill_up_to(&mut self, left: u64) {
        let (path, ended) = (self.filler_path(), Arc::new(AtomicBool::new(false)));
        let filler = {
            let (mount, ended) = (self.mount.clone(), Arc::clone(&ended));
            std::thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    take(&path, free(&mount).saturating_sub(left));
                    pause(FILL_PAUSE);
                }
            })
        };
        self.end_filler();
        self.filler = Some((ended, filler));
        wait_until("the disk to be full", FILL_TIMEOUT, || (self.free() <= left).then_some(()))
            .unwrap();
    }

    /// Removes that file.
    pub(crate) fn make_room(&mut self) {
        self.end_filler();
        fs::remove_file(self.filler_path()).unwrap();
    }

    /// Bytes free.
    pub(crate) fn free(&self) -> u64 {
        free(&self.mount)
    }

    fn end_filler(&mut self) {
        if let Some((ended, thread)) = self.filler.take() {
            ended.store(true, Ordering::Relaxed);
            thread.join().unwrap();
        }
    }

    fn filler_path(&self) -> PathBuf {
        self.mount.join("filler")
    }

    /// Writes that the device has taken, and those on their way.
    fn written(&self) -> (String, String) {
        let figures = fs::read_to_string(format!("/sys/block/{}/stat", self.device)).unwrap();
        let figures: Vec<&str> = figures.split_whitespace().collect();
        (figures[4].to_owned(), figures[8].to_owned())
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        self.end_filler();
        // Lazily: a process that is being killed may hold it for a moment more.
        drop(Command::new("umount").arg("-l").arg(&self.mount).status());
    }
}

fn free(mount: &Path) -> u64 {
    let stat = statvfs(mount).unwrap();
    stat.f_bavail * stat.f_frsize
}

/// Lets a file grow by so many bytes, or by as many as there are.
fn take(path: &Path, bytes: u64) {
    let file = File::options().create(true).append(true).open(path).unwrap();
    let mut bytes = bytes;
    while bytes > 0 {
        let size = file.metadata().unwrap().len();
        if fallocate(&file, FallocateFlags::empty(), size, bytes).is_ok() {
            return;
        }
        // The file system needs some of it for itself, or the node was faster.
        bytes /= 2;
    }
}

/// Runs a command, which must succeed; what it printed.
fn run(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}
