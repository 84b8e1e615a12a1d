//! A filter in a collection whose points are of tenants.

use vane_types::{PointId, TenantId};

use crate::filter::{Clause, Condition, Filter, MinShould, Nested};
use crate::value_set::ValueSet;

impl Filter {
    /// What passes the filter among the points of some tenants. It is as deep as the filter.
    pub fn of_tenants(filter: Option<Self>, tenants: &[TenantId]) -> Self {
        let mut filter = filter.unwrap_or_default();
        // Where ids are of one tenant they need not be looked for in others.
        if let [tenant] = tenants {
            filter = filter.with_ids_of(*tenant);
        }
        let condition = Condition::OfTenants { of_tenants: tenants.to_vec().into() };
        filter.must = Some(match filter.must {
            None => Clause::List(vec![condition]),
            Some(Clause::One(one)) => Clause::List(vec![condition, *one]),
            Some(Clause::List(list)) => Clause::List([condition].into_iter().chain(list).collect()),
        });
        filter
    }

    /// The tenants that it was put together with, whose points alone pass it.
    pub fn tenants(&self) -> Option<&ValueSet<TenantId>> {
        let conditions = self.must.iter().flat_map(Clause::conditions);
        conditions.into_iter().find_map(|condition| match condition {
            Condition::OfTenants { of_tenants } => Some(of_tenants),
            _ => None,
        })
    }

    /// The same with its ids being those of a tenant, where they are of none yet.
    fn with_ids_of(self, tenant: TenantId) -> Self {
        let Self { should, min_should, must, must_not } = self;
        let clause = |clause: Clause| match clause {
            Clause::One(one) => Clause::One(Box::new(condition_of(*one, tenant))),
            Clause::List(list) => Clause::List(conditions_of(list, tenant)),
        };
        Self {
            should: should.map(clause),
            min_should: min_should.map(|MinShould { conditions, min_count }| MinShould {
                conditions: conditions_of(conditions, tenant),
                min_count,
            }),
            must: must.map(clause),
            must_not: must_not.map(clause),
        }
    }

    /// Whether some condition is about tenants, which a client may not write.
    pub(crate) fn names_tenants(&self) -> bool {
        let Self { should, min_should, must, must_not } = self;
        let clauses = [should, must, must_not].into_iter().flatten().flat_map(Clause::conditions);
        let at_least = min_should.iter().flat_map(|at_least| &at_least.conditions);
        clauses.chain(at_least).any(|condition| match condition {
            Condition::OfTenants { .. } => true,
            Condition::Filter(filter) => filter.names_tenants(),
            Condition::Nested { nested } => nested.filter.names_tenants(),
            Condition::Field(_)
            | Condition::IsEmpty { .. }
            | Condition::IsNull { .. }
            | Condition::HasId { .. }
            | Condition::HasVector { .. }
            | Condition::Slice { .. } => false,
        })
    }
}

fn conditions_of(conditions: Vec<Condition>, tenant: TenantId) -> Vec<Condition> {
    conditions.into_iter().map(|condition| condition_of(condition, tenant)).collect()
}

fn condition_of(condition: Condition, tenant: TenantId) -> Condition {
    match condition {
        Condition::HasId { has_id } => {
            let of_tenant = |id: &PointId| id.tenant.map_or(id.of(tenant), |_| *id);
            let ids: Vec<PointId> = has_id.given().iter().map(of_tenant).collect();
            Condition::HasId { has_id: ids.into() }
        }
        Condition::Filter(filter) => Condition::Filter(filter.with_ids_of(tenant)),
        // An element of an array has no id.
        Condition::Nested { nested: Nested { key, filter } } => {
            Condition::Nested { nested: Nested { key, filter } }
        }
        other @ (Condition::Field(_)
        | Condition::IsEmpty { .. }
        | Condition::IsNull { .. }
        | Condition::OfTenants { .. }
        | Condition::HasVector { .. }
        | Condition::Slice { .. }) => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_filter_of_tenants_is_as_deep_and_reads_back() {
        let tenants: Vec<_> = [3, 5].into_iter().filter_map(TenantId::from_number).collect();
        let color = json!({"key": "color", "match": {"value": "red"}});
        let of_both = json!({"of_tenants": [3, 5]});
        for (own, scoped) in [
            (json!({}), json!({"must": [of_both]})),
            (json!({"must": color}), json!({"must": [of_both, color]})),
            (
                json!({"must": [{"has_id": [1]}], "must_not": [color]}),
                json!({"must": [of_both, {"has_id": [1]}], "must_not": [color]}),
            ),
        ] {
            let found = Filter::of_tenants(Some(Filter::parse(own).unwrap()), &tenants);
            assert_eq!(found.tenants().map(ValueSet::given), Some(&tenants[..]));
            assert_eq!(serde_json::to_value(&found).unwrap(), scoped);
            assert_eq!(serde_json::from_value::<Filter>(scoped.clone()).unwrap(), found);
            let refused = Filter::parse(scoped).unwrap_err();
            assert!(refused.message.contains("shard_key"), "{}", refused.message);
        }
        assert!(Filter::parse(json!({"should": [{"must": [of_both]}]})).is_err());
    }

    #[test]
    fn ids_are_those_of_the_one_tenant_wherever_they_stand() {
        let tenant = TenantId::from_number(3).unwrap();
        let filter = json!({"should": [{"must_not": {"has_id": [1, 2]}}],
            "min_should": {"min_count": 1, "conditions": [{"has_id": [7]}]}});
        let filter = Filter::of_tenants(Some(Filter::parse(filter).unwrap()), &[tenant]);
        let text = format!("{filter:?}");
        assert_eq!(text.matches("tenant: Some").count(), 3, "{text}");
        assert!(!text.contains("tenant: None"), "{text}");
    }
}
