# A fleet as others want to read it. Knows nothing of a provider.

terraform {
  required_version = ">= 1.9"
}

variable "servers" {
  description = "Jitsi servers by name."
  type = map(object({
    public_address  = string
    private_address = string
    region          = string
    zone            = string
    public_url      = string
  }))
}

variable "aggregators" {
  description = "Aggregators by name."
  type        = map(object({ public_address = string, private_address = string }))
}

variable "agent_port" {
  description = "Where agents listen."
  type        = number
  default     = 9100
}

variable "user" {
  description = "Whom Ansible logs in as."
  type        = string
  default     = "root"
}

output "targets" {
  description = "For [discovery] file of the aggregators and file_sd of Prometheus; JSON."
  value = jsonencode([for name, server in var.servers : {
    targets = ["${server.private_address}:${var.agent_port}"]
    labels  = { node = name, region = server.region, zone = server.zone }
  }])
}

output "ansible" {
  description = "Ansible's inventory; YAML."
  value = yamlencode({ all = {
    vars = { ansible_user = var.user }
    children = {
      jitsi = { hosts = { for name, server in var.servers : name => {
        ansible_host          = server.public_address
        usher_private_address = server.private_address
        usher_region          = server.region
        usher_zone            = server.zone
        usher_public_url      = server.public_url
      } } }
      aggregator = { hosts = { for name, one in var.aggregators : name => {
        ansible_host          = one.public_address
        usher_private_address = one.private_address
      } } }
    }
  } })
}
