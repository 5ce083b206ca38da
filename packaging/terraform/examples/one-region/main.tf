# A fleet in two zones of one region behind one front page.

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

module "fleet" {
  source = "../../modules/scaleway"

  name   = "usher"
  region = "fr-par"
  servers = {
    "fr-par-1" = ceil(var.servers / 2)
    "fr-par-2" = floor(var.servers / 2)
  }
  dns_zone           = var.dns_zone
  agent_token        = var.agent_token
  operator_token     = var.operator_token
  room_secret        = var.room_secret
  certificate        = var.certificate
  agent_package      = var.agent_package
  aggregator_package = var.aggregator_package
}

output "front" {
  value = module.fleet.front
}

output "targets" {
  value = module.fleet.targets
}

output "ansible_inventory" {
  value = module.fleet.ansible_inventory
}

output "servers" {
  value = module.fleet.servers
}

output "placement_groups" {
  value = module.fleet.placement_groups
}
