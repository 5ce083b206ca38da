# The managed load balancer in front of the aggregators. People's media never pass here.

resource "scaleway_lb_ip" "this" {
  zone = local.zones[0]
  tags = [var.name]
}

resource "scaleway_lb" "this" {
  name   = var.name
  zone   = local.zones[0]
  type   = var.load_balancer_type
  ip_ids = [scaleway_lb_ip.this.id]
  tags   = [var.name]

  private_network {
    private_network_id = scaleway_vpc_private_network.this.id
  }
}

resource "scaleway_lb_backend" "aggregators" {
  lb_id                  = scaleway_lb.this.id
  name                   = "aggregators"
  forward_protocol       = "http"
  forward_port           = local.public_port
  forward_port_algorithm = "leastconn"
  server_ips             = local.aggregator_addresses

  # An aggregator that stops says so at /-/ready and answers 10 s more: longer than two checks and a
  # timeout. The provider's defaults (60 s, 30 s) would mean minutes of errors.
  health_check_delay       = "3s"
  health_check_timeout     = "1s"
  health_check_max_retries = 2

  # A request that meets a dead aggregator goes to another one.
  max_retries              = 3
  redispatch_attempt_count = 1
  on_marked_down_action    = "shutdown_sessions"
  timeout_connect          = "2s"
  timeout_server           = "30s"

  health_check_http {
    uri    = "/-/ready"
    method = "GET"
    code   = 200
  }

  depends_on = [scaleway_instance_private_nic.aggregator]
}

resource "scaleway_lb_certificate" "wildcard" {
  count = nonsensitive(var.certificate != null) ? 1 : 0

  lb_id = scaleway_lb.this.id
  # The name changes with the certificate, so that the new one is there before the old one goes.
  name = "wildcard-${substr(sha256(nonsensitive(var.certificate.chain)), 0, 8)}"

  custom_certificate {
    certificate_chain = "${var.certificate.chain}\n${var.certificate.key}"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "scaleway_lb_frontend" "https" {
  count = length(scaleway_lb_certificate.wildcard)

  lb_id           = scaleway_lb.this.id
  backend_id      = scaleway_lb_backend.aggregators.id
  name            = "https"
  inbound_port    = 443
  certificate_ids = [scaleway_lb_certificate.wildcard[0].id]
  timeout_client  = "30s"
}

resource "scaleway_lb_frontend" "http" {
  lb_id          = scaleway_lb.this.id
  backend_id     = scaleway_lb_backend.aggregators.id
  name           = "http"
  inbound_port   = 80
  timeout_client = "30s"
  external_acls  = true
}

resource "scaleway_lb_acl" "to_https" {
  count = length(scaleway_lb_certificate.wildcard)

  frontend_id = scaleway_lb_frontend.http.id
  name        = "to-https"
  index       = 1

  action {
    type = "redirect"
    redirect {
      type   = "scheme"
      target = "https"
      code   = 301
    }
  }

  match {
    http_filter       = "path_begin"
    http_filter_value = ["/"]
  }
}

resource "scaleway_domain_record" "front" {
  dns_zone = var.dns_zone
  name     = var.front_name
  type     = "A"
  data     = scaleway_lb_ip.this.ip_address
  ttl      = 300
}
