//! The feature level: which commands may be written, and when it is raised.
//!
//! It is raised when all members speak more, and never lowered: what was written by it is in
//! logs and snapshots.

use std::collections::BTreeMap;

use vane_types::{FeatureLevel, NodeId, Refusal};

use crate::command::{Configure, Create, EncodeError, Logged, MetaCommand, NodeEntry};
use crate::state::{Changed, State, Touched};

impl MetaCommand {
    /// The level from which on it may be written.
    pub fn level(&self) -> FeatureLevel {
        match self {
            Self::SetQuotas(_)
            | Self::SetPolicy(_)
            | Self::Rebalance { .. }
            | Self::SetPinned { .. }
            | Self::SetFollowsOnly { .. }
            | Self::HoldFeatureLevel(_)
            | Self::SetSettings(_) => FeatureLevel::CHANGING,
            Self::CreateTenant { .. } | Self::DeleteTenant { .. } => FeatureLevel::TENANTS,
            Self::SetReplicationFactor { .. } | Self::SetMetadata { .. } => FeatureLevel::CHANGING,
            Self::AddVector { .. } | Self::RemoveVector { .. } | Self::VectorsTold { .. } => {
                FeatureLevel::CHANGING
            }
            // Older members would let through what the others refuse, or take vectors by their
            // places.
            Self::Create(Create { config, .. }) | Self::Configure(Configure { config, .. })
                if !config.strict.is_unset() || !config.ids.is_untouched() =>
            {
                FeatureLevel::CHANGING
            }
            // Vectors of such kinds are logged for no other collection, and older members would
            // read them as dense ones.
            Self::Create(Create { config, .. }) | Self::Configure(Configure { config, .. })
                if config.has_new_kinds() =>
            {
                FeatureLevel::KINDS
            }
            Self::Create(Create { config, .. }) | Self::Configure(Configure { config, .. })
                if config.by_tenant =>
            {
                FeatureLevel::TENANTS
            }
            // Older members would keep none, and their catalogs would differ from the others'.
            Self::Create(Create { config, .. }) | Self::Configure(Configure { config, .. })
                if config.is_tuned() =>
            {
                FeatureLevel::TUNED
            }
            Self::Create(Create { config, .. }) | Self::Configure(Configure { config, .. })
                if !config.hints.is_empty() =>
            {
                FeatureLevel::PROVEN
            }
            Self::PutNode(_)
            | Self::SetZone { .. }
            | Self::Create(_)
            | Self::Configure(_)
            | Self::Delete { .. }
            | Self::Aliases(_)
            | Self::Reconfigure { .. }
            | Self::Settle { seen: None, .. } => FeatureLevel::FIRST,
            // At any level: a member that was lost before the others learnt a higher one holds
            // the level down until it is removed. Members that cannot read these have no
            // identity either, and take part in no log of those that have.
            Self::SetLeaving { .. } | Self::RemoveNode { .. } => FeatureLevel::FIRST,
            Self::Settle { seen: Some(_), .. } | Self::Refill { .. } => FeatureLevel::PROVEN,
            // Who is not at the level that is asked for must not be left behind by it.
            Self::RaiseFeatureLevel { to, .. } => FeatureLevel::RAISED.max(*to),
        }
    }
}

impl State {
    /// The stored form of a command that is to be proposed.
    ///
    /// # Errors
    /// [`EncodeError`] when some member may not be able to read it.
    pub fn encode(&self, logged: &Logged) -> Result<Vec<u8>, EncodeError> {
        let Logged { request, command } = logged;
        if request.is_some() {
            self.level.check(FeatureLevel::PROVEN)?;
        }
        let active = match command {
            // It cannot wait for a level that it raises itself: here counts what the members
            // say of themselves.
            MetaCommand::RaiseFeatureLevel { .. } => self.spoken_by_all(),
            _ => self.level,
        };
        active.check(command.level())?;
        logged.encode_readable()
    }

    /// The highest level that every member spoke when it last announced itself, as far as this
    /// node knows: what others announced while it ran an older version it has not kept. So it
    /// may be too low, and is never too high.
    pub fn spoken_by_all(&self) -> FeatureLevel {
        let spoken = self.nodes.values().map(|member| member.entry.level);
        spoken.min().unwrap_or_default()
    }

    /// The command that is due once every member speaks more than the level that holds; `None`
    /// where there is nothing to raise, or somebody else says when. Whoever leads the meta group
    /// asks and proposes it.
    pub fn raise_due(&self) -> Option<MetaCommand> {
        if self.level_is_held { None } else { self.raise_possible() }
    }

    /// The command that raises the level as far as every member speaks, whoever says when.
    pub fn raise_possible(&self) -> Option<MetaCommand> {
        // Not above what runs here: a member's word may be of a newer version that it ran before
        // its last start, and this one must be able to read what it allows.
        let to = self.spoken_by_all().min(FeatureLevel::SPOKEN);
        (to > self.level).then(|| self.raise_to(to))
    }

    /// The command that raises the level, to be encoded and proposed: with it goes which start
    /// of each member was asked.
    pub fn raise_to(&self, to: FeatureLevel) -> MetaCommand {
        MetaCommand::RaiseFeatureLevel { to, spoken_by: self.starts() }
    }

    pub(crate) fn raise_level(
        &mut self,
        to: FeatureLevel,
        spoken_by: &BTreeMap<NodeId, u64>,
    ) -> Changed {
        if to == self.level {
            return Ok(Vec::new());
        }
        if to < self.level {
            return Err(Refusal::Invalid(format!(
                "the cluster is at feature level {}, which is never lowered, as to {}; nothing \
                 was changed",
                self.level.0, to.0
            )));
        }
        // What the members speak was looked at by the proposer, and cannot be here: a member
        // that applied an announcement while it ran an older version has not kept the level in
        // it, and every member has to come to the same answer. All of them know who is a member
        // and which start of it spoke last, so a member that came, or that came back with
        // another version, is noticed by that.
        if *spoken_by != self.starts() {
            return Err(Refusal::Conflict(format!(
                "members came or were started again while feature level {} was asked for; \
                 nothing was changed, look at what they speak now and ask again",
                to.0
            )));
        }
        self.level = to;
        Ok(vec![Touched::Level])
    }

    /// Members with the start that each announced last.
    fn starts(&self) -> BTreeMap<NodeId, u64> {
        self.nodes.iter().map(|(node, member)| (*node, member.entry.start)).collect()
    }

    /// Refuses a node that cannot read what the others write.
    pub(crate) fn check_speaks(&self, entry: &NodeEntry) -> Result<(), Refusal> {
        if entry.level >= self.level {
            return Ok(());
        }
        Err(Refusal::Invalid(format!(
            "node `{}` of version {} speaks feature level {}, and the cluster is at {}; nothing \
             was changed: start it with the version of the others",
            entry.name, entry.version, entry.level.0, self.level.0
        )))
    }
}
