# The contract that every cloud's module keeps: names, counts, what is open, and
# what is refused. No cloud is called: the provider's schema is real, its answers
# are made up.

mock_provider "hcloud" {
  mock_resource "hcloud_server" {
    defaults = {
      id           = "1001"
      ipv4_address = "203.0.113.10"
      ipv6_address = "2001:db8::1"
    }
  }

  mock_resource "hcloud_network" {
    defaults = { id = "2001" }
  }

  mock_resource "hcloud_network_subnet" {
    defaults = { id = "2001-10.0.0.0/16" }
  }

  mock_resource "hcloud_firewall" {
    defaults = { id = "3001" }
  }

  mock_resource "hcloud_ssh_key" {
    defaults = { id = "4001" }
  }

  mock_resource "hcloud_volume" {
    defaults = { id = "5001" }
  }

  mock_data "hcloud_location" {
    defaults = { network_zone = "eu-central" }
  }
}

variables {
  name              = "web"
  ssh_public_keys   = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEtPTwlbfeXRpcBN7JBYW4m3P4CVvHW8cP2lYT5VZjTn operator"]
  ssh_allowed_cidrs = ["203.0.113.7/32"]
}

run "one_server_by_default" {
  assert {
    condition     = length(output.servers) == 1
    error_message = "one server is the default"
  }

  assert {
    condition = output.servers[0] == {
      name         = "web-1"
      id           = "1001"
      public_ipv4  = "203.0.113.10"
      public_ipv6  = "2001:db8::1"
      private_ipv4 = "10.0.0.10"
      region       = "nbg1"
      size         = "cx23"
      ssh_user     = "root"
    }
    error_message = "the output is the contract that the application reads"
  }

  assert {
    condition     = hcloud_server.this["web-1"].image == "ubuntu-24.04"
    error_message = "the default image is the current LTS"
  }

  assert {
    condition     = length(hcloud_volume.this) == 0 && length(hcloud_volume_attachment.this) == 0
    error_message = "no volume unless one is asked for"
  }
}

run "only_ssh_http_and_https_are_open" {
  assert {
    condition     = toset([for rule in hcloud_firewall.this.rule : rule.port]) == toset(["22", "80", "443"])
    error_message = "exactly 22, 80 and 443 are open by default"
  }

  assert {
    condition     = alltrue([for rule in hcloud_firewall.this.rule : rule.source_ips == toset(["203.0.113.7/32"]) if rule.port == "22"])
    error_message = "SSH is open to the operator only"
  }

  assert {
    condition     = alltrue([for rule in hcloud_firewall.this.rule : rule.direction == "in" && rule.protocol == "tcp"])
    error_message = "only inbound TCP is opened"
  }

  assert {
    condition     = hcloud_server.this["web-1"].firewall_ids == toset([3001])
    error_message = "the server is created behind the firewall"
  }
}

run "no_operator_address_means_no_ssh" {
  variables {
    ssh_allowed_cidrs = []
  }

  assert {
    condition     = !contains([for rule in hcloud_firewall.this.rule : rule.port], "22")
    error_message = "SSH stays closed when nobody was named"
  }
}

run "labels_are_the_tags_and_nothing_else" {
  variables {
    tags    = { run = "r-42" }
    disk_gb = 10
  }

  assert {
    condition = alltrue([
      for labels in concat(
        [for server in hcloud_server.this : server.labels],
        [for key in hcloud_ssh_key.this : key.labels],
        [for volume in hcloud_volume.this : volume.labels],
        [hcloud_network.this.labels, hcloud_firewall.this.labels],
      ) : labels == tomap({ run = "r-42" })
    ])
    error_message = "every resource carries the tags, and only the tags"
  }
}

run "several_servers_keep_their_numbers" {
  variables {
    server_count = 3
    disk_gb      = 50
    network_cidr = "192.168.4.0/24"
  }

  assert {
    condition     = [for server in output.servers : server.name] == ["web-1", "web-2", "web-3"]
    error_message = "servers are listed in the order of their numbers"
  }

  assert {
    condition     = [for server in output.servers : server.private_ipv4] == ["192.168.4.10", "192.168.4.11", "192.168.4.12"]
    error_message = "the private address follows the server's number"
  }

  assert {
    condition     = length(hcloud_volume.this) == 3 && alltrue([for volume in hcloud_volume.this : volume.size == 50])
    error_message = "each server has its own volume"
  }
}

run "the_first_boot_installs_docker" {
  assert {
    condition     = startswith(hcloud_server.this["web-1"].user_data, "#cloud-config") && strcontains(hcloud_server.this["web-1"].user_data, "docker.io")
    error_message = "cloud-init installs Docker"
  }

  assert {
    condition     = yamldecode(hcloud_server.this["web-1"].user_data).ssh_pwauth == false
    error_message = "passwords are off for SSH"
  }
}

# Another name, so another server: user data is read at the first boot only.
run "own_user_data_is_added_to_docker" {
  variables {
    name      = "script"
    user_data = "#!/bin/sh\ntouch /root/was-here\n"
  }

  assert {
    condition     = strcontains(hcloud_server.this["script-1"].user_data, "docker.io") && strcontains(hcloud_server.this["script-1"].user_data, "touch /root/was-here")
    error_message = "both parts run at the first boot"
  }

  assert {
    condition     = strcontains(hcloud_server.this["script-1"].user_data, "Content-Type: text/x-shellscript")
    error_message = "a script is sent as a script"
  }
}

run "a_later_change_of_user_data_leaves_the_server_alone" {
  command = plan

  variables {
    name      = "script"
    user_data = "#cloud-config\npackages: [htop]\n"
  }

  assert {
    condition     = strcontains(hcloud_server.this["script-1"].user_data, "touch /root/was-here")
    error_message = "a server is never replaced for its first-boot script"
  }
}
