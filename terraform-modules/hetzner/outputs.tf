output "servers" {
  description = "The servers, in the order of their numbers."
  value = [
    for number in range(1, var.server_count + 1) : {
      name         = hcloud_server.this["${var.name}-${number}"].name
      id           = hcloud_server.this["${var.name}-${number}"].id
      public_ipv4  = hcloud_server.this["${var.name}-${number}"].ipv4_address
      public_ipv6  = hcloud_server.this["${var.name}-${number}"].ipv6_address
      private_ipv4 = hcloud_server_network.this["${var.name}-${number}"].ip
      region       = hcloud_server.this["${var.name}-${number}"].location
      size         = hcloud_server.this["${var.name}-${number}"].server_type
      ssh_user     = "root"
    }
  ]
}
