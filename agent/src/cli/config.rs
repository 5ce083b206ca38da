//! `stack config`: the project as compose reads it.

use clap::{ArgMatches, Command};

use super::{Exit, Ground, flags, show};
use usher_agent::compose::canonical;
use usher_agent::stack::LoadedStack;

pub(super) fn command() -> Command {
    Command::new("config")
        .about("Show the project as it is read; JSON is what docker compose config prints")
        .arg(flags::set("Set a variable, over .env"))
        .arg(flags::format())
}

#[expect(clippy::print_stdout, reason = "this is the program's face")]
pub(super) fn run(ground: &Ground<'_>) -> anyhow::Result<Exit> {
    let loaded = ground.stack.load(&flags::overrides(ground.matches)?)?;
    show::warnings(&loaded);
    if flags::is_json(ground.matches) {
        println!("{}", serde_json::to_string_pretty(&canonical::config_json(&loaded.project))?);
    } else {
        println!("{}", text(&loaded, ground.matches));
    }
    Ok(Exit::Good)
}

fn text(loaded: &LoadedStack, _matches: &ArgMatches) -> String {
    let project = &loaded.project;
    let mut table = show::table(&["SERVICE", "IMAGE", "WAITS FOR", "PORTS"]);
    for service in &loaded.desired.services {
        let own = &project.services[&service.name];
        let waits: Vec<&str> = service.depends_on.keys().map(String::as_str).collect();
        let ports = own.ports.iter().map(|port| {
            let ip = if port.host_ip.is_empty() { String::new() } else { format!("{}:", port.host_ip) };
            format!("{ip}{}:{}/{}", port.published, port.target, port.protocol)
        });
        let ports = ports.collect::<Vec<_>>().join(", ");
        table.add_row([service.name.as_str(), &service.image, &waits.join(", "), &ports]);
    }
    format!("project {} in {} ({})\n{table}", project.name, project.directory, project.files.join(", "))
}
