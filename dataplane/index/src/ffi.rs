//! The declarations of `shim/vane_faiss.h` and a safe function for each.
//!
//! Every check that memory safety rests on is in this module or in the shim's reader of
//! graph files; callers only decide what is sensible.
#![allow(unsafe_code)] // The reason for this module: calls into C++.

use std::ffi::{CStr, CString, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{self, NonNull};

use crate::metric::Metric;
use crate::select::Select;

// Links libfaiss: no item of the crate is named.
use faiss_sys as _;

/// A `vane_graph` of a known shape. It never keeps a pointer to rows.
pub(crate) struct Handle {
    graph: NonNull<RawGraph>,
    rows: usize,
    dim: usize,
}

// SAFETY: the graph is plain memory of its own, bound to no thread.
unsafe impl Send for Handle {}
// SAFETY: a shared Handle allows only calls that read the graph; the shim's scratch
// space is per thread.
unsafe impl Sync for Handle {}

impl Handle {
    /// A graph with room for `rows` rows and none inserted.
    pub(crate) fn begin(
        metric: Metric,
        dim: usize,
        rows: usize,
        m: usize,
        ef_construct: usize,
    ) -> Result<Self, String> {
        let shape = Shape::new(dim, rows)?;
        // SAFETY: `out` is valid for one write.
        shape.receive(|out| unsafe {
            vane_graph_begin(code(metric), dim, rows, m, ef_construct, out)
        })
    }

    /// Inserts up to `count` more of `rows`, the whole matrix; tells how many are left.
    pub(crate) fn insert(&mut self, rows: &[f32], count: usize) -> Result<usize, String> {
        self.check_rows(rows)?;
        let mut left = 0;
        // SAFETY: `rows` holds as many values as the graph has rows times dimensions,
        // and `&mut self` keeps every other call away.
        check(unsafe {
            vane_graph_insert(self.graph.as_ptr(), rows.as_ptr(), count, &raw mut left)
        })?;
        Ok(left)
    }

    pub(crate) fn save(&self, path: &Path) -> Result<(), String> {
        let path = c_path(path)?;
        // SAFETY: the graph is alive and the path is a C string.
        check(unsafe { vane_graph_save(self.graph.as_ptr(), path.as_ptr()) })
    }

    /// Opens a file of exactly this shape; the shim checks every number in it.
    pub(crate) fn open(
        path: &Path,
        metric: Metric,
        dim: usize,
        rows: usize,
    ) -> Result<Self, String> {
        let path = c_path(path)?;
        let shape = Shape::new(dim, rows)?;
        // SAFETY: the path is a C string and `out` is valid for one write.
        shape.receive(|out| unsafe { vane_graph_open(path.as_ptr(), code(metric), dim, rows, out) })
    }

    pub(crate) fn bytes(&self) -> usize {
        // SAFETY: the graph is alive.
        unsafe { vane_graph_bytes(self.graph.as_ptr()) }
    }

    /// The best rows of `rows`, best first: scores and row numbers, -1 from the first
    /// place on that stayed empty. `1 <= k <= ef`.
    pub(crate) fn search(
        &self,
        rows: &[f32],
        query: &[f32],
        k: usize,
        ef: usize,
        select: &Select<'_>,
    ) -> Result<(Vec<f32>, Vec<i64>), String> {
        self.check_rows(rows)?;
        if query.len() != self.dim || k == 0 || k > ef || c_int::try_from(ef).is_err() {
            return Err("query, k or ef out of range".to_owned());
        }
        select.check(self.rows).map_err(|e| e.to_string())?;
        let raw = RawSelect::new(select);
        let raw = if select.is_everything() { ptr::null() } else { &raw const raw };
        let (mut scores, mut ids) = (vec![0.0; k], vec![-1; k]);
        // SAFETY: rows and query have the graph's shape; the tables of `select` have an
        // entry for every row; both outputs have room for k; all of them outlive the call.
        check(unsafe {
            vane_graph_search(
                self.graph.as_ptr(),
                rows.as_ptr(),
                query.as_ptr(),
                k,
                ef,
                raw,
                scores.as_mut_ptr(),
                ids.as_mut_ptr(),
            )
        })?;
        Ok((scores, ids))
    }

    fn check_rows(&self, rows: &[f32]) -> Result<(), String> {
        if rows.len() == self.rows * self.dim {
            return Ok(());
        }
        Err(format!("{} values for {} rows", rows.len(), self.rows))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the graph came from the shim and is freed nowhere else.
        unsafe { vane_graph_free(self.graph.as_ptr()) }
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
        vane_scores_of(
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
    let name = unsafe { vane_missing_cpu_feature() };
    // SAFETY: not null, hence such a constant.
    (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
}

pub(crate) fn single_threaded() {
    // SAFETY: sets a number that belongs to the calling thread.
    unsafe { vane_single_threaded() }
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

    fn receive(self, make: impl FnOnce(*mut *mut RawGraph) -> c_int) -> Result<Handle, String> {
        let mut out = ptr::null_mut();
        check(make(&raw mut out))?;
        let graph = NonNull::new(out).ok_or("the shim gave no graph")?;
        let Self { dim, rows } = self;
        Ok(Handle { graph, rows, dim })
    }
}

fn check(status: c_int) -> Result<(), String> {
    if status == 0 {
        return Ok(());
    }
    // SAFETY: a C string that lasts as long as the thread; copied at once.
    Err(unsafe { CStr::from_ptr(vane_last_error()) }.to_string_lossy().into_owned())
}

fn c_path(path: &Path) -> Result<CString, String> {
    CString::new(path.as_os_str().as_bytes()).map_err(|e| e.to_string())
}

/// `enum vane_metric`.
fn code(metric: Metric) -> c_int {
    match metric {
        Metric::InnerProduct => 0,
        Metric::L2 => 1,
    }
}

#[repr(C)]
struct RawGraph {
    _opaque: [u8; 0],
}

#[repr(C)]
struct RawSelect {
    allow: *const u64,
    allow_words: usize,
    slots: *const u32,
    died: *const u64,
    at: u64,
}

impl RawSelect {
    fn new(select: &Select<'_>) -> Self {
        let (allow, slots) = select.allow.unzip();
        let (died, at) = select.died.unzip();
        Self {
            allow: allow.map_or(ptr::null(), <[u64]>::as_ptr),
            allow_words: allow.map_or(0, <[u64]>::len),
            slots: slots.map_or(ptr::null(), <[u32]>::as_ptr),
            died: died.map_or(ptr::null(), |died| died.as_ptr().cast()),
            at: at.unwrap_or(0),
        }
    }
}

unsafe extern "C" {
    fn vane_graph_begin(
        metric: c_int,
        dim: usize,
        rows: usize,
        m: usize,
        ef_construct: usize,
        out: *mut *mut RawGraph,
    ) -> c_int;
    fn vane_graph_insert(
        graph: *mut RawGraph,
        rows: *const f32,
        count: usize,
        left: *mut usize,
    ) -> c_int;
    fn vane_graph_save(graph: *const RawGraph, path: *const c_char) -> c_int;
    fn vane_graph_open(
        path: *const c_char,
        metric: c_int,
        dim: usize,
        rows: usize,
        out: *mut *mut RawGraph,
    ) -> c_int;
    fn vane_graph_bytes(graph: *const RawGraph) -> usize;
    fn vane_graph_search(
        graph: *const RawGraph,
        rows: *const f32,
        query: *const f32,
        k: usize,
        ef: usize,
        select: *const RawSelect,
        scores: *mut f32,
        ids: *mut i64,
    ) -> c_int;
    fn vane_graph_free(graph: *mut RawGraph);
    fn vane_scores_of(
        metric: c_int,
        dim: usize,
        rows: *const f32,
        which: *const u32,
        count: usize,
        query: *const f32,
        out: *mut f32,
    );
    fn vane_missing_cpu_feature() -> *const c_char;
    fn vane_single_threaded();
    fn vane_last_error() -> *const c_char;
}
