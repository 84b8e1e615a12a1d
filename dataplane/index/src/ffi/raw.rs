//! The declarations of `shim/vane_faiss.h`.

use std::ffi::{c_char, c_int};
use std::ptr;

use crate::select::Select;

#[repr(C)]
pub(super) struct RawBuild {
    _opaque: [u8; 0],
}

#[repr(C)]
pub(super) struct RawStock {
    _opaque: [u8; 0],
}

#[repr(C)]
pub(super) struct RawGraph {
    _opaque: [u8; 0],
}

#[repr(C)]
pub(super) struct RawSelect {
    allow: *const u64,
    allow_words: usize,
    slots: *const u32,
    died: *const u64,
    at: u64,
}

impl RawSelect {
    pub(super) fn new(select: &Select<'_>) -> Self {
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

#[repr(C)]
pub(super) struct RawSearch {
    pub(super) graph: *const RawGraph,
    pub(super) file: *const c_char,
    pub(super) rows: *const f32,
    pub(super) query: *const f32,
    pub(super) k: usize,
    pub(super) ef: usize,
    pub(super) select: *const RawSelect,
    pub(super) by_rows: c_int,
    pub(super) scores: *mut f32,
    pub(super) ids: *mut i64,
}

unsafe extern "C" {
    pub(super) fn vane_build_begin(
        metric: c_int,
        dim: usize,
        rows: *const f32,
        count: usize,
        m: usize,
        ef_construct: usize,
        threads: usize,
        base: *const RawGraph,
        base_file: *const c_char,
        base_rows: *const i32,
        out: *mut *mut RawBuild,
    ) -> c_int;
    pub(super) fn vane_build_insert(
        build: *mut RawBuild,
        rows: *const f32,
        count: usize,
        threads: usize,
        left: *mut usize,
    ) -> c_int;
    pub(super) fn vane_build_save(
        build: *const RawBuild,
        rows: *const f32,
        bits: usize,
        threads: usize,
        path: *const c_char,
    ) -> c_int;
    pub(super) fn vane_build_free(build: *mut RawBuild);
    pub(super) fn vane_graph_open(
        file: *const c_char,
        bytes: usize,
        rows: *const f32,
        metric: c_int,
        dim: usize,
        count: usize,
        out: *mut *mut RawGraph,
    ) -> c_int;
    pub(super) fn vane_graph_is_converted(graph: *const RawGraph) -> c_int;
    pub(super) fn vane_graph_bits(graph: *const RawGraph) -> usize;
    pub(super) fn vane_graph_unreached(graph: *const RawGraph) -> usize;
    pub(super) fn vane_graph_bytes(graph: *const RawGraph) -> usize;
    pub(super) fn vane_graph_walk(
        search: *const RawSearch,
        over: usize,
        again: c_int,
        within: *const f32,
    ) -> c_int;
    pub(super) fn vane_graph_scan(
        search: *const RawSearch,
        among: *const u32,
        count: usize,
    ) -> c_int;
    pub(super) fn vane_compared_here() -> u64;
    pub(super) fn vane_graph_free(graph: *mut RawGraph);
    #[cfg(test)]
    pub(super) fn vane_kernels_agree(
        bits: usize,
        parts: *const u8,
        weights: *const i8,
        count: usize,
        lines: usize,
        name: *mut *const c_char,
    ) -> c_int;
    pub(super) fn vane_stock_build(
        metric: c_int,
        dim: usize,
        rows: *const f32,
        count: usize,
        m: usize,
        ef_construct: usize,
        out: *mut *mut RawStock,
    ) -> c_int;
    pub(super) fn vane_stock_search(
        stock: *const RawStock,
        query: *const f32,
        k: usize,
        ef: usize,
        scores: *mut f32,
        ids: *mut i64,
    ) -> c_int;
    pub(super) fn vane_stock_free(stock: *mut RawStock);
    pub(super) fn vane_scores_of(
        metric: c_int,
        dim: usize,
        rows: *const f32,
        which: *const u32,
        count: usize,
        query: *const f32,
        out: *mut f32,
    );
    pub(super) fn vane_missing_cpu_feature() -> *const c_char;
    pub(super) fn vane_single_threaded();
    pub(super) fn vane_trim_memory();
    pub(super) fn vane_trim_thread();
    pub(super) fn vane_last_error() -> *const c_char;
}
