terraform {
  required_version = ">= 1.5.0"

  required_providers {
    hcloud = {
      source  = "hetznercloud/hcloud"
      version = "1.67.0"
    }
  }
}

# There is no `provider "hcloud"` block on purpose: the API token comes from the
# environment (`HCLOUD_TOKEN`) and therefore stands in no file, plan or state.
