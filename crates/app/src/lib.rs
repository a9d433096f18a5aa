//! Use cases, ports, authorize(), jobs.
