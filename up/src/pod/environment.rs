//! The environment of a container, as Kubernetes puts it together.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, EnvVar, Pod};
use kube::ResourceExt;

use super::{Sources, volumes};
use crate::error::Error;

/// ConfigMaps and Secrets first, then the list, whose values may name what stands before.
pub(super) fn environment(
    pod: &Pod,
    container: &Container,
    sources: &Sources,
) -> Result<BTreeMap<String, String>, Error> {
    let mut env = BTreeMap::new();
    for from in container.env_from.iter().flatten() {
        let prefix = from.prefix.clone().unwrap_or_default();
        if let Some(source) = &from.config_map_ref {
            let found = sources.config_maps.get(&source.name);
            if found.is_none() && source.optional != Some(true) {
                return Err(Error::missing(&pod.name_any(), "ConfigMap", &source.name));
            }
            let data = found.into_iter().flat_map(|map| map.data.iter().flatten());
            env.extend(data.map(|(key, value)| (format!("{prefix}{key}"), value.clone())));
        }
        if let Some(source) = &from.secret_ref {
            return Err(Error::pod(
                &pod.name_any(),
                format!("takes its environment from secret {}", source.name),
            ));
        }
    }
    for var in container.env.iter().flatten() {
        let value = value(pod, var, sources, &env)?;
        env.insert(var.name.clone(), value);
    }
    Ok(env)
}

fn value(
    pod: &Pod,
    var: &EnvVar,
    sources: &Sources,
    env: &BTreeMap<String, String>,
) -> Result<String, Error> {
    let name = pod.name_any();
    let Some(from) = &var.value_from else {
        return Ok(expand(var.value.as_deref().unwrap_or_default(), env));
    };
    if let Some(field) = &from.field_ref {
        return match field.field_path.as_str() {
            "metadata.name" => Ok(name),
            "metadata.namespace" => Ok(pod.namespace().unwrap_or_else(|| "default".into())),
            other => Err(Error::pod(
                &name,
                format!("{} is taken from {other}, which is not known here", var.name),
            )),
        };
    }
    if let Some(key) = &from.secret_key_ref {
        let secret = sources
            .secrets
            .get(&key.name)
            .ok_or_else(|| Error::missing(&name, "Secret", &key.name))?;
        let bytes = volumes::secret_value(secret, &key.key);
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        return text.ok_or_else(|| {
            Error::missing(&name, "key of a Secret", &format!("{}/{}", key.name, key.key))
        });
    }
    Err(Error::pod(&name, format!("{} has a source that is not known here", var.name)))
}

/// `$(NAME)` by what it names, where that is known; `$$` is a plain `$`.
fn expand(value: &str, env: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let named = after.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        match named.and_then(|(name, after)| Some((env.get(name)?, after))) {
            Some((known, after)) => {
                out.push_str(known);
                rest = after;
            }
            None => {
                out.push('$');
                rest = after;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_expanded_as_kubernetes_does() {
        let env = [("A".to_owned(), "1".to_owned())].into();
        for (value, expected) in [
            ("$(A).b", "1.b"),
            ("$$(A)", "$(A)"),
            ("$(B)$(A)", "$(B)1"),
            ("a$", "a$"),
            ("$(A", "$(A"),
        ] {
            assert_eq!(expand(value, &env), expected);
        }
    }
}
