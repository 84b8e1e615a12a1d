"""A small file system of its own, in a file: for full disks and power failures."""

import pathlib
import shutil
import subprocess


def run(*command):
    subprocess.run(list(map(str, command)), check=True, capture_output=True)


class Volume:
    """An ext4 image, mounted while the context lasts. Needs root."""

    def __init__(self, dir, megabytes=None, image=None):
        self.dir = pathlib.Path(dir)
        self.image = image or self.dir / "disk.img"
        self.path = self.dir / f"mount-{self.image.stem}"
        self.megabytes = megabytes

    def __enter__(self):
        if self.megabytes:
            run("truncate", "-s", f"{self.megabytes}M", self.image)
            run("mkfs.ext4", "-q", "-F", self.image)
        self.path.mkdir(exist_ok=True)
        run("mount", "-o", "loop", self.image, self.path)
        return self

    def __exit__(self, *_):
        # Lazily: a process that is being killed may hold it for a moment more.
        run("umount", "-l", self.path)

    def photograph(self, name):
        """A copy of the image as the disk has it now: synced writes, and what the kernel wrote back."""
        copy = self.dir / f"{name}.img"
        shutil.copyfile(self.image, copy)
        return copy
