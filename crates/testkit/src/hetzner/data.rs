//! What the API has to offer: an excerpt of the real catalogue, in its shapes.

use serde_json::{Value, json};

/// Id, name, description, country, city, latitude, longitude, network zone.
type Location =
    (u64, &'static str, &'static str, &'static str, &'static str, f64, f64, &'static str);

const LOCATIONS: &[Location] = &[
    (1, "fsn1", "Falkenstein DC Park 1", "DE", "Falkenstein", 50.476_12, 12.370_071, "eu-central"),
    (2, "nbg1", "Nuremberg DC Park 1", "DE", "Nuremberg", 49.452_102, 11.076_665, "eu-central"),
    (3, "hel1", "Helsinki DC Park 1", "FI", "Helsinki", 60.169_855, 24.938_379, "eu-central"),
    (4, "ash", "Ashburn, VA", "US", "Ashburn, VA", 39.045_821, -77.487_073, "us-east"),
    (5, "hil", "Hillsboro, OR", "US", "Hillsboro, OR", 45.542_22, -122.951_924, "us-west"),
    (6, "sin", "Singapore", "SG", "Singapore", 1.283_333, 103.833_333, "ap-southeast"),
];

const EU: &[&str] = &["fsn1", "nbg1", "hel1"];
const EVERYWHERE: &[&str] = &["fsn1", "nbg1", "hel1", "ash", "hil", "sin"];

/// One row of the price list; prices are net, in euros.
struct ServerType {
    id: u64,
    name: &'static str,
    category: &'static str,
    cores: u32,
    memory: f64,
    disk: u32,
    dedicated: bool,
    arm: bool,
    hourly: f64,
    monthly: f64,
    locations: &'static [&'static str],
    deprecated_in: &'static [&'static str],
    sold_out_in: &'static [&'static str],
}

const SHARED: ServerType = ServerType {
    id: 0,
    name: "",
    category: "cost_optimized",
    cores: 0,
    memory: 0.0,
    disk: 0,
    dedicated: false,
    arm: false,
    hourly: 0.0,
    monthly: 0.0,
    locations: EU,
    deprecated_in: &[],
    sold_out_in: &[],
};
const REGULAR: ServerType =
    ServerType { category: "regular_purpose", locations: EVERYWHERE, ..SHARED };
const DEDICATED: ServerType =
    ServerType { category: "general_purpose", dedicated: true, locations: EVERYWHERE, ..SHARED };

#[rustfmt::skip]
const SERVER_TYPES: &[ServerType] = &[
    ServerType { id: 104, name: "cx22", cores: 2, memory: 4.0, disk: 40, hourly: 0.006, monthly: 3.79, deprecated_in: EU, ..SHARED },
    ServerType { id: 114, name: "cx23", cores: 2, memory: 4.0, disk: 40, hourly: 0.0048, monthly: 2.99, ..SHARED },
    ServerType { id: 115, name: "cx33", cores: 4, memory: 8.0, disk: 80, hourly: 0.008, monthly: 4.99, ..SHARED },
    ServerType { id: 116, name: "cx43", cores: 8, memory: 16.0, disk: 160, hourly: 0.0152, monthly: 9.49, ..SHARED },
    ServerType { id: 117, name: "cx53", cores: 16, memory: 32.0, disk: 320, hourly: 0.028, monthly: 17.49, ..SHARED },
    ServerType { id: 45, name: "cax11", cores: 2, memory: 4.0, disk: 40, arm: true, hourly: 0.0053, monthly: 3.29, deprecated_in: &["hel1"], ..SHARED },
    ServerType { id: 93, name: "cax21", cores: 4, memory: 8.0, disk: 80, arm: true, hourly: 0.0096, monthly: 5.99, ..SHARED },
    ServerType { id: 94, name: "cax31", cores: 8, memory: 16.0, disk: 160, arm: true, hourly: 0.0192, monthly: 11.99, ..SHARED },
    ServerType { id: 95, name: "cax41", cores: 16, memory: 32.0, disk: 320, arm: true, hourly: 0.0384, monthly: 23.99, ..SHARED },
    ServerType { id: 109, name: "cpx12", cores: 1, memory: 2.0, disk: 40, hourly: 0.0104, monthly: 6.49, ..REGULAR },
    ServerType { id: 110, name: "cpx22", cores: 2, memory: 4.0, disk: 80, hourly: 0.0104, monthly: 6.49, ..REGULAR },
    ServerType { id: 111, name: "cpx32", cores: 4, memory: 8.0, disk: 160, hourly: 0.0176, monthly: 10.99, ..REGULAR },
    ServerType { id: 112, name: "cpx42", cores: 8, memory: 16.0, disk: 320, hourly: 0.032, monthly: 19.99, ..REGULAR },
    ServerType { id: 96, name: "ccx13", cores: 2, memory: 8.0, disk: 80, hourly: 0.02, monthly: 12.49, ..DEDICATED },
    ServerType { id: 97, name: "ccx23", cores: 4, memory: 16.0, disk: 160, hourly: 0.0392, monthly: 24.49, ..DEDICATED },
    ServerType { id: 98, name: "ccx33", cores: 8, memory: 32.0, disk: 240, hourly: 0.0777, monthly: 48.49, sold_out_in: &["ash"], ..DEDICATED },
];

/// System images: id, flavour, version, architecture, whether it is on its way out.
const IMAGES: &[(u64, &str, &str, &str, bool)] = &[
    (3, "centos", "7", "x86", true),
    (114_690_387, "debian", "12", "x86", false),
    (114_690_389, "debian", "12", "arm", false),
    (310_557_660, "debian", "13", "x86", false),
    (310_557_661, "debian", "13", "arm", false),
    (67_794_396, "ubuntu", "22.04", "x86", false),
    (103_908_130, "ubuntu", "22.04", "arm", false),
    (161_547_269, "ubuntu", "24.04", "x86", false),
    (161_547_270, "ubuntu", "24.04", "arm", false),
    (323_456_789, "fedora", "42", "x86", false),
    (323_456_790, "fedora", "42", "arm", false),
    (286_341_012, "rocky", "10", "x86", false),
    (286_341_013, "rocky", "10", "arm", false),
    (286_341_020, "alma", "10", "x86", false),
    (286_341_021, "alma", "10", "arm", false),
    (286_341_030, "opensuse", "15", "x86", false),
];

/// The entries of one list, or `None` if the API has no such list.
pub(super) fn list(name: &str) -> Option<Vec<Value>> {
    match name {
        "locations" => Some(LOCATIONS.iter().map(location).collect()),
        "server_types" => Some(SERVER_TYPES.iter().map(server_type).collect()),
        "images" => Some(IMAGES.iter().map(image).collect()),
        "servers" | "ssh_keys" => Some(Vec::new()),
        _ => None,
    }
}

/// The currency, and the prices of server types once more.
pub(super) fn pricing() -> Value {
    let server_types: Vec<Value> = SERVER_TYPES
        .iter()
        .map(|row| json!({ "id": row.id, "name": row.name, "prices": prices(row) }))
        .collect();
    json!({ "pricing": {
        "currency": "EUR",
        "vat_rate": "19.000000",
        "server_backup": { "percentage": "20.0000000000" },
        "server_types": server_types,
    } })
}

fn location(
    &(id, name, description, country, city, latitude, longitude, network_zone): &Location,
) -> Value {
    json!({
        "id": id,
        "name": name,
        "description": description,
        "country": country,
        "city": city,
        "latitude": latitude,
        "longitude": longitude,
        "network_zone": network_zone,
    })
}

fn server_type(row: &ServerType) -> Value {
    let locations: Vec<Value> = row
        .locations
        .iter()
        .map(|name| {
            let gone = row.deprecated_in.contains(name);
            json!({
                "id": location_id(name),
                "name": name,
                "deprecation": deprecation(gone),
                "available": !gone && !row.sold_out_in.contains(name),
                "recommended": !gone && row.category == "cost_optimized",
            })
        })
        .collect();
    let gone = row.deprecated_in.len() == row.locations.len();
    json!({
        "id": row.id,
        "name": row.name,
        "description": row.name.to_uppercase(),
        "category": row.category,
        "cores": row.cores,
        "memory": row.memory,
        "disk": row.disk,
        "deprecated": gone,
        "deprecation": deprecation(gone),
        "locations": locations,
        "prices": prices(row),
        "storage_type": "local",
        "cpu_type": if row.dedicated { "dedicated" } else { "shared" },
        "architecture": if row.arm { "arm" } else { "x86" },
    })
}

fn prices(row: &ServerType) -> Vec<Value> {
    let amount =
        |net: f64| json!({ "net": format!("{net:.10}"), "gross": format!("{:.10}", net * 1.19) });
    row.locations
        .iter()
        .map(|location| {
            json!({
                "location": location,
                "price_hourly": amount(row.hourly),
                "price_monthly": amount(row.monthly),
                "included_traffic": 21_990_232_555_520_u64,
                "price_per_tb_traffic": amount(1.0),
            })
        })
        .collect()
}

fn image(&(id, flavor, version, architecture, gone): &(u64, &str, &str, &str, bool)) -> Value {
    json!({
        "id": id,
        "type": "system",
        "status": "available",
        "name": format!("{flavor}-{version}"),
        "description": format!("{flavor} {version}"),
        "image_size": null,
        "disk_size": 5,
        "created": "2024-01-15T11:34:46Z",
        "created_from": null,
        "bound_to": null,
        "os_flavor": flavor,
        "os_version": version,
        "rapid_deploy": true,
        "protection": { "delete": false },
        "deprecation": deprecation(gone),
        "deleted": null,
        "labels": {},
        "architecture": architecture,
    })
}

fn deprecation(gone: bool) -> Value {
    if gone {
        json!({ "announced": "2025-10-16T06:00:00Z", "unavailable_after": "2026-01-16T06:00:00Z" })
    } else {
        Value::Null
    }
}

fn location_id(name: &str) -> u64 {
    LOCATIONS.iter().find(|row| row.1 == name).map_or(0, |row| row.0)
}
