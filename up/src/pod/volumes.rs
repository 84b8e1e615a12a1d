//! Volumes of a container as folders and files.

use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Container, Pod, Secret, SecretVolumeSource};
use kube::ResourceExt;

use super::{File, Sources};
use crate::error::Error;

/// What the volumes come to.
pub(super) struct Volumes {
    /// Path in the container, and the folder that stands for it.
    pub(super) mounts: Vec<(String, PathBuf)>,
    pub(super) dirs: Vec<PathBuf>,
    pub(super) files: Vec<File>,
}

pub(super) fn volumes(
    pod: &Pod,
    container: &Container,
    sources: &Sources,
    dir: &Path,
) -> Result<Volumes, Error> {
    let name = pod.name_any();
    let mut all = Volumes { mounts: Vec::new(), dirs: Vec::new(), files: Vec::new() };
    for mount in container.volume_mounts.iter().flatten() {
        let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
        let volume = volumes.into_iter().find(|volume| volume.name == mount.name);
        let volume = volume.ok_or_else(|| Error::missing(&name, "volume", &mount.name))?;
        let folder = if let Some(claim) = &volume.persistent_volume_claim {
            dir.join(&claim.claim_name)
        } else {
            dir.join(&name).join(&volume.name)
        };
        if let Some(source) = &volume.secret {
            all.files.extend(secret_files(&name, source, sources, &folder)?);
        } else if volume.persistent_volume_claim.is_none() && volume.empty_dir.is_none() {
            return Err(Error::pod(
                &name,
                format!("volume {} is of a kind that is not known here", volume.name),
            ));
        }
        all.dirs.push(folder.clone());
        all.mounts.push((mount.mount_path.clone(), folder));
    }
    Ok(all)
}

fn secret_files(
    pod: &str,
    source: &SecretVolumeSource,
    sources: &Sources,
    dir: &Path,
) -> Result<Vec<File>, Error> {
    let name = source.secret_name.as_deref().unwrap_or_default();
    let secret = sources.secrets.get(name).ok_or_else(|| Error::missing(pod, "Secret", name))?;
    let Some(items) = &source.items else {
        return Err(Error::pod(
            pod,
            format!("secret {name} is mounted without a list of its keys"),
        ));
    };
    let file = |key: &str, path: &str| {
        let bytes = secret_value(secret, key);
        let bytes = bytes
            .ok_or_else(|| Error::missing(pod, "key of a Secret", &format!("{name}/{key}")))?;
        Ok(File { path: dir.join(path), bytes })
    };
    items.iter().map(|item| file(&item.key, &item.path)).collect()
}

/// A value of a Secret, as it is written or as the API server gives it back.
pub(super) fn secret_value(secret: &Secret, key: &str) -> Option<Vec<u8>> {
    let written = secret
        .string_data
        .as_ref()
        .and_then(|data| data.get(key))
        .map(|text| text.clone().into_bytes());
    written.or_else(|| Some(secret.data.as_ref()?.get(key)?.0.clone()))
}
