module "inventory" {
  source = "../inventory"

  agent_port = local.agent_port
  servers = { for name, server in local.servers : name => {
    public_address  = scaleway_instance_ip.jitsi[name].address
    private_address = server.private_address
    region          = var.region
    zone            = server.zone
    public_url      = "https://${name}.${var.dns_zone}"
  } }
  aggregators = { for name, one in local.aggregators : name => {
    public_address  = scaleway_instance_ip.aggregator[name].address
    private_address = one.private_address
  } }
}

output "targets" {
  description = "The aggregators' list of agents ([discovery] file) and Prometheus' file_sd; JSON."
  value       = module.inventory.targets
}

output "ansible_inventory" {
  description = "Ansible's inventory; YAML."
  value       = module.inventory.ansible
}

output "servers" {
  description = "Public address of each Jitsi server by name."
  value       = { for name in keys(local.servers) : name => scaleway_instance_ip.jitsi[name].address }
}

output "placement_groups" {
  description = "Servers by placement group."
  value       = { for group in distinct(values(local.servers)[*].group) : group => [for name, server in local.servers : name if server.group == group] }
}

output "front" {
  description = "Where people come in: the load balancer's address and the front page's URL."
  value = {
    address = scaleway_lb_ip.this.ip_address
    url     = "${nonsensitive(var.certificate != null) ? "https" : "http"}://${var.front_name}.${var.dns_zone}"
  }
}

output "registry" {
  description = "The registry's endpoint, for JITSI_IMAGE_REPO."
  value       = scaleway_registry_namespace.this.endpoint
}
