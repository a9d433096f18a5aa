# Two servers and a private network; SSH only from one address.
#
#   export HCLOUD_TOKEN=...   # read by the provider, written to no file
#   terraform init && terraform apply

variable "ssh_public_key" {
  description = "The public key that may log in, such as the content of ~/.ssh/id_ed25519.pub."
  type        = string
}

variable "operator_cidr" {
  description = "The address you connect from, such as 203.0.113.7/32."
  type        = string
}

module "web" {
  source = "../.."

  name              = "web"
  region            = "nbg1"
  size              = "cx23"
  server_count      = 2
  disk_gb           = 20
  ssh_public_keys   = [var.ssh_public_key]
  ssh_allowed_cidrs = [var.operator_cidr]
  tags              = { environment = "example" }
}

output "servers" {
  value = module.web.servers
}
