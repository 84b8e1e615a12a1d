//! What of the engine is called. The only file that names its crate.

pub(crate) use vane_cluster::{
    AliasChange, Cluster, Collection, CollectionOverview, ConfigChange, Freshness, GroupStatus,
    Host, Info, Marker, NodeOverview, Page, Partial, Query, Record, Scored, Scroll, ShardOverview,
    Spread, Summary, Terms, Want, Wanted, Write,
};
