//! How whoever waits for something is told.

/// Called once, on a thread of the node. It must not block.
pub type Callback<T> = Box<dyn FnOnce(T) + Send>;
