use std::ffi::OsString;
use std::path::Path;

use super::{Layers, LoadError, LogFormat, Settings};

fn load(yaml: &str, env: &[(&str, &str)]) -> Result<super::Loaded, LoadError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vane.yaml");
    std::fs::write(&path, yaml).unwrap();
    let mut layers = Layers::new(Some(&path))?;
    layers
        .environment(env.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))));
    layers.load()
}

#[test]
fn example_file_shows_every_setting_with_its_default() {
    let path = Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"))
        .join("config/vane.yaml");
    let loaded = Layers::new(Some(&path)).unwrap().load().unwrap();
    assert_eq!(loaded.settings, Settings::default());
    let text = std::fs::read_to_string(path).unwrap();
    for line in Settings::default().to_yaml().lines() {
        assert!(
            text.lines().any(|shown| shown.replace('"', "") == line.replace('"', "")),
            "not in the file: {line}"
        );
    }
}

/// The list that those outside have, who set them, is that of the settings.
#[test]
fn every_setting_is_listed_with_what_a_change_of_it_takes() {
    let defaults = serde_json::to_value(Settings::default()).unwrap();
    let mut found = std::collections::BTreeMap::new();
    for (key, value) in defaults.as_object().unwrap() {
        match value.as_object() {
            None => drop(found.insert(key.to_uppercase(), value.clone())),
            Some(section) => found.extend(
                section
                    .iter()
                    .map(|(name, value)| (format!("{key}__{name}").to_uppercase(), value.clone())),
            ),
        }
    }
    let listed: Vec<&str> = vane_proto::SETTINGS.iter().map(|setting| setting.name).collect();
    assert_eq!(listed, found.keys().map(String::as_str).collect::<Vec<_>>());
    for setting in vane_proto::SETTINGS {
        if let vane_proto::Takes::Nothing(default) = setting.takes {
            let text = found[setting.name].to_string();
            assert_eq!(default, text.trim_matches('"'), "{}", setting.name);
        }
    }
}

#[test]
fn printed_settings_load_again() {
    let mut settings = Settings { http_port: 0, data_dir: "/a: b".into(), ..Settings::default() };
    settings.log.format = LogFormat::Json;
    assert_eq!(load(&settings.to_yaml(), &[]).unwrap().settings, settings);
}

#[test]
fn flags_win_over_environment_over_file_over_defaults() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vane.yaml");
    std::fs::write(&path, "http_port: 1\nhost: file\nsearch: {threads: 1, pending_max: 7}\n")
        .unwrap();
    let mut layers = Layers::new(Some(&path)).unwrap();
    let env = [("VANE_HTTP_PORT", "2"), ("VANE_SEARCH__THREADS", "2"), ("VANE_HOST", "127.0.0.1")];
    layers.environment(
        env.map(|(name, value)| (OsString::from(name), OsString::from(value))).into_iter(),
    );
    layers.set("http_port", Some(3), "flag --http-port".into());
    let settings = layers.load().unwrap().settings;
    assert_eq!((settings.http_port, settings.host.as_str()), (3, "127.0.0.1"));
    assert_eq!((settings.search.threads, settings.search.pending_max), (2, 7));
    assert_eq!(settings.storage, Settings::default().storage);
}

#[test]
fn mistakes_are_refused_by_name() {
    let of_file = [
        ("http_prot: 1", "http_prot"),
        ("search: {thread: 1}", "thread"),
        ("http_port: 65536", "http_port"),
        ("http_port: x", "http_port"),
        ("host: ''", "host"),
        ("data_dir: ''", "data_dir"),
        ("max_request_bytes: 0", "max_request_bytes"),
        ("max_request_bytes: 60000000\nstorage: {pending_write_mb: 1}", "storage.pending_write_mb"),
        ("storage: {growing_rows_max: 0}", "storage.growing_rows_max"),
        ("request_timeout_s: 99999999", "request_timeout_s"),
        ("log: {level: loud}", "loud"),
        ("- a", "type"),
        ("a: [", "line"),
    ];
    for (yaml, named) in of_file {
        let error = load(yaml, &[]).unwrap_err().to_string();
        assert!(error.contains(named), "{yaml}: {error}");
    }
    let error = load("", &[("VANE_HTTP_PORT", "many")]).unwrap_err().to_string();
    assert!(error.contains("VANE_HTTP_PORT"), "{error}");
    let error = Layers::new(Some(Path::new("/no/such/file"))).err().unwrap().to_string();
    assert!(error.contains("/no/such/file"), "{error}");
}

#[test]
fn unknown_variables_are_warned_of_and_have_no_effect() {
    let loaded = load(
        "# nothing\n",
        &[("VANE_PORT", "tcp://1.2.3.4:6333"), ("OTHER", "1"), ("VANE_CONFIG", "x")],
    );
    let loaded = loaded.unwrap();
    assert_eq!(loaded.settings, Settings::default());
    assert_eq!(loaded.warnings.len(), 1);
    assert!(loaded.warnings[0].contains("VANE_PORT"));
}
