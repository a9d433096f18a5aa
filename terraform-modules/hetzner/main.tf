locals {
  # The number in a server's name is also its place in the private network, so
  # that both stay the same when the count changes.
  servers = { for number in range(1, var.server_count + 1) : "${var.name}-${number}" => number }

  # Keyed by content: adding or reordering keys leaves the others as they are.
  ssh_keys = { for key in var.ssh_public_keys : substr(sha256(trimspace(key)), 0, 12) => trimspace(key) }

  cloud_config = file("${path.module}/templates/docker.yaml")
  user_data = var.user_data == "" ? local.cloud_config : templatefile("${path.module}/templates/multipart.tftpl", {
    cloud_config = local.cloud_config
    user_data    = var.user_data
    user_type    = startswith(var.user_data, "#!") ? "text/x-shellscript" : "text/cloud-config"
  })
}

# Says which network zone the region is in, and refuses a region that does not
# exist while the plan is made, before anything is created.
data "hcloud_location" "this" {
  name = var.region
}

resource "hcloud_ssh_key" "this" {
  for_each = local.ssh_keys

  name       = "${var.name}-${each.key}"
  public_key = each.value
  labels     = var.tags
}

resource "hcloud_network" "this" {
  name     = var.name
  ip_range = var.network_cidr
  labels   = var.tags
}

resource "hcloud_network_subnet" "this" {
  network_id   = hcloud_network.this.id
  type         = "cloud"
  network_zone = data.hcloud_location.this.network_zone
  ip_range     = var.network_cidr
}

resource "hcloud_firewall" "this" {
  name   = var.name
  labels = var.tags

  dynamic "rule" {
    for_each = length(var.ssh_allowed_cidrs) > 0 ? ["22"] : []

    content {
      description = "SSH for the operator"
      direction   = "in"
      protocol    = "tcp"
      port        = rule.value
      source_ips  = var.ssh_allowed_cidrs
    }
  }

  dynamic "rule" {
    for_each = toset([for port in var.allowed_ports : tostring(port)])

    content {
      description = "Public port ${rule.value}"
      direction   = "in"
      protocol    = "tcp"
      port        = rule.value
      source_ips  = ["0.0.0.0/0", "::/0"]
    }
  }
}

# The firewall is given with the server, not attached to it later: no moment
# exists in which a server is reachable without it.
resource "hcloud_server" "this" {
  for_each = local.servers

  name         = each.key
  location     = var.region
  server_type  = var.size
  image        = var.image
  ssh_keys     = [for key in hcloud_ssh_key.this : key.id]
  firewall_ids = [hcloud_firewall.this.id]
  user_data    = local.user_data
  labels       = var.tags

  lifecycle {
    # Both are read at the first boot only. A change would replace the server
    # and all that is on it, which nobody means who adds a key.
    ignore_changes = [ssh_keys, user_data]
  }
}

resource "hcloud_server_network" "this" {
  for_each = local.servers

  server_id = hcloud_server.this[each.key].id
  subnet_id = hcloud_network_subnet.this.id
  ip        = cidrhost(var.network_cidr, each.value + 9)
}

resource "hcloud_volume" "this" {
  for_each = var.disk_gb > 0 ? local.servers : {}

  name     = "${each.key}-data"
  location = var.region
  size     = var.disk_gb
  format   = "ext4"
  labels   = var.tags
}

# A volume is attached, not created with its server: it outlives a replacement.
resource "hcloud_volume_attachment" "this" {
  for_each = hcloud_volume.this

  volume_id = each.value.id
  server_id = hcloud_server.this[each.key].id
  automount = true
}
