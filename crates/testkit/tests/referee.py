"""The official Python client as the referee of the test kit's Hetzner API.

    cargo run -p flightdeck-testkit --bin hetzner-sim -- --token T    # prints ENDPOINT
    pip install hcloud
    python crates/testkit/tests/referee.py ENDPOINT T

What the client can't read, or reads as something else, ends the script with an error.
"""

import sys

from hcloud import APIException, Client

endpoint, token = sys.argv[1:]
client = Client(token=token, api_endpoint=endpoint)

locations = {location.name: location for location in client.locations.get_all()}
assert locations["fsn1"].network_zone == "eu-central"
assert client.locations.get_by_id(locations["hel1"].id).city == "Helsinki"
assert client.locations.get_by_name("nowhere") is None

server_types = {each.name: each for each in client.server_types.get_all()}
small = server_types["cx23"]
assert (small.cores, small.memory, small.disk, small.architecture) == (2, 4, 40, "x86")
assert all(float(price["price_hourly"]["gross"]) > 0 for price in small.prices)
assert {offer.location.name for offer in small.locations} <= set(locations)
assert all(offer.deprecation is None for offer in small.locations)
gone = [offer.deprecation for offer in server_types["cx22"].locations]
assert all(each.unavailable_after > each.announced for each in gone)

images = client.images.get_all(type="system")
assert all(image.created and image.status == "available" for image in images)
arm = client.images.get_by_name_and_architecture("debian-12", "arm")
assert arm.architecture == "arm"

one_by_one = client.server_types.get_list(per_page=1, page=2)
assert one_by_one.meta.pagination.next_page == 3
assert one_by_one.meta.pagination.total_entries == len(server_types)

for refused, code in [(Client(token="other", api_endpoint=endpoint), "unauthorized")]:
    try:
        refused.locations.get_all()
        raise SystemExit("a wrong token was taken")
    except APIException as error:
        assert error.code == code, error.code
try:
    client.locations.get_by_id(4711)
    raise SystemExit("a location that is not there was found")
except APIException as error:
    assert error.code == "not_found", error.code

print(f"{len(locations)} locations, {len(server_types)} server types, {len(images)} images: agreed")
