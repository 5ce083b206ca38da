variable "name" {
  description = "Name of the fleet; begins the names of everything."
  type        = string
  default     = "usher"

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]{0,22}[a-z0-9])?$", var.name))
    error_message = "The name becomes part of host names: lower case letters, digits and hyphens, 24 at most."
  }
}

variable "region" {
  description = "Region of everything here. A fleet in several regions is this module several times."
  type        = string
  default     = "fr-par"
}

variable "servers" {
  description = "How many Jitsi servers in each zone of the region. A higher number only adds; a lower one removes the last."
  type        = map(number)

  validation {
    condition     = length(var.servers) > 0 && alltrue([for zone, count in var.servers : can(regex("^${var.region}-[1-3]$", zone)) && count >= 0 && floor(count) == count])
    error_message = "Servers are counted by zone of the region, such as {\"fr-par-1\" = 20}."
  }

  validation {
    # Each server takes a card in the private network, each aggregator too, and the load balancer.
    condition     = sum(values(var.servers)) <= 480
    error_message = "A private network takes 512 members: at most 480 servers a region."
  }
}

variable "server_type" {
  description = "Type of a Jitsi server. DEV1-L is the cheapest that holds a bridge (4 shared cores, 8 GiB); POP2-HC-4C-8G has cores of its own."
  type        = string
  default     = "DEV1-L"

  validation {
    condition     = !startswith(var.server_type, "DEV1-") || alltrue([for zone, count in var.servers : count == 0 || !endswith(zone, "-3")])
    error_message = "DEV1 is not offered in the third zone of any region: choose another type or other zones."
  }
}

variable "image" {
  description = "Label or id of the image; with packaging/ansible/golden.yml one can be made that needs no packages."
  type        = string
  default     = "debian_bookworm"
}

variable "server_volume_gb" {
  description = "Size of a Jitsi server's root volume."
  type        = number
  default     = 20
}

variable "protected" {
  description = "Refuse to delete servers and load balancer; set it in production."
  type        = bool
  default     = false
}

variable "aggregators" {
  description = "How many aggregators."
  type        = number
  default     = 2

  validation {
    condition     = var.aggregators >= 2 && var.aggregators <= 16
    error_message = "At least two aggregators, so that one may fail; at most 16."
  }
}

variable "aggregator_type" {
  description = "Type of an aggregator; they are small (see the sizing table in packaging/docs)."
  type        = string
  default     = "PLAY2-NANO"
}

variable "private_subnet" {
  description = "Addresses of the private network, a /20; Docker's own pools (172.17.0.0/12) must not overlap."
  type        = string
  default     = "10.40.0.0/20"

  validation {
    condition     = can(cidrhost(var.private_subnet, 4094)) && endswith(var.private_subnet, "/20") && !startswith(var.private_subnet, "172.")
    error_message = "A /20 outside of 172.0.0.0/8, such as 10.40.0.0/20."
  }
}

variable "dns_zone" {
  description = "Zone of the servers' names: NAME.ZONE for each, and FRONT.ZONE for the front page."
  type        = string
}

variable "front_name" {
  description = "Name of the front page in the zone."
  type        = string
  default     = "meet"
}

variable "certificate" {
  description = "The wildcard certificate of the zone, PEM: chain and key. Null until there is one: the load balancer then serves plain HTTP."
  type        = object({ chain = string, key = string })
  default     = null
  sensitive   = true

  validation {
    condition     = var.certificate == null ? true : can(regex("BEGIN CERTIFICATE", var.certificate.chain)) && can(regex("PRIVATE KEY", var.certificate.key))
    error_message = "The certificate wants the PEM texts themselves (file(…)), chain and key."
  }
}

variable "agent_token" {
  description = "Token between aggregators and agents: openssl rand -hex 32."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.agent_token) >= 32
    error_message = "The token is the key to every server: at least 32 characters."
  }
}

variable "operator_token" {
  description = "Token of the aggregators' operator listener: openssl rand -hex 32."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.operator_token) >= 32
    error_message = "At least 32 characters."
  }
}

variable "room_secret" {
  description = "Secret that room names are hashed with, the same on agents and aggregators: openssl rand -hex 32."
  type        = string
  sensitive   = true

  validation {
    condition     = length(var.room_secret) >= 32
    error_message = "At least 32 characters."
  }
}

variable "agent_package" {
  description = "The usher-agent package, and its SHA-256; null when the image has it."
  type        = object({ url = string, sha256 = string })
  default     = null
}

variable "aggregator_package" {
  description = "The usher-aggregator package, and its SHA-256; null when the image has it."
  type        = object({ url = string, sha256 = string })
  default     = null
}

variable "ssh_from" {
  description = "Networks that may reach SSH; none by default."
  type        = list(string)
  default     = []
}

variable "watchers" {
  description = "Private addresses beside the aggregators' that may read the agents and the operator listener, such as Prometheus'."
  type        = list(string)
  default     = []
}

variable "load_balancer_type" {
  description = "Type of the managed load balancer; its bandwidth is for answers of the aggregators only, media go to the servers."
  type        = string
  default     = "LB-S"
}
