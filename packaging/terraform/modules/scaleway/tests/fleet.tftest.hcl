# What the module makes, and what it refuses. Run against the provider's stand-in: tests/tools/terraform.sh.

variables {
  dns_zone       = "visio.example.org"
  agent_token    = "0123456789abcdef0123456789abcdef"
  operator_token = "123456789abcdef0123456789abcdef0"
  room_secret    = "fedcba9876543210fedcba9876543210"
  servers        = { "fr-par-1" = 21, "fr-par-2" = 3 }
}

run "servers_are_spread_over_groups_of_at_most_twenty" {
  command = plan

  assert {
    condition     = length(scaleway_instance_server.jitsi) == 24
    error_message = "24 servers were asked for"
  }
  assert {
    condition     = alltrue([for names in values(output.placement_groups) : length(names) <= 20]) && length(output.placement_groups) == 3
    error_message = "21 servers in one zone need two groups, 3 in another one"
  }
  assert {
    condition     = alltrue([for group in scaleway_instance_placement_group.jitsi : group.policy_type == "max_availability"])
    error_message = "groups keep servers apart"
  }
}

run "only_what_jitsi_needs_is_open" {
  command = plan

  assert {
    condition = alltrue([for group in scaleway_instance_security_group.jitsi :
      group.inbound_default_policy == "drop" &&
      toset([for rule in group.inbound_rule : "${rule.protocol}/${rule.port}"]) == toset(["TCP/80", "TCP/443", "UDP/10000"])
    ])
    error_message = "a server is open for web and media only"
  }
  assert {
    condition     = alltrue([for group in scaleway_instance_security_group.aggregator : length(group.inbound_rule) == 0])
    error_message = "an aggregator is reached through the load balancer only"
  }
}

run "agents_are_for_aggregators_and_watchers" {
  command = plan

  variables {
    watchers = ["10.40.0.100"]
  }
  assert {
    condition = alltrue([for start in values(module.jitsi_start) :
      strcontains(start.text, "tcp dport 9100 ip saddr { 10.40.0.16, 10.40.0.17, 10.40.0.100 } accept") &&
    strcontains(start.text, "tcp dport 9100 drop")])
    error_message = "each server's own firewall guards the agent"
  }
}

run "the_load_balancer_turns_away_within_seconds" {
  command = plan

  assert {
    condition     = scaleway_lb_backend.aggregators.health_check_delay == "3s" && scaleway_lb_backend.aggregators.health_check_timeout == "1s"
    error_message = "the provider's defaults mean minutes of errors"
  }
  assert {
    condition     = scaleway_lb_backend.aggregators.health_check_http[0].uri == "/-/ready" && scaleway_lb_backend.aggregators.redispatch_attempt_count == 1
    error_message = "it asks whether an aggregator is ready, and tries another one"
  }
  assert {
    condition     = toset(scaleway_lb_backend.aggregators.server_ips) == toset(["10.40.0.16", "10.40.0.17"])
    error_message = "both aggregators are behind it"
  }
}

run "without_a_certificate_the_front_is_plain" {
  command = plan

  assert {
    condition     = length(scaleway_lb_frontend.https) == 0 && output.front.url == "http://meet.visio.example.org"
    error_message = "no certificate, no HTTPS"
  }
}

run "with_a_certificate_the_front_is_https" {
  command = plan

  variables {
    certificate = { chain = "-----BEGIN CERTIFICATE-----", key = "-----BEGIN PRIVATE KEY-----" }
  }
  assert {
    condition     = length(scaleway_lb_frontend.https) == 1 && output.front.url == "https://meet.visio.example.org"
    error_message = "a certificate, HTTPS"
  }
  assert {
    condition     = scaleway_lb_acl.to_https[0].action[0].redirect[0].target == "https"
    error_message = "plain HTTP leads to HTTPS"
  }
  assert {
    condition     = length(scaleway_secret.this) == 5
    error_message = "tokens, secret and certificate are kept for Ansible"
  }
}

run "one_aggregator_is_refused" {
  command = plan
  variables {
    aggregators = 1
  }
  expect_failures = [var.aggregators]
}

run "servers_of_another_region_are_refused" {
  command = plan
  variables {
    servers = { "nl-ams-1" = 1 }
  }
  expect_failures = [var.servers]
}

run "more_than_a_private_network_takes_is_refused" {
  command = plan
  variables {
    servers = { "fr-par-1" = 300, "fr-par-2" = 200 }
  }
  expect_failures = [var.servers]
}

run "a_type_that_a_zone_does_not_offer_is_refused" {
  command = plan
  variables {
    servers = { "fr-par-3" = 1 }
  }
  expect_failures = [var.server_type]
}

run "a_short_token_is_refused" {
  command = plan
  variables {
    agent_token = "secret"
  }
  expect_failures = [var.agent_token]
}

run "what_is_made_can_be_read_by_others" {
  command = apply

  variables {
    servers = { "fr-par-1" = 2 }
  }
  assert {
    condition = jsondecode(output.targets) == [
      { targets = ["10.40.4.0:9100"], labels = { node = "usher-par1-001", region = "fr-par", zone = "fr-par-1" } },
      { targets = ["10.40.4.1:9100"], labels = { node = "usher-par1-002", region = "fr-par", zone = "fr-par-1" } },
    ]
    error_message = "targets: ${output.targets}"
  }
  assert {
    condition     = keys(yamldecode(output.ansible_inventory).all.children.jitsi.hosts) == ["usher-par1-001", "usher-par1-002"]
    error_message = "inventory: ${output.ansible_inventory}"
  }
  assert {
    condition     = length(distinct(values(output.servers))) == 2
    error_message = "each server has an address of its own"
  }
}
