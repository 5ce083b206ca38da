# The Jitsi servers: one public address and one private one each.

locals {
  # The API takes at most 20 instances in a placement group.
  group_size = 20

  # Keys count within a zone: a higher count adds servers and touches none that is there.
  servers = merge([for zone, count in var.servers : {
    for i in range(count) : format("%s-%s-%03d", var.name, replace(zone, "/^[a-z]+-([a-z]+)-(\\d)$/", "$1$2"), i + 1) => {
      zone  = zone
      group = "${zone}/${floor(i / local.group_size) + 1}"
      # A block of 1024 addresses for each zone; the first belongs to aggregators and the provider.
      private_address = cidrhost(var.private_subnet, tonumber(substr(zone, -1, 1)) * 1024 + i)
    }
  }]...)

  agent_port = 9100
}

resource "scaleway_instance_placement_group" "jitsi" {
  for_each = toset([for server in local.servers : server.group])

  name        = "${var.name}-${replace(each.key, "/", "-")}"
  policy_type = "max_availability"
  zone        = split("/", each.key)[0]
  tags        = [var.name]
}

# Filters the public side only. The agents' port is not here: they are reached in the private network, where
# each server's own firewall lets nobody but the aggregators and the watchers in.
resource "scaleway_instance_security_group" "jitsi" {
  for_each = toset(keys(var.servers))

  name                    = "${var.name}-jitsi"
  zone                    = each.key
  inbound_default_policy  = "drop"
  outbound_default_policy = "accept"
  tags                    = [var.name]

  dynamic "inbound_rule" {
    for_each = concat(
      [
        { protocol = "TCP", port = 80, from = "0.0.0.0/0" },    # redirect to HTTPS
        { protocol = "TCP", port = 443, from = "0.0.0.0/0" },   # web and signalling
        { protocol = "UDP", port = 10000, from = "0.0.0.0/0" }, # media
      ],
      [for network in var.ssh_from : { protocol = "TCP", port = 22, from = network }],
    )
    content {
      action   = "accept"
      protocol = inbound_rule.value.protocol
      port     = inbound_rule.value.port
      ip_range = inbound_rule.value.from
    }
  }
}

module "jitsi_start" {
  source   = "../cloud-init"
  for_each = local.servers

  hostname = each.key
  package  = var.agent_package
  files = [
    { path = "/etc/usher/agent.token", content = "${var.agent_token}\n", permissions = "0600" },
    { path = "/etc/usher/rooms.secret", content = "${var.room_secret}\n", permissions = "0600" },
    { path = "/etc/usher/agent.toml", content = templatefile("${path.module}/agent.toml.tftpl", {
      node       = each.key
      public_url = "https://${each.key}.${var.dns_zone}"
      region     = var.region
      zone       = each.value.zone
      port       = local.agent_port
    }) },
  ]
  guarded_ports = [{ port = local.agent_port, sources = concat(local.aggregator_addresses, var.watchers) }]
}

resource "scaleway_instance_ip" "jitsi" {
  for_each = local.servers

  zone = each.value.zone
  tags = [var.name, each.key]
}

resource "scaleway_instance_server" "jitsi" {
  for_each = local.servers

  name               = each.key
  zone               = each.value.zone
  type               = var.server_type
  image              = var.image
  ip_ids             = [scaleway_instance_ip.jitsi[each.key].id]
  placement_group_id = scaleway_instance_placement_group.jitsi[each.value.group].id
  security_group_id  = scaleway_instance_security_group.jitsi[each.value.zone].id
  protected          = var.protected
  tags               = [var.name, "jitsi"]
  user_data          = { "cloud-init" = module.jitsi_start[each.key].text }

  root_volume {
    size_in_gb = var.server_volume_gb
  }

  lifecycle {
    # A newer image is for new servers; it must not replace those with meetings. So must not a new token:
    # Ansible brings it to servers that run.
    ignore_changes = [image, user_data]
  }
}

resource "scaleway_ipam_ip" "jitsi" {
  for_each = local.servers

  region  = var.region
  address = each.value.private_address
  tags    = [var.name, each.key]

  source {
    private_network_id = scaleway_vpc_private_network.this.id
  }
}

resource "scaleway_instance_private_nic" "jitsi" {
  for_each = local.servers

  zone               = each.value.zone
  server_id          = scaleway_instance_server.jitsi[each.key].id
  private_network_id = scaleway_vpc_private_network.this.id
  ipam_ip_ids        = [scaleway_ipam_ip.jitsi[each.key].id]
}

resource "scaleway_domain_record" "jitsi" {
  for_each = local.servers

  dns_zone = var.dns_zone
  name     = each.key
  type     = "A"
  data     = scaleway_instance_ip.jitsi[each.key].address
  ttl      = 300
}
