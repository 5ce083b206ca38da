# What Ansible and the certificate's deploy hook fetch; and the registry of our own images.

locals {
  secrets = merge(
    { agent-token = var.agent_token, operator-token = var.operator_token, room-secret = var.room_secret },
    var.certificate == null ? {} : { certificate-chain = var.certificate.chain, certificate-key = var.certificate.key },
  )
}

resource "scaleway_secret" "this" {
  for_each = toset(nonsensitive(keys(local.secrets)))

  name   = "${var.name}-${each.key}"
  region = var.region
  path   = "/${var.name}"
  tags   = [var.name]
}

resource "scaleway_secret_version" "this" {
  for_each = scaleway_secret.this

  secret_id = each.value.id
  region    = var.region
  data      = local.secrets[each.key]
}

# Pinned images: a fleet must not depend on another registry on the day of a rollout.
resource "scaleway_registry_namespace" "this" {
  name        = var.name
  region      = var.region
  description = "Images of the fleet: Jitsi's releases as rolled out, and our own"
  is_public   = false
}
