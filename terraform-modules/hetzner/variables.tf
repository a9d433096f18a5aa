variable "name" {
  description = "Name of the stack; every resource's name starts with it."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$", var.name))
    error_message = "The name must be 1 to 50 lower-case letters, digits and hyphens, and must not start or end with a hyphen."
  }
}

variable "region" {
  description = "Location of the servers, for example `nbg1`, `fsn1`, `hel1`, `ash`, `hil` or `sin`."
  type        = string
  default     = "nbg1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9-]+$", var.region))
    error_message = "The region must be the name of a location, such as `nbg1`."
  }
}

variable "size" {
  description = "Server type, for example `cx23` (shared x86), `cax11` (shared Arm) or `ccx13` (dedicated x86)."
  type        = string
  default     = "cx23"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9-]+$", var.size))
    error_message = "The size must be the name of a server type, such as `cx23`."
  }
}

variable "image" {
  description = "Image the servers start from: a Debian or Ubuntu system image, or the id of a snapshot made from one."
  type        = string
  default     = "ubuntu-24.04"
  nullable    = false

  validation {
    condition     = can(regex("^[a-zA-Z0-9._-]+$", var.image))
    error_message = "The image must be the name or the id of an image, such as `ubuntu-24.04`."
  }
}

variable "server_count" {
  description = "Number of servers."
  type        = number
  default     = 1
  nullable    = false

  validation {
    condition     = var.server_count >= 1 && var.server_count <= 50 && floor(var.server_count) == var.server_count
    error_message = "The number of servers must be a whole number from 1 to 50."
  }
}

variable "disk_gb" {
  description = "Size in GB of an extra volume for each server; 0 for none. The root disk's size belongs to the server type."
  type        = number
  default     = 0
  nullable    = false

  validation {
    condition     = var.disk_gb == 0 || (var.disk_gb >= 10 && var.disk_gb <= 1000 && floor(var.disk_gb) == var.disk_gb)
    error_message = "The disk must be 0 (no extra volume) or a whole number of GB from 10 to 1000."
  }
}

variable "ssh_public_keys" {
  description = "Public keys, in OpenSSH form, that may log in as root."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.ssh_public_keys) > 0
    error_message = "At least one public key is needed: without one a root password is sent by e-mail."
  }

  validation {
    condition     = alltrue([for key in var.ssh_public_keys : can(regex("^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh.com|sk-ecdsa-sha2-nistp256@openssh.com) [A-Za-z0-9+/]+=*( .*)?$", trimspace(key)))])
    error_message = "Each key must be one line of a public key file, such as `ssh-ed25519 AAAA... comment`."
  }
}

variable "network_cidr" {
  description = "Address range of the private network between the servers."
  type        = string
  default     = "10.0.0.0/16"
  nullable    = false

  validation {
    condition     = can(cidrhost(var.network_cidr, 0)) && can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", var.network_cidr))
    error_message = "The network must be a private IPv4 range (inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16)."
  }

  validation {
    condition     = try(tonumber(split("/", var.network_cidr)[1]) >= 8 && tonumber(split("/", var.network_cidr)[1]) <= 24, false)
    error_message = "The network's prefix must be from /8 to /24."
  }

  validation {
    condition     = try(cidrsubnet(var.network_cidr, 0, 0) == var.network_cidr, false)
    error_message = "The network must be written with its first address, such as 10.0.0.0/16."
  }
}

variable "allowed_ports" {
  description = "TCP ports open to everybody. SSH is not one of them: see `ssh_allowed_cidrs`."
  type        = list(number)
  default     = [80, 443]
  nullable    = false

  validation {
    condition     = alltrue([for port in var.allowed_ports : port >= 1 && port <= 65535 && floor(port) == port])
    error_message = "Each port must be a whole number from 1 to 65535."
  }

  validation {
    condition     = !contains(var.allowed_ports, 22)
    error_message = "Port 22 is opened by `ssh_allowed_cidrs` only, to the addresses that need it."
  }
}

variable "ssh_allowed_cidrs" {
  description = "Address ranges that may reach SSH, normally the operator's own address as a /32. Empty closes SSH."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.ssh_allowed_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Each entry must be an address range, such as 203.0.113.7/32 or 2001:db8::1/128."
  }
}

variable "user_data" {
  description = "More cloud-init for the first boot: a `#cloud-config` document or a script that starts with `#!`. It is readable on the server and at the provider, so no secret belongs in it."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = var.user_data == "" || can(regex("^#(!|cloud-config)", var.user_data))
    error_message = "The user data must start with `#cloud-config` or `#!`."
  }

  validation {
    condition     = length(var.user_data) <= 24576
    error_message = "The user data must not be longer than 24 KiB."
  }

  validation {
    condition     = !can(regex("PRIVATE KEY-----", var.user_data))
    error_message = "The user data contains a private key: it would be readable on the server and at the provider."
  }
}

variable "tags" {
  description = "Labels for every resource. The module adds none of its own."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for key in keys(var.tags) : can(regex("^([a-z0-9.-]{1,253}/)?[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$", key))])
    error_message = "Each key must be at most 63 letters, digits, dots, hyphens and underscores, and start and end with a letter or digit."
  }

  validation {
    condition     = alltrue([for value in values(var.tags) : can(regex("^([a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?)?$", value))])
    error_message = "Each value must be at most 63 letters, digits, dots, hyphens and underscores, and start and end with a letter or digit."
  }
}
