# Each wrong input is refused by name, before a plan exists.

mock_provider "hcloud" {}

variables {
  name            = "web"
  ssh_public_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEtPTwlbfeXRpcBN7JBYW4m3P4CVvHW8cP2lYT5VZjTn operator"]
}

run "a_name_with_capitals_is_refused" {
  command = plan

  variables {
    name = "Web"
  }

  expect_failures = [var.name]
}

run "a_name_that_ends_with_a_hyphen_is_refused" {
  command = plan

  variables {
    name = "web-"
  }

  expect_failures = [var.name]
}

run "a_region_with_blanks_is_refused" {
  command = plan

  variables {
    region = "nbg 1"
  }

  expect_failures = [var.region]
}

run "no_server_is_refused" {
  command = plan

  variables {
    server_count = 0
  }

  expect_failures = [var.server_count]
}

run "half_a_server_is_refused" {
  command = plan

  variables {
    server_count = 1.5
  }

  expect_failures = [var.server_count]
}

run "a_disk_that_is_too_small_is_refused" {
  command = plan

  variables {
    disk_gb = 5
  }

  expect_failures = [var.disk_gb]
}

run "a_disk_that_is_too_large_is_refused" {
  command = plan

  variables {
    disk_gb = 1001
  }

  expect_failures = [var.disk_gb]
}

run "no_key_is_refused" {
  command = plan

  variables {
    ssh_public_keys = []
  }

  expect_failures = [var.ssh_public_keys]
}

run "a_private_key_is_refused_as_a_public_one" {
  command = plan

  variables {
    ssh_public_keys = ["-----BEGIN OPENSSH PRIVATE KEY-----"]
  }

  expect_failures = [var.ssh_public_keys]
}

run "a_public_network_is_refused" {
  command = plan

  variables {
    network_cidr = "203.0.113.0/24"
  }

  expect_failures = [var.network_cidr]
}

run "a_network_that_is_too_small_is_refused" {
  command = plan

  variables {
    network_cidr = "10.0.0.0/28"
  }

  expect_failures = [var.network_cidr]
}

run "a_network_with_host_bits_is_refused" {
  command = plan

  variables {
    network_cidr = "10.0.0.7/16"
  }

  expect_failures = [var.network_cidr]
}

run "a_port_out_of_range_is_refused" {
  command = plan

  variables {
    allowed_ports = [70000]
  }

  expect_failures = [var.allowed_ports]
}

run "ssh_open_to_everybody_by_port_is_refused" {
  command = plan

  variables {
    allowed_ports = [22]
  }

  expect_failures = [var.allowed_ports]
}

run "an_address_that_is_no_range_is_refused" {
  command = plan

  variables {
    ssh_allowed_cidrs = ["somewhere"]
  }

  expect_failures = [var.ssh_allowed_cidrs]
}

run "user_data_of_no_known_kind_is_refused" {
  command = plan

  variables {
    user_data = "touch /root/x"
  }

  expect_failures = [var.user_data]
}

run "a_private_key_in_user_data_is_refused" {
  command = plan

  variables {
    user_data = "#!/bin/sh\n# -----BEGIN OPENSSH PRIVATE KEY-----"
  }

  expect_failures = [var.user_data]
}

run "a_tag_that_is_no_label_is_refused" {
  command = plan

  variables {
    tags = { team = "a b" }
  }

  expect_failures = [var.tags]
}
