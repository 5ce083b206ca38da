//! The aggregator's two listeners, as people, front ends, load balancers and operators see them.

use http::{Method, header};
use serde_json::json;
use usher_tests::aggregator::{Aggregator, Answer, QUICK};
use usher_tests::fake_agent::FakeAgent;

async fn one() -> (Vec<FakeAgent>, Aggregator) {
    let agents = vec![FakeAgent::start("vm1", 0.2)];
    let aggregator = Aggregator::over(&agents, QUICK).await;
    (agents, aggregator)
}

async fn submit(aggregator: &Aggregator, form: &str) -> Answer {
    let request = aggregator
        .public(Method::POST, "/meet")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    aggregator.send(request.body(form.to_owned())).await
}

#[tokio::test]
async fn the_front_page_needs_neither_script_nor_anything_foreign() {
    let (_agents, aggregator) = one().await;
    let page = aggregator.get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(!page.text.contains("<script") && !page.text.contains("://"), "{}", page.text);
    let policy = page.header("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self' https:"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    for file in ["/style.css", "/icon.svg"] {
        assert!(page.text.contains(file));
        assert_eq!(aggregator.get(file).await.status, 200, "{file}");
    }
    assert_eq!(aggregator.get("/style.css").await.header("content-type"), "text/css; charset=utf-8");
}

#[tokio::test]
async fn the_button_leads_to_a_new_room_and_a_name_to_its_room() {
    let (_agents, aggregator) = one().await;
    let answer = submit(&aggregator, "name=&people=&region=").await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (303, "no-store"));
    let room =
        answer.header("location").strip_prefix("https://vm1.example.org/").expect("on the server").to_owned();
    assert_eq!(room.split('-').count(), 4, "{room}");
    assert_ne!(submit(&aggregator, "").await.header("location"), answer.header("location"));
    let named = submit(&aggregator, "name=Caf%C3%A9+du+coin&people=12").await;
    assert_eq!(named.header("location"), "https://vm1.example.org/Caf%C3%A9-du-coin");
    for (form, complaint) in
        [("name=a%3Fb", "cannot contain"), ("people=many", "in digits"), ("people=0", "from 1")]
    {
        let page = submit(&aggregator, form).await;
        assert_eq!(page.status, 422, "{form}");
        assert!(page.text.contains(complaint) && page.text.contains("<form"), "{}", page.text);
    }
    assert_eq!(aggregator.get("/meet").await.header("location"), "/");
}

#[tokio::test]
async fn the_same_name_leads_everyone_to_the_same_server_by_every_way() {
    let agents: Vec<_> = (0..5).map(|n| FakeAgent::start(&format!("vm{n}"), 0.3)).collect();
    let aggregator = Aggregator::over(&agents, QUICK).await;
    let first = aggregator.post_room(r#"{"name": "Team Meeting", "expected_participants": 30}"#).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let first = first.json();
    assert_eq!(first["room"], "Team-Meeting");
    let again = aggregator.post_room(r#"{"name": "team-MEETING"}"#).await;
    assert_eq!((again.status.as_u16(), &again.json()["server"]), (200, &first["server"]));
    let server = format!("https://{}.example.org/", first["server"].as_str().unwrap());
    assert_eq!(aggregator.join("team-meeting").await, format!("{server}team-meeting"));
    assert_eq!(
        submit(&aggregator, "name=team+meeting").await.header("location"),
        format!("{server}team-meeting")
    );
    let others: Vec<String> = futures_util::future::join_all((0..20).map(|_| aggregator.join("herd"))).await;
    assert!(others.iter().all(|url| *url == others[0]), "{others:?}");
}

#[tokio::test]
async fn what_cannot_be_done_is_said_in_json_with_a_word_and_a_sentence() {
    let (_agents, aggregator) = one().await;
    for (body, status, error) in [
        ("{", 400, "bad_request"),
        ("[]", 400, "bad_request"),
        (r#"{"nome": "x"}"#, 400, "bad_request"),
        (r#"{"name": 5}"#, 400, "bad_request"),
        (r#"{"name": "a/b"}"#, 422, "bad_room_name"),
        (r#"{"name": ""}"#, 422, "bad_room_name"),
        (r#"{"expected_participants": -1}"#, 422, "bad_expected_participants"),
    ] {
        let answer = aggregator.post_room(body).await;
        let json = answer.json();
        assert_eq!((answer.status.as_u16(), json["error"].as_str()), (status, Some(error)), "{body}: {json}");
        assert!(json["reason"].as_str().is_some_and(|reason| reason.len() > 10), "{json}");
    }
    let large = format!(r#"{{"name": "{}"}}"#, "x".repeat(20_000));
    assert_eq!(aggregator.post_room(large).await.status, 413);
    assert_eq!(aggregator.post_room("").await.status, 201, "no body asks for a room without a name");
    assert_eq!(aggregator.get("/api/v1/server?regoin=eu").await.json()["error"], "bad_request");
    assert_eq!(aggregator.get("/nothing").await.json()["error"], "not_found");
    assert_eq!(aggregator.get("/api/v1/rooms").await.json()["error"], "method_not_allowed");
    let page = aggregator.get("/join/a%3Fb").await;
    assert_eq!(page.status, 422);
    assert!(page.text.contains("cannot contain"), "{}", page.text);
}

#[tokio::test]
async fn text_is_given_to_those_who_ask_for_it() {
    let (mut agents, aggregator) = one().await;
    let ask = || aggregator.public(Method::GET, "/api/v1/server").header(header::ACCEPT, "text/plain");
    let answer = aggregator.send(ask()).await;
    assert_eq!(answer.text, "https://vm1.example.org/\n");
    agents[0].kill().await;
    aggregator.node_is("vm1", "down", |node| node["life"] == "down").await;
    let answer = aggregator.send(ask()).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.text, "no video server can take a new meeting at the moment (1 down)\n");
}

#[tokio::test]
async fn the_listeners_share_no_route_but_health_and_style() {
    let (_agents, aggregator) = one().await;
    for path in ["/metrics", "/sd", "/api/v1/fleet", "/api/v1/fleet/vm1"] {
        assert_eq!(aggregator.get(path).await.status, 404, "{path}");
        assert_eq!(aggregator.operator_get(path).await.status, 200, "{path}");
    }
    for path in ["/api/v1/server", "/join/x", "/api/v1/openapi.json"] {
        assert_eq!(aggregator.operator_get(path).await.status, 404, "{path}");
    }
    for path in ["/-/healthy", "/-/ready", "/style.css"] {
        assert_eq!(aggregator.get(path).await.status, 200, "{path}");
        assert_eq!(aggregator.operator_get(path).await.status, 200, "{path}");
    }
    let dashboard = aggregator.operator_get("/").await;
    assert!(dashboard.text.contains("vm1") && !dashboard.text.contains("<script"), "{}", dashboard.text);
}

#[tokio::test]
async fn with_a_token_operators_must_show_it_and_load_balancers_need_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, "0123456789abcdef\n").unwrap();
    let agents = [FakeAgent::start("vm1", 0.2)];
    let aggregator = Aggregator::over(&agents, &format!("{QUICK}[operator]\ntoken_file = {path:?}\n")).await;
    for path in ["/", "/metrics", "/sd", "/api/v1/fleet"] {
        let answer = aggregator.operator_get(path).await;
        assert_eq!(answer.status, 401, "{path}");
        let right = aggregator.operator(Method::GET, path).bearer_auth("0123456789abcdef");
        assert_eq!(aggregator.send(right).await.status, 200, "{path}");
        let browser = aggregator.operator(Method::GET, path).basic_auth("ann", Some("0123456789abcdef"));
        assert_eq!(aggregator.send(browser).await.status, 200, "{path}");
        let wrong = aggregator.operator(Method::GET, path).bearer_auth("0123456789abcdeg");
        assert_eq!(aggregator.send(wrong).await.status, 401, "{path}");
    }
    assert_eq!(aggregator.operator_get("/-/ready").await.status, 200);
}

#[tokio::test]
async fn told_to_stop_it_is_unready_at_once_and_answers_until_the_drain_is_over() {
    let agents = [FakeAgent::start("vm1", 0.2)];
    let aggregator = Aggregator::over(&agents, &format!("drain = \"1500ms\"\n{QUICK}")).await;
    aggregator.stop();
    let ready = aggregator.get("/-/ready").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["reasons"][0], "stopping");
    assert_eq!(aggregator.get("/-/healthy").await.status, 200);
    assert_eq!(aggregator.best().await.as_deref(), Some("vm1"));
    aggregator.ended().await;
}

#[tokio::test]
async fn before_the_first_round_it_is_unready_and_says_why() {
    let aggregator = Aggregator::start("[discovery]\ntargets = []");
    let ready = aggregator.get("/-/ready").await;
    assert_eq!(ready.status, 503);
    assert!(ready.text.contains("discovery has not listed any target yet"), "{}", ready.text);
    assert_eq!(aggregator.operator_get("/sd").await.status, 503);
    assert_eq!(aggregator.get("/api/v1/server").await.json()["reason"], "no video server is known yet");
    assert_eq!(aggregator.get("/").await.status, 200);
}

#[tokio::test]
async fn prometheus_finds_the_agents_and_our_own_figures() {
    let agents = [FakeAgent::start("vm1", 0.25)];
    let entry =
        format!("[[discovery.static]]\ntargets = [{:?}]\nlabels = {{ rack = \"7\" }}", agents[0].url());
    let aggregator = Aggregator::start(&format!("{QUICK}{entry}"));
    aggregator.ready().await;
    let host = agents[0].url().replace("http://", "");
    let groups = aggregator.operator_get("/sd").await.json();
    assert_eq!(groups, json!([{ "targets": [host], "labels": { "node": "vm1", "rack": "7" } }]));
    aggregator.best().await;
    let metrics = aggregator.operator_get("/metrics").await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "usher_aggregator_ready 1",
        "usher_aggregator_nodes{life=\"up\"} 1",
        "usher_aggregator_placements_total{result=\"placed\"} 1",
        "usher_aggregator_scrapes_missed_total 0",
        "usher_aggregator_http_requests_total{listener=\"public\",route=\"/api/v1/server\",status=\"200\"} 1",
    ] {
        assert!(metrics.text.lines().any(|l| l == line), "{line} is not in {}", metrics.text);
    }
    assert!(metrics.text.contains("usher_aggregator_node_cpu_busy_ratio{node=\"vm1\""), "{}", metrics.text);
}

#[tokio::test]
async fn the_contract_names_the_routes_and_their_shapes() {
    let (_agents, aggregator) = one().await;
    let contract = aggregator.get("/api/v1/openapi.json").await.json();
    assert!(contract["paths"]["/api/v1/server"]["get"]["responses"]["503"].is_object(), "{contract}");
    let rooms = &contract["paths"]["/api/v1/rooms"]["post"];
    assert!(rooms["responses"]["201"].is_object() && rooms["requestBody"].is_object(), "{rooms}");
    assert!(contract["components"]["schemas"]["RoomAnswer"]["properties"]["url"].is_object(), "{contract}");
}
