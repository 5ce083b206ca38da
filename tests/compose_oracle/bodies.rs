//! Containers made by us, then looked at by real compose: it must keep them, and what it makes itself from the same
//! files must be the same to the engine.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use bollard::Docker;
use bollard::models::NetworkConnectRequest;
use bollard::query_parameters::CreateContainerOptionsBuilder;
use serde_json::Value;
use usher_agent::compose::desired::{Context, Desired, desired};
use usher_agent::compose::hash::Dialect;
use usher_agent::compose::observed::{Labelled, Observed};
use usher_agent::compose::plan::{Policy, Step, plan};
use usher_agent::compose::{create_body, disk};

use super::case::{Case, NEW, fixtures, jitsi_cases};
use super::engine::{Created, ENGINE, EmptyImage, docker};

#[test]
fn compose_keeps_what_we_made_and_would_have_made_the_same() {
    let _alone = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
    docker(&["version"]).expect("these tests want a docker engine");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let image = EmptyImage::import();
    let mut failures = Vec::new();
    let (cases, jitsi) = (fixtures(), jitsi_cases());
    for case in cases.iter().chain(&jitsi).filter(|case| !case.config_only) {
        if let Err(error) = runtime.block_on(compare(case, &image, &mut failures)) {
            failures.push(format!("{}: {error}", case.label));
        }
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

async fn compare(case: &Case, image: &EmptyImage, failures: &mut Vec<String>) -> anyhow::Result<()> {
    let loaded = disk::load(&case.request())?;
    let project = loaded.project;
    let context = Context {
        dialect: Dialect::of_version(NEW.version).expect("a version"),
        compose_version: NEW.version.to_owned(),
        env_files: loaded.env_files,
        folder_owner: None,
    };
    let wanted = desired(&project, &context)?;
    let mut created = Created { case, oracle: NEW, images: image.name_for(&project), outside: Vec::new() };
    created.make_outside(&project);
    make(&wanted, &created.outside).await?;
    let filter = format!("label=com.docker.compose.project={}", project.name);
    let ours = inspect(&filter)?;
    created.outside.extend(anonymous_volumes(&ours));
    NEW.run(case, &["create"]).map_err(anyhow::Error::msg)?;
    let kept = inspect(&filter)?;
    let ids = |all: &BTreeMap<String, Value>| all.values().map(|c| c["Id"].clone()).collect::<Vec<_>>();
    if ids(&ours) != ids(&kept) {
        failures.push(format!("{}: compose does not keep what we made", case.label));
    }
    NEW.run(case, &["create", "--force-recreate"]).map_err(anyhow::Error::msg)?;
    for (name, theirs) in inspect(&filter)? {
        let Some(ours) = ours.get(&name) else {
            failures.push(format!("{}: compose makes a container {name}", case.label));
            continue;
        };
        let path = format!("{}.{name}", case.label);
        super::differences(&path, &essence(ours), &essence(&theirs), failures);
    }
    Ok(())
}

/// Does the steps of a plan that make something; starting an image of nothing is not the point.
async fn make(wanted: &Desired, outside: &[(&'static str, String)]) -> anyhow::Result<()> {
    let engine = Docker::connect_with_local_defaults()?;
    let mut observed = Observed::default();
    for service in &wanted.services {
        let id = docker(&["image", "inspect", "--format", "{{.Id}}", &service.image])
            .map_err(anyhow::Error::msg)?;
        observed.images.insert(service.image.clone(), id.trim().to_owned());
    }
    for (kind, name) in outside {
        let list = if *kind == "network" { &mut observed.networks } else { &mut observed.volumes };
        list.insert(name.clone(), Labelled::default());
    }
    for planned in plan(wanted, &observed, &Policy::default()).steps {
        match planned.step {
            Step::CreateNetwork(spec) => {
                engine.create_network(create_body::network(&spec)).await?;
            }
            Step::CreateVolume(spec) => {
                engine.create_volume(create_body::volume(&spec)).await?;
            }
            Step::Create { spec, replaces } => {
                let options = CreateContainerOptionsBuilder::new().name(&spec.name).build();
                let image = observed.images.get(&spec.service.image).map(String::as_str);
                let body = create_body::container(&spec, image, replaces.as_deref());
                engine.create_container(Some(options), body).await?;
                for (network, endpoint) in create_body::other_networks(&spec) {
                    let container = spec.name.clone();
                    let request = NetworkConnectRequest { container, endpoint_config: Some(endpoint) };
                    engine.connect_network(&network, request).await?;
                }
            }
            Step::Start { .. } | Step::Await { .. } => {}
            other => anyhow::bail!("an empty engine needs no {other:?}"),
        }
    }
    Ok(())
}

/// Every container of a project as the engine describes it, by name.
fn inspect(filter: &str) -> anyhow::Result<BTreeMap<String, Value>> {
    let ids = docker(&["ps", "-aq", "--no-trunc", "--filter", filter]).map_err(anyhow::Error::msg)?;
    let ids: Vec<&str> = ids.lines().collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let text = docker(&[&["inspect"], ids.as_slice()].concat()).map_err(anyhow::Error::msg)?;
    let all: Vec<Value> = serde_json::from_str(&text)?;
    Ok(all.into_iter().map(|one| (one["Name"].to_string(), one)).collect())
}

/// Anonymous volumes, which compose gives a name when it hands them on and then leaves behind.
fn anonymous_volumes(containers: &BTreeMap<String, Value>) -> Vec<(&'static str, String)> {
    let mounts =
        containers.values().flat_map(|container| container["Mounts"].as_array().into_iter().flatten());
    let names = mounts.filter_map(|mount| mount["Name"].as_str()).filter(|name| name.len() == 64);
    names.map(|name| ("volume", name.to_owned())).collect()
}

/// What makes a container what it is, without what only says who made it, and without the many ways to say nothing.
fn essence(container: &Value) -> Value {
    let mut config = container["Config"].clone();
    if let Some(config) = config.as_object_mut() {
        config.remove("Hostname");
        // Gone from the API; the address is on the network's endpoint.
        config.remove("MacAddress");
        if let Some(labels) = config.get_mut("Labels").and_then(Value::as_object_mut) {
            // The order of dependencies in this label is Go's random one.
            labels.retain(|name, _| {
                !name.starts_with("usher.")
                    && !name.ends_with(".depends_on")
                    && name != "com.docker.compose.replace"
            });
        }
        if let Some(env) = config.get_mut("Env").and_then(Value::as_array_mut) {
            env.sort_by_key(Value::to_string);
        }
    }
    let mut host = container["HostConfig"].clone();
    if host["RestartPolicy"]["Name"] == "no" {
        host["RestartPolicy"]["Name"] = Value::Null;
    }
    // What compose makes inherits the anonymous volumes of what it replaces, which have random names.
    for mount in host["Mounts"].as_array_mut().into_iter().flatten() {
        if mount["Type"] == "volume" && mount["Source"].as_str().is_some_and(|name| name.len() == 64) {
            mount["Source"] = Value::Null;
        }
    }
    for list in ["Binds", "ExtraHosts", "Mounts", "Ulimits"] {
        if let Some(list) = host.get_mut(list).and_then(Value::as_array_mut) {
            list.sort_by_key(Value::to_string);
        }
    }
    let networks = container["NetworkSettings"]["Networks"].as_object().cloned().unwrap_or_default();
    let networks: serde_json::Map<String, Value> = networks
        .into_iter()
        .map(|(name, network)| {
            let mut aliases = network["Aliases"].as_array().cloned().unwrap_or_default();
            // The engine adds the short id by itself.
            aliases.retain(|alias| alias.as_str() != container["Id"].as_str().and_then(|id| id.get(..12)));
            (name, serde_json::json!({"aliases": aliases, "ipam": network["IPAMConfig"], "options": network["DriverOpts"]}))
        })
        .collect();
    let mut whole = serde_json::json!({"config": config, "host": host, "networks": networks});
    drop_empty(&mut whole);
    whole
}

fn drop_empty(value: &mut Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !*flag,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => {
            items.iter_mut().for_each(|item| {
                drop_empty(item);
            });
            items.is_empty()
        }
        Value::Object(map) => {
            map.retain(|_, value| !drop_empty(value));
            map.is_empty()
        }
    }
}
