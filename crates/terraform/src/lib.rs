//! Runs the Terraform or OpenTofu CLI.
