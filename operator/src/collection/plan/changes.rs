//! What makes a collection complete: itself, then its vectors, parameters, indexes and aliases.

use std::collections::BTreeSet;

use vane_crds::collection::{CollectionSpec, FieldType, TextIndex};
use vane_proto::admin;

use super::Step;
use crate::collection::observed::Observed;
use crate::collection::validate::ValidatedCollection;
use crate::collection::{body, text};

/// Steps of a collection that was accepted. What is declared beside it comes once it is there.
pub(super) fn steps(collection: &ValidatedCollection, observed: &Observed) -> Vec<Step> {
    let spec = &collection.spec;
    let Some(found) = &observed.found else { return vec![Step::Create(body::create(spec))] };
    // A configuration that cannot be read is null here, which `difference` refused before.
    let (config, vectors) = (body::config(found), collection.vectors(found));
    // First those that go: they may have the names of others that come. Each leaves the vectors at
    // the next revision.
    let removing = vectors.going().cloned().zip(found.vectors_revision.unwrap_or_default()..);
    let removing = removing.map(|(name, if_revision)| Step::RemoveVector { name, if_revision });
    let adding = vectors.coming();
    let adding = adding.map(|(name, body)| Step::AddVector { name: name.clone(), body });
    let mut steps: Vec<Step> = removing.chain(adding).collect();
    // Declared parameters win; what is not declared is the application's.
    steps.extend(body::update(&vectors.spec_of_present(), &config).map(Step::Update));
    steps.extend(indexes(spec, found));
    // Once, when it is made or adopted: one that points elsewhere later is the application's.
    if !observed.was_there {
        steps.extend(aliases(spec, found));
    }
    steps
}

fn indexes(spec: &CollectionSpec, found: &admin::Collection) -> Vec<Step> {
    let mut steps = Vec::new();
    // An index that is not declared is the application's, and stays.
    for index in &spec.payload_indexes {
        let kind = body::field_type(index.kind);
        let (field, tenant) = (index.field.clone(), index.tenant);
        let is_of_type = found.payload_indexes.get(&field).map(String::as_str) == Some(kind);
        let is_of_tenants = found.tenant_field.as_ref() == Some(&field);
        let wanted = (index.kind == FieldType::Text)
            .then(|| text::parameters(index.text.as_ref().unwrap_or(&TextIndex::default())));
        // One that cannot be read is none: a node of an older version does not say.
        let there = found.text_indexes.get(&field).and_then(|text| serde_json::from_str(text).ok());
        let is_taken_apart_so = match (&wanted, &there) {
            (Some(wanted), Some(there)) => text::is_same_text(wanted, there),
            (Some(_), None) | (None, _) => true,
        };
        let is_of_tenants_so = tenant.is_none_or(|tenant| tenant == is_of_tenants);
        if !is_of_type || !is_taken_apart_so || !is_of_tenants_so {
            steps.push(Step::SetIndex { field, kind, tenant, text: wanted });
        }
    }
    steps
}

fn aliases(spec: &CollectionSpec, found: &admin::Collection) -> Vec<Step> {
    let has: BTreeSet<&String> = found.aliases.iter().collect();
    let missing = spec.aliases.iter().filter(|alias| !has.contains(alias));
    missing.cloned().map(Step::AddAlias).collect()
}
