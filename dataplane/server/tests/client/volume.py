"""A small file system of its own, in a file: for full disks and power failures."""

import os
import pathlib
import shutil
import subprocess

import pytest

PHOTOGRAPHS_MAX = 20
needs_mount = pytest.mark.skipif(
    os.geteuid() != 0 or not pathlib.Path("/dev/loop-control").exists(),
    reason="mounting a disk image needs root and loop devices",
)


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
        source = subprocess.run(["findmnt", "-no", "SOURCE", self.path], check=True, capture_output=True, text=True)
        self.device = pathlib.Path(source.stdout.strip()).name
        return self

    def __exit__(self, *_):
        # Lazily: a process that is being killed may hold it for a moment more.
        run("umount", "-l", self.path)

    def photograph(self, name):
        """A copy of the image as the disk has it now: synced writes, and what the kernel wrote back.

        A copy takes time; one during which the kernel wrote shows no single moment, and is taken again.
        """
        copy = self.dir / f"{name}.img"
        for _ in range(PHOTOGRAPHS_MAX):
            before = self.written()
            shutil.copyfile(self.image, copy)
            if self.written() == before:
                return copy
        raise AssertionError(f"{self.device} is written to all the time: is the node stopped?")

    def written(self):
        """Writes that the device has taken, and requests on their way."""
        figures = pathlib.Path(f"/sys/block/{self.device}/stat").read_text().split()
        return figures[4], figures[8]
