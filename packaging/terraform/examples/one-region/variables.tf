variable "dns_zone" {
  description = "Zone that Scaleway serves, such as visio.example.org."
  type        = string
}

variable "agent_token" {
  description = "openssl rand -hex 32"
  type        = string
  sensitive   = true
}

variable "operator_token" {
  description = "openssl rand -hex 32"
  type        = string
  sensitive   = true
}

variable "room_secret" {
  description = "openssl rand -hex 32"
  type        = string
  sensitive   = true
}

variable "certificate" {
  description = "The wildcard certificate: {chain = file(…), key = file(…)}."
  type        = object({ chain = string, key = string })
  default     = null
  sensitive   = true
}

variable "agent_package" {
  description = "Where the usher-agent package lies, and its SHA-256."
  type        = object({ url = string, sha256 = string })
  default     = null
}

variable "aggregator_package" {
  description = "Where the usher-aggregator package lies, and its SHA-256."
  type        = object({ url = string, sha256 = string })
  default     = null
}

variable "servers" {
  description = "Jitsi servers, spread evenly over the two zones."
  type        = number
  default     = 10
}
