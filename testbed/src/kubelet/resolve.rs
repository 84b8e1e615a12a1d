//! Reads what a pod names from the API server, and plans its process.

use std::fs;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret};
use kube::ResourceExt;
use vane_up::addresses::address;
use vane_up::pod::{self, Place, Plan, Sources};

use super::Shared;
use super::seat::Seat;
use crate::error::Error;

/// Addresses that a node takes as seeds; there is no need to name all.
const NEIGHBOURS_MAX: i32 = 64;

/// The process of a pod, and its claims.
pub(super) async fn resolve(
    shared: &Shared,
    seat: &Seat,
    pod: &Pod,
) -> Result<(Plan, Vec<String>), Error> {
    let namespace = pod.namespace().unwrap_or_default();
    let (name, spec) = (pod.name_any(), pod.spec.clone().unwrap_or_default());
    let mut sources = Sources::default();
    let from = spec.containers.iter().flat_map(|container| container.env_from.iter().flatten());
    for wanted in from.filter_map(|source| Some(&source.config_map_ref.as_ref()?.name)) {
        let found: Option<ConfigMap> = shared.read(&namespace, wanted).await?;
        sources.config_maps.extend(found.map(|map| (wanted.clone(), map)));
    }
    let mounted = spec
        .volumes
        .iter()
        .flatten()
        .filter_map(|volume| volume.secret.as_ref()?.secret_name.as_deref());
    let vars = spec.containers.iter().flat_map(|container| container.env.iter().flatten());
    let named = vars
        .filter_map(|var| Some(var.value_from.as_ref()?.secret_key_ref.as_ref()?.name.as_str()));
    for wanted in mounted.chain(named) {
        let found: Option<Secret> = shared.read(&namespace, wanted).await?;
        sources.secrets.extend(found.map(|secret| (wanted.to_owned(), secret)));
    }
    let claims = pod::claims(pod);
    for claim in &claims {
        keep_for(shared, seat, &namespace, claim).await?;
    }
    let place = Place {
        dir: seat.dir.clone(),
        address: seat.address,
        neighbours: neighbours(shared, seat, pod, &namespace).await?,
    };
    let plan = pod::plan(pod, &sources, &place)?;
    tracing::debug!(pod = name, address = %seat.address, "planned");
    Ok((plan, claims))
}

/// Makes sure that a claim's folder is that of this very claim: one that was deleted and made
/// again is an empty disk.
async fn keep_for(shared: &Shared, seat: &Seat, namespace: &str, claim: &str) -> Result<(), Error> {
    let found: Option<PersistentVolumeClaim> = shared.read(namespace, claim).await?;
    let found = found.ok_or_else(|| vane_up::Error::Missing {
        pod: seat.name.clone(),
        kind: "PersistentVolumeClaim",
        name: claim.to_owned(),
    })?;
    let uid = found.uid().unwrap_or_default();
    let (data, mark) = (seat.dir.join(claim), seat.dir.join(format!("{claim}.uid")));
    let known = fs::read_to_string(&mark).unwrap_or_default();
    if known == uid {
        return Ok(());
    }
    // A folder without a mark was there before any claim, and is taken over as it is.
    if !known.is_empty() && data.exists() {
        fs::remove_dir_all(&data)
            .map_err(Error::system("remove the data of an old claim in", &data))?;
    }
    fs::create_dir_all(&seat.dir).map_err(Error::system("make the folder", &seat.dir))?;
    // The mark last: killed before it, the data of the old claim is removed again.
    fs::write(&mark, uid).map_err(Error::system("write", &mark))
}

/// The pods of its StatefulSet, of which some may not be there yet.
async fn neighbours(
    shared: &Shared,
    seat: &Seat,
    pod: &Pod,
    namespace: &str,
) -> Result<Vec<(String, std::net::Ipv4Addr)>, Error> {
    let own = (seat.name.clone(), seat.address);
    let Some((set, ordinal)) = seat
        .name
        .rsplit_once('-')
        .and_then(|(set, ordinal)| Some((set, ordinal.parse::<i32>().ok()?)))
    else {
        return Ok(vec![own]);
    };
    // A pod that somebody made by hand has no neighbours, whatever its name.
    let owned =
        pod.owner_references().iter().any(|owner| owner.kind == "StatefulSet" && owner.name == set);
    let found: Option<StatefulSet> = if owned { shared.read(namespace, set).await? } else { None };
    // Its own place is among them, also when the set is scaled in at this moment.
    let replicas = found.and_then(|set| set.spec?.replicas).unwrap_or_default().max(ordinal + 1);
    // One cluster, one block: the third number of its own address.
    let block = seat.address.octets()[2];
    let of = |ordinal: i32| Some((format!("{set}-{ordinal}"), address(block, ordinal)?));
    let mut all: Vec<_> = (0..replicas.min(NEIGHBOURS_MAX)).filter_map(of).collect();
    // The limit may have cut off its own address, which others know it by.
    if !all.contains(&own) {
        all.pop();
        all.push(own);
    }
    Ok(all)
}
