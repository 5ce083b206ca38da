# The private network: here the aggregators read the agents, and nobody else does.

resource "scaleway_vpc" "this" {
  name   = var.name
  region = var.region
  tags   = [var.name]
}

resource "scaleway_vpc_private_network" "this" {
  name   = var.name
  region = var.region
  vpc_id = scaleway_vpc.this.id
  tags   = [var.name]

  ipv4_subnet {
    subnet = var.private_subnet
  }
}
