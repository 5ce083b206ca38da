use super::{Files, LoadError, Loaded, Request, Warning, load};

fn run(files: &[(&str, &str)], change: impl FnOnce(&mut Request)) -> Result<Loaded, LoadError> {
    let mut all = Files::default();
    let mut request = Request { directory: "/srv/jitsi".into(), ..Request::default() };
    change(&mut request);
    for (path, text) in files {
        all.put(format!("/srv/jitsi/{path}"), Some((*text).to_owned()));
    }
    loop {
        match load(&all, &request) {
            Err(LoadError::Unread(paths)) => paths.into_iter().for_each(|path| all.put(path, None)),
            answer => return answer,
        }
    }
}

fn refused(text: &str) -> String {
    match run(&[("compose.yaml", text)], |_| {}) {
        Err(LoadError::Refused(complaints)) => complaints.to_string().replace("/srv/jitsi/", ""),
        other => panic!("not refused: {other:?}"),
    }
}

fn warned(env: &str, text: &str) -> Vec<String> {
    let loaded = run(&[("compose.yaml", text), (".env", env)], |_| {}).unwrap();
    loaded.warnings.iter().map(|warning| warning.to_string().replace("/srv/jitsi/", "")).collect()
}

#[test]
fn what_is_not_supported_is_refused_with_its_place_and_all_at_once() {
    let text = "services:\n  a:\n    image: i\n    enviroment: {A: 1}\n    build: .\n    healthcheck:\n      tests: x\n  \
                b:\n    image: i\n    depends_on: [c]\n    networks: [gone]\nvolume: {}\n";
    assert_eq!(
        refused(text).lines().collect::<Vec<_>>(),
        [
            "compose.yaml:12:1: volume: compose has no such key; did you mean volumes?",
            "compose.yaml:7:7: services.a.healthcheck.tests: compose has no such key; did you mean test?",
            "compose.yaml:4:5: services.a.enviroment: compose has no such key; did you mean environment?",
            "compose.yaml:5:5: services.a.build: not supported: images are pulled, not built here: name an image",
            "compose.yaml:9:5: services.b: there is no network \"gone\" in the networks section",
            "compose.yaml:9:5: services.b: waits for c, which is no service",
        ]
    );
}

#[test]
fn values_of_the_wrong_kind_are_refused() {
    for (service, complaint) in [
        ("image: 5", "services.a.image: wants text, not \"5\""),
        ("image: i, ports: ['x']", "services.a.ports: \"x\": \"x\" is not a port or a range"),
        ("image: i, volumes: ['./a:/b:ro:z']", "too many colons"),
        ("image: i, volumes: ['./a:/b:rx']", "the mount option \"rx\" means nothing"),
        ("image: i, volumes: ['~/x:/x']", "starts with ~ and no home directory is known"),
        ("image: i, mem_limit: 5x", "services.a.mem_limit: wants a size such as 512m, not \"5x\""),
        ("image: i, stop_grace_period: 10", "wants a duration such as 1m30s"),
        ("image: i, network_mode: 'service:b'", "sharing the namespace of another container"),
        ("image: i, environment: {A: [1]}", "A: wants one value, not a list"),
        ("image: i, environment: {A: 2024-01-31}", "reads as a date: put it in quotes"),
        ("image: '${I:?say which}'", "the variable I has to be set: say which"),
        ("image: '${I'", "is not a variable"),
        ("command: x", "services.a: has no image"),
        ("image: i, restart: sometimes", "services.a.restart: wants no, always, unless-stopped"),
        ("image: i, scale: -1", "cannot have fewer than no containers"),
        ("image: i, container_name: x, scale: 2", "container_name allows one container only"),
        ("image: i, env_file: gone.env", "there is no file /srv/jitsi/gone.env"),
        ("image: i, depends_on: [a]", "these services wait for each other: a -> a"),
    ] {
        let complaints = refused(&format!("services: {{a: {{{service}}}}}"));
        let expected = complaint.replace("/srv/jitsi/", "");
        assert!(complaints.contains(&expected), "{service}: {complaints}");
    }
}

#[test]
fn a_name_that_compose_would_refuse_is_refused_with_its_place() {
    let text = "services: {web.1_a-B: {image: i}, a b: {image: i}}\nnetworks: {a/b: }\nvolumes: {é: }\n";
    assert_eq!(
        refused(text).lines().collect::<Vec<_>>(),
        [
            "compose.yaml:1:40: services: \"a b\" is no name: letters, digits, ., _ and - only",
            "volumes: \"é\" is no name: letters, digits, ., _ and - only",
        ]
    );
}

#[test]
fn an_empty_variable_that_changes_a_port_or_a_mount_is_told() {
    let text = "services:\n  web:\n    image: i\n    ports: ['${HTTP_PORT}:8000', '${HTTPS_PORT}:8443']\n    \
                volumes: ['${CONFIG}/web:/config:Z']\n";
    assert_eq!(
        warned("HTTPS_PORT=443\nCONFIG=\n", text),
        [
            "compose.yaml:4:13: services.web.ports.0: a variable in \"${HTTP_PORT}:8000\" is empty, which makes it \
         \":8000\": set it",
            "compose.yaml:5:15: services.web.volumes.0: a variable in \"${CONFIG}/web:/config:Z\" is empty, which makes \
         it \"/web:/config:Z\": set it",
            "the variable HTTP_PORT is not set: taken for an empty text",
        ]
    );
    assert_eq!(warned("HTTP_PORT=80\nHTTPS_PORT=443\nCONFIG=/cfg\n", text), Vec::<String>::new());
}

#[test]
fn a_command_that_compose_cuts_is_told() {
    let text = "services: {a: {image: i, command: a && b}}";
    assert_eq!(
        warned("", text),
        [
            "compose.yaml:1:35: services.a.command: \"&& b\" is dropped: no shell reads this; write [sh, -c, ...]"
        ]
    );
}

#[test]
fn two_default_names_use_the_first_and_say_so() {
    let files =
        [("compose.yml", "services: {a: {image: i}}"), ("docker-compose.yml", "services: {b: {image: i}}")];
    let loaded = run(&files, |_| {}).unwrap();
    assert!(loaded.project.services.contains_key("a"));
    assert!(matches!(&loaded.warnings[..], [Warning::SeveralFiles { .. }]));
}

#[test]
fn the_name_comes_from_the_flag_the_variable_the_file_or_the_directory() {
    let name = |text: &str, env: &str, flag: Option<&str>| {
        let files = [("compose.yaml", text), (".env", env)];
        run(&files, |request| request.name = flag.map(str::to_owned)).map(|loaded| loaded.project.name)
    };
    let (plain, named) = ("services: {a: {image: i}}", "name: file\nservices: {a: {image: i}}");
    assert_eq!(name(named, "COMPOSE_PROJECT_NAME=var", Some("flag")), Ok("flag".into()));
    assert_eq!(name(named, "COMPOSE_PROJECT_NAME=var", None), Ok("var".into()));
    assert_eq!(name(named, "", None), Ok("file".into()));
    assert_eq!(name(plain, "", None), Ok("jitsi".into()));
    assert!(name(plain, "", Some("Not OK")).is_err());
}

#[test]
fn no_compose_file_is_refused() {
    let error = run(&[], |_| {}).unwrap_err();
    assert!(error.to_string().contains("there is no compose file in /srv/jitsi"), "{error}");
}

#[test]
fn asking_again_with_the_files_asked_for_comes_to_an_end() {
    let request = Request { directory: "/d".into(), files: vec!["a.yml".into()], ..Request::default() };
    let mut files = Files::default();
    let asked = |answer| match answer {
        Err(LoadError::Unread(paths)) => paths,
        other => panic!("nothing asked: {other:?}"),
    };
    assert_eq!(asked(load(&files, &request).map(|_| ())), ["/d/.env"]);
    files.put("/d/.env", None);
    assert_eq!(asked(load(&files, &request).map(|_| ())), ["/d/a.yml"]);
    files.put("/d/a.yml", Some("services: {a: {image: i, env_file: [x]}}".into()));
    assert_eq!(asked(load(&files, &request).map(|_| ())), ["/d/x"]);
    files.put("/d/x", Some("A=1".into()));
    assert!(load(&files, &request).is_ok());
}
