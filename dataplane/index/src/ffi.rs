//! A safe function for each of `shim/vane_faiss.h`.
//!
//! Every check that memory safety rests on is in this module or in the shim's reader of
//! graph files; callers only decide what is sensible.
#![allow(unsafe_code)] // The reason for this module: calls into C++.

mod raw;

use std::ffi::{CStr, CString, c_char, c_int};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{self, NonNull};

use crate::metric::Metric;
use crate::params::{CodeBits, GraphParams};
use crate::select::Select;

// Links libfaiss: no item of the crate is named.
use faiss_sys as _;

/// A `vane_build` of a known shape. It never keeps a pointer to rows.
pub(crate) struct Build {
    raw: NonNull<raw::RawBuild>,
    shape: Shape,
}

impl Build {
    /// A graph for `count` rows. Equal rows are one node. Those that `base` has too keep their
    /// links, the others are to be inserted.
    pub(crate) fn begin(
        metric: Metric,
        (dim, count): (usize, usize),
        rows: &[f32],
        GraphParams { m, ef_construct }: GraphParams,
        threads: NonZeroUsize,
        base: Option<Base<'_>>,
    ) -> Result<Self, String> {
        let shape = Shape::new(dim, count)?;
        shape.check_rows(rows)?;
        let (graph, file, numbers) = match &base {
            None => (ptr::null_mut(), ptr::null(), ptr::null()),
            Some(base) => base.check(&shape)?,
        };
        let rows = rows.as_ptr();
        let mut out = ptr::null_mut();
        // SAFETY: `out` is valid for one write; the base has its file, and a number for every row,
        // which the shim compares with the number of its rows.
        check(unsafe {
            raw::vane_build_begin(
                code(metric),
                dim,
                rows,
                count,
                m,
                ef_construct,
                threads.get(),
                graph,
                file,
                numbers,
                &raw mut out,
            )
        })?;
        Ok(Self { raw: NonNull::new(out).ok_or("the shim gave no graph")?, shape })
    }

    /// Inserts up to `count` more nodes of `rows`, the whole matrix; tells how many are left.
    pub(crate) fn insert(
        &mut self,
        rows: &[f32],
        count: usize,
        threads: NonZeroUsize,
    ) -> Result<usize, String> {
        self.shape.check_rows(rows)?;
        let mut left = 0;
        // SAFETY: `rows` holds as many values as the graph has rows times dimensions,
        // and `&mut self` keeps every other call away.
        check(unsafe {
            raw::vane_build_insert(
                self.raw.as_ptr(),
                rows.as_ptr(),
                count,
                threads.get(),
                &raw mut left,
            )
        })?;
        Ok(left)
    }

    /// Writes the finished graph over `rows`, the whole matrix, to a new file.
    pub(crate) fn save(
        &self,
        rows: &[f32],
        bits: CodeBits,
        threads: NonZeroUsize,
        path: &Path,
    ) -> Result<(), String> {
        self.shape.check_rows(rows)?;
        let path = CString::new(path.as_os_str().as_bytes()).map_err(|e| e.to_string())?;
        // SAFETY: the graph is alive, `rows` holds as many values as it has rows times dimensions,
        // and the path is a C string.
        check(unsafe {
            raw::vane_build_save(
                self.raw.as_ptr(),
                rows.as_ptr(),
                bits.count() as usize,
                threads.get(),
                path.as_ptr(),
            )
        })
    }
}

impl Drop for Build {
    fn drop(&mut self) {
        // SAFETY: it came from the shim and is freed nowhere else.
        unsafe { raw::vane_build_free(self.raw.as_ptr()) }
    }
}

/// A graph that has some of the rows of another.
pub(crate) struct Base<'a> {
    pub(crate) handle: &'a Handle,
    pub(crate) file: &'a [u8],
    /// Of each row of the other its number in this one, or -1.
    pub(crate) numbers: &'a [i32],
}

impl Base<'_> {
    fn check(&self, of: &Shape) -> Result<(*mut raw::RawGraph, *const c_char, *const i32), String> {
        let Self { handle, file, numbers } = self;
        if handle.shape.dim != of.dim || numbers.len() != of.rows || file.len() != handle.file_bytes
        {
            return Err("the base is of another shape".to_owned());
        }
        Ok((handle.raw.as_ptr(), file.as_ptr().cast(), numbers.as_ptr()))
    }
}

/// A `vane_graph` of a known shape, without its file and its rows.
pub(crate) struct Handle {
    raw: NonNull<raw::RawGraph>,
    shape: Shape,
    file_bytes: usize,
}

// SAFETY: the graph is plain memory of its own, bound to no thread.
unsafe impl Send for Handle {}
// SAFETY: a shared Handle allows only calls that read the graph; the shim's scratch
// space is per thread.
unsafe impl Sync for Handle {}

impl Handle {
    /// Opens a file of exactly this shape; the shim checks every number in it, but for the links,
    /// which a search checks on its way.
    pub(crate) fn open(
        file: &[u8],
        rows: &[f32],
        metric: Metric,
        dim: usize,
        count: usize,
    ) -> Result<Self, String> {
        let shape = Shape::new(dim, count)?;
        shape.check_rows(rows)?;
        let mut out = ptr::null_mut();
        // SAFETY: file and rows are as long as is said, and `out` is valid for one write.
        check(unsafe {
            raw::vane_graph_open(
                file.as_ptr().cast(),
                file.len(),
                rows.as_ptr(),
                code(metric),
                dim,
                count,
                &raw mut out,
            )
        })?;
        let raw = NonNull::new(out).ok_or("the shim gave no graph")?;
        Ok(Self { raw, shape, file_bytes: file.len() })
    }

    /// Whether its file is of an earlier version.
    pub(crate) fn is_converted(&self) -> bool {
        // SAFETY: the graph is alive.
        unsafe { raw::vane_graph_is_converted(self.raw.as_ptr()) == 1 }
    }

    /// Bits that its codes have of each dimension.
    pub(crate) fn code_bits(&self) -> u32 {
        // SAFETY: the graph is alive. It is one of 1, 2, 4 and 8.
        unsafe { raw::vane_graph_bits(self.raw.as_ptr()) as u32 }
    }

    /// Nodes that no walk can come to.
    pub(crate) fn unreached(&self) -> usize {
        // SAFETY: the graph is alive.
        unsafe { raw::vane_graph_unreached(self.raw.as_ptr()) }
    }

    pub(crate) fn bytes(&self) -> usize {
        // SAFETY: the graph is alive.
        unsafe { raw::vane_graph_bytes(self.raw.as_ptr()) }
    }

    /// The best rows of `rows`, best first: scores and row numbers, -1 from the first
    /// place on that stayed empty. `1 <= k <= ef`. `file` is the one it was opened with.
    pub(crate) fn search(
        &self,
        data: (&[u8], &[f32]),
        query: &[f32],
        (k, ef): (usize, usize),
        select: &Select<'_>,
        way: Way<'_>,
    ) -> Result<(Vec<f32>, Vec<i64>), String> {
        self.check(data, query, (k, ef), select)?;
        let raw = raw::RawSelect::new(select);
        let (mut scores, mut ids) = (vec![0.0; k], vec![-1; k]);
        let search = raw::RawSearch {
            graph: self.raw.as_ptr(),
            file: data.0.as_ptr().cast(),
            rows: data.1.as_ptr(),
            query: query.as_ptr(),
            k,
            ef,
            select: if select.is_everything() { ptr::null() } else { &raw const raw },
            by_rows: c_int::from(matches!(way, Way::Walk { by_rows: true, .. })),
            scores: scores.as_mut_ptr(),
            ids: ids.as_mut_ptr(),
        };
        let status = match way {
            Way::Walk { over, again, within, .. } => {
                let within = within.as_ref().map_or(ptr::null(), ptr::from_ref);
                // SAFETY: file, rows and query have the graph's shape; the tables of `select` have
                // an entry for every row; both outputs have room for k; all of them outlive the
                // call, as does `within`.
                unsafe { raw::vane_graph_walk(&raw const search, over, c_int::from(again), within) }
            }
            Way::Scan(among) => {
                let (first, count) = match among {
                    None => (ptr::null(), 0),
                    Some(among) => (among.as_ptr(), among.len()),
                };
                // SAFETY: as above; `among` has so many numbers, which the shim compares with the
                // number of rows.
                unsafe { raw::vane_graph_scan(&raw const search, first, count) }
            }
        };
        check(status)?;
        Ok((scores, ids))
    }

    fn check(
        &self,
        (file, rows): (&[u8], &[f32]),
        query: &[f32],
        (k, ef): (usize, usize),
        select: &Select<'_>,
    ) -> Result<(), String> {
        self.shape.check_rows(rows)?;
        if file.len() != self.file_bytes {
            return Err(format!("the file has {} bytes now", file.len()));
        }
        if query.len() != self.shape.dim || k == 0 || k > ef || c_int::try_from(ef).is_err() {
            return Err("query, k or ef out of range".to_owned());
        }
        select.check(self.shape.rows).map_err(|e| e.to_string())
    }
}

/// How candidates are found.
#[derive(Clone, Copy)]
pub(crate) enum Way<'a> {
    /// Along the links, at first over so many of all rows, and then again or not; for those that
    /// score no worse than this; by the rows and not by codes of few bits.
    Walk { over: usize, again: bool, within: Option<f32>, by_rows: bool },
    /// By a look at every code that may be returned, or at those of the rows named.
    Scan(Option<&'a [u32]>),
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the graph came from the shim and is freed nowhere else.
        unsafe { raw::vane_graph_free(self.raw.as_ptr()) }
    }
}

/// Whether all kernels that this machine can run sum alike; else the name of one that does not.
/// There is a weight for each part of so many bits.
#[cfg(test)]
pub(crate) fn kernels_agree(
    bits: usize,
    parts: &[u8],
    weights: &[i8],
    lines: usize,
) -> Result<(), String> {
    assert!([1, 2, 4].contains(&bits) && weights.len() == 8 / bits * parts.len());
    assert!(parts.len().is_multiple_of(64 * lines));
    let mut name = ptr::null();
    let count = parts.len() / (64 * lines);
    // SAFETY: both hold as many lines as is said, and `name` is valid for one write of a constant.
    unsafe {
        match raw::vane_kernels_agree(
            bits,
            parts.as_ptr(),
            weights.as_ptr(),
            count,
            lines,
            &raw mut name,
        ) {
            1 => Ok(()),
            _ => Err(CStr::from_ptr(name).to_string_lossy().into_owned()),
        }
    }
}

/// A `vane_stock`, which has a copy of its rows.
pub(crate) struct Stock {
    raw: NonNull<raw::RawStock>,
    dim: usize,
}

// SAFETY: plain memory of its own, bound to no thread.
unsafe impl Send for Stock {}
// SAFETY: a shared one allows only searches, which read it.
unsafe impl Sync for Stock {}

impl Stock {
    pub(crate) fn build(
        metric: Metric,
        dim: usize,
        rows: &[f32],
        m: usize,
        ef_construct: usize,
    ) -> Result<Self, String> {
        let count = rows.len() / dim.max(1);
        Shape::new(dim, count)?.check_rows(rows)?;
        let mut out = ptr::null_mut();
        // SAFETY: there are as many rows as is said, and `out` is valid for one write.
        check(unsafe {
            raw::vane_stock_build(
                code(metric),
                dim,
                rows.as_ptr(),
                count,
                m,
                ef_construct,
                &raw mut out,
            )
        })?;
        Ok(Self { raw: NonNull::new(out).ok_or("the shim gave no index")?, dim })
    }

    pub(crate) fn search(
        &self,
        query: &[f32],
        k: usize,
        ef: usize,
    ) -> Result<(Vec<f32>, Vec<i64>), String> {
        if query.len() != self.dim || k == 0 || k > ef || c_int::try_from(ef).is_err() {
            return Err("query, k or ef out of range".to_owned());
        }
        let (mut scores, mut ids) = (vec![0.0; k], vec![-1; k]);
        let (raw, query) = (self.raw.as_ptr(), query.as_ptr());
        // SAFETY: the query has the index's dimension, and both outputs have room for k.
        check(unsafe {
            raw::vane_stock_search(raw, query, k, ef, scores.as_mut_ptr(), ids.as_mut_ptr())
        })?;
        Ok((scores, ids))
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        // SAFETY: it came from the shim and is freed nowhere else.
        unsafe { raw::vane_stock_free(self.raw.as_ptr()) }
    }
}

/// As [`crate::exact::scores`]; `which` are rows and `out` has their number.
pub(crate) fn scores_of(
    metric: Metric,
    dim: usize,
    rows: &[f32],
    which: &[u32],
    query: &[f32],
    out: &mut [f32],
) {
    assert!(query.len() == dim && out.len() == which.len());
    let end = which.iter().map(|&row| (row as usize + 1) * dim).max();
    assert!(end.is_none_or(|end| end <= rows.len()));
    // SAFETY: every row of `which` ends within `rows`, and `out` has a place for each.
    unsafe {
        raw::vane_scores_of(
            code(metric),
            dim,
            rows.as_ptr(),
            which.as_ptr(),
            which.len(),
            query.as_ptr(),
            out.as_mut_ptr(),
        );
    }
}

pub(crate) fn missing_cpu_feature() -> Option<String> {
    // SAFETY: takes nothing, returns null or a constant C string.
    let name = unsafe { raw::vane_missing_cpu_feature() };
    // SAFETY: not null, hence such a constant.
    (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
}

pub(crate) fn trim_memory() {
    // SAFETY: it takes no argument and touches only what is free.
    unsafe { raw::vane_trim_memory() }
}

pub(crate) fn trim_thread() {
    // SAFETY: it takes no argument and touches only what is free.
    unsafe { raw::vane_trim_thread() }
}

pub(crate) fn compared_here() -> u64 {
    // SAFETY: reads a number that belongs to the calling thread.
    unsafe { raw::vane_compared_here() }
}

pub(crate) fn single_threaded() {
    // SAFETY: sets a number that belongs to the calling thread.
    unsafe { raw::vane_single_threaded() }
}

/// A number of rows and a dimension whose product FAISS and `usize` can count to.
struct Shape {
    dim: usize,
    rows: usize,
}

impl Shape {
    fn new(dim: usize, rows: usize) -> Result<Self, String> {
        let counts = [c_int::try_from(dim).is_ok(), c_int::try_from(rows).is_ok()];
        if dim == 0 || counts.contains(&false) || rows.checked_mul(dim).is_none() {
            return Err(format!("{rows} rows of dimension {dim} are out of range"));
        }
        Ok(Self { dim, rows })
    }

    fn check_rows(&self, rows: &[f32]) -> Result<(), String> {
        if rows.len() == self.rows * self.dim {
            return Ok(());
        }
        Err(format!("{} values for {} rows", rows.len(), self.rows))
    }
}

fn check(status: c_int) -> Result<(), String> {
    if status == 0 {
        return Ok(());
    }
    // SAFETY: a C string that lasts as long as the thread; copied at once.
    Err(unsafe { CStr::from_ptr(raw::vane_last_error()) }.to_string_lossy().into_owned())
}

/// `enum vane_metric`.
fn code(metric: Metric) -> c_int {
    match metric {
        Metric::InnerProduct => 0,
        Metric::L2 => 1,
        // Neither is handed to it.
        Metric::L1 | Metric::Cosine => -1,
    }
}
