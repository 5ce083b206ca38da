# A machine's first start, for any cloud: files, one package, one firewall. Knows nothing of a provider.

terraform {
  required_version = ">= 1.9"
}

variable "hostname" {
  description = "Name of the machine; with the agent also the name of the node."
  type        = string
}

variable "package" {
  description = "Debian package to install, and its SHA-256; null when the image has it."
  type        = object({ url = string, sha256 = string })
  default     = null

  validation {
    condition     = var.package == null ? true : can(regex("^https://", var.package.url)) && can(regex("^[0-9a-f]{64}$", var.package.sha256))
    error_message = "The package wants an https URL and a SHA-256 of 64 hexadecimal digits."
  }
}

variable "files" {
  description = "Files to write before the package is installed."
  type        = list(object({ path = string, content = string, permissions = optional(string, "0644") }))
  default     = []
  sensitive   = true
}

variable "guarded_ports" {
  description = "TCP ports that only the addresses named may reach; all else is left as it is."
  type        = list(object({ port = number, sources = list(string) }))
  default     = []
}

locals {
  firewall = templatefile("${path.module}/nftables.tftpl", { guarded = var.guarded_ports })
  install = var.package == null ? [] : [
    "curl --fail --silent --show-error --location --retry 5 --output /run/usher.deb '${var.package.url}'",
    "echo '${var.package.sha256}  /run/usher.deb' | sha256sum --check --strict",
    "DEBIAN_FRONTEND=noninteractive apt-get install --yes /run/usher.deb",
  ]
  config = {
    hostname         = var.hostname
    manage_etc_hosts = true
    package_update   = true
    packages         = ["curl", "nftables"]
    write_files = concat(
      [for file in var.files : { path = file.path, content = file.content, permissions = file.permissions, owner = "root:root" }],
      length(var.guarded_ports) == 0 ? [] : [
        { path = "/etc/nftables.d/usher.nft", content = local.firewall, permissions = "0644", owner = "root:root" },
        { path = "/etc/systemd/system/usher-firewall.service", content = file("${path.module}/usher-firewall.service"), permissions = "0644", owner = "root:root" },
      ],
    )
    runcmd = concat(
      length(var.guarded_ports) == 0 ? [] : ["systemctl daemon-reload && systemctl enable --now usher-firewall"],
      local.install,
    )
  }
}

output "text" {
  description = "The user data."
  value       = "#cloud-config\n${yamlencode(local.config)}"
  sensitive   = true
}
