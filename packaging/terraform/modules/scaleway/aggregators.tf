# The aggregators: no store, no state; any of them may be replaced at any time.

locals {
  zones = sort(keys(var.servers))

  # Fixed, because the servers' firewalls name them. The provider's own services take addresses below 16.
  aggregators = { for i in range(var.aggregators) : "${var.name}-aggregator-${i + 1}" => {
    zone            = local.zones[i % length(local.zones)]
    private_address = cidrhost(var.private_subnet, 16 + i)
  } }
  aggregator_addresses = [for one in local.aggregators : one.private_address]

  public_port   = 7080
  operator_port = 7081
}

# The load balancer comes through the private network: from outside only SSH, and that only if asked for.
resource "scaleway_instance_security_group" "aggregator" {
  for_each = toset([for one in local.aggregators : one.zone])

  name                    = "${var.name}-aggregator"
  zone                    = each.key
  inbound_default_policy  = "drop"
  outbound_default_policy = "accept"
  tags                    = [var.name]

  dynamic "inbound_rule" {
    for_each = var.ssh_from
    content {
      action   = "accept"
      protocol = "TCP"
      port     = 22
      ip_range = inbound_rule.value
    }
  }
}

module "aggregator_start" {
  source   = "../cloud-init"
  for_each = local.aggregators

  hostname = each.key
  package  = var.aggregator_package
  files = [
    { path = "/etc/usher/agent.token", content = "${var.agent_token}\n", permissions = "0600" },
    { path = "/etc/usher/operator.token", content = "${var.operator_token}\n", permissions = "0600" },
    { path = "/etc/usher/rooms.secret", content = "${var.room_secret}\n", permissions = "0600" },
    { path = "/etc/usher/aggregator.toml", content = templatefile("${path.module}/aggregator.toml.tftpl", {
      public_port   = local.public_port
      operator_port = local.operator_port
      replicas      = var.aggregators
    }) },
  ]
  guarded_ports = [{ port = local.operator_port, sources = concat(local.aggregator_addresses, var.watchers) }]
}

resource "scaleway_instance_ip" "aggregator" {
  for_each = local.aggregators

  zone = each.value.zone
  tags = [var.name, each.key]
}

resource "scaleway_instance_placement_group" "aggregator" {
  for_each = toset([for one in local.aggregators : one.zone])

  name        = "${var.name}-aggregator-${each.key}"
  policy_type = "max_availability"
  zone        = each.key
  tags        = [var.name]
}

resource "scaleway_instance_server" "aggregator" {
  for_each = local.aggregators

  name               = each.key
  zone               = each.value.zone
  type               = var.aggregator_type
  image              = var.image
  ip_ids             = [scaleway_instance_ip.aggregator[each.key].id]
  placement_group_id = scaleway_instance_placement_group.aggregator[each.value.zone].id
  security_group_id  = scaleway_instance_security_group.aggregator[each.value.zone].id
  protected          = var.protected
  tags               = [var.name, "aggregator"]
  user_data          = { "cloud-init" = module.aggregator_start[each.key].text }

  lifecycle {
    ignore_changes = [image, user_data]
  }
}

resource "scaleway_ipam_ip" "aggregator" {
  for_each = local.aggregators

  region  = var.region
  address = each.value.private_address
  tags    = [var.name, each.key]

  source {
    private_network_id = scaleway_vpc_private_network.this.id
  }
}

resource "scaleway_instance_private_nic" "aggregator" {
  for_each = local.aggregators

  zone               = each.value.zone
  server_id          = scaleway_instance_server.aggregator[each.key].id
  private_network_id = scaleway_vpc_private_network.this.id
  ipam_ip_ids        = [scaleway_ipam_ip.aggregator[each.key].id]
}
