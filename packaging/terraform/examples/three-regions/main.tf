# Three regions, each with aggregators of its own: a private network ends at its region, agents are read in
# private networks only, and a region that is cut off goes on by itself. The name of the front page leads
# people to the region that is nearest to them.

terraform {
  required_version = ">= 1.9"

  required_providers {
    scaleway = {
      source  = "scaleway/scaleway"
      version = ">= 2.60, < 3.0"
    }
  }
}

provider "scaleway" {
  region = "fr-par"
  zone   = "fr-par-1"
}

locals {
  # Countries that are nearer to a region than to the first; the others go to the first.
  near = {
    fr-par = ["FR", "ES", "PT", "IT", "CH"]
    nl-ams = ["NL", "BE", "LU", "DE", "GB", "IE", "DK", "NO", "SE"]
    pl-waw = ["PL", "CZ", "SK", "LT", "LV", "EE", "UA", "RO"]
  }
  subnets = { fr-par = "10.40.0.0/20", nl-ams = "10.40.16.0/20", pl-waw = "10.40.32.0/20" }
}

module "fleet" {
  source   = "../../modules/scaleway"
  for_each = var.servers

  name   = "usher"
  region = each.key
  servers = {
    "${each.key}-1" = ceil(each.value / 2)
    "${each.key}-2" = floor(each.value / 2)
  }
  private_subnet     = local.subnets[each.key]
  dns_zone           = var.dns_zone
  front_name         = "meet-${each.key}"
  agent_token        = var.agent_token
  operator_token     = var.operator_token
  room_secret        = var.room_secret
  certificate        = var.certificate
  agent_package      = var.agent_package
  aggregator_package = var.aggregator_package
}

resource "scaleway_domain_record" "front" {
  dns_zone = var.dns_zone
  name     = "meet"
  type     = "A"
  data     = module.fleet["fr-par"].front.address
  ttl      = 60

  geo_ip {
    dynamic "matches" {
      for_each = module.fleet
      content {
        countries = local.near[matches.key]
        data      = matches.value.front.address
      }
    }
  }
}

output "fronts" {
  value = { for region, fleet in module.fleet : region => fleet.front }
}

output "targets" {
  description = "For each region the list of its own agents."
  value       = { for region, fleet in module.fleet : region => fleet.targets }
}

output "ansible_inventories" {
  value = { for region, fleet in module.fleet : region => fleet.ansible_inventory }
}

output "servers" {
  value = merge([for fleet in module.fleet : fleet.servers]...)
}
