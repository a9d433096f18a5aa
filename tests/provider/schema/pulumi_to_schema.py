"""Turns a published `pulumi_<provider>` wheel into `terraform providers schema -json` form.

The wheel is generated from the real Terraform provider and keeps what that
provider says about every argument: its type, whether it may be left out, and
whether it is deprecated. Three things are lost on the way, and the tables below
put them back from the provider's own documentation: which names are required
(pulumi invents one when it is missing), which sequences are sets, and the
singular names of nested blocks.

    python3 pulumi_to_schema.py WHEEL_DIRECTORY OUTPUT.json

Values that an enumeration allows and arguments that force a replacement are not
in the wheel; the second kind is in `hcloud.overlay.json`.
"""

import ast
import json
import pathlib
import re
import sys

SOURCE = "registry.terraform.io/hetznercloud/hcloud"
PREFIX = "hcloud"

# Only what `terraform-modules/hetzner` uses: a schema nobody reads goes stale.
RESOURCES = [
    "firewall",
    "network",
    "network_subnet",
    "server",
    "server_network",
    "ssh_key",
    "volume",
    "volume_attachment",
]
DATA_SOURCES = ["location"]

# Required in the provider, optional in pulumi, which names things by itself.
REQUIRED_NAMES = {"network", "server", "ssh_key", "volume"}

# Sets in the provider; the wheel has one sequence type for lists and sets.
SETS = {"alias_ips", "destination_ips", "firewall_ids", "source_ips"}

PRIMITIVES = {"str": "string", "int": "number", "float": "number", "bool": "bool"}


class Annotation:
    """A type annotation of the wheel, taken apart."""

    def __init__(self, node, deprecated=False):
        text = ast.unparse(node)
        self.deprecated = deprecated
        self.optional = "Optional[" in text
        self.many = "Sequence[" in text
        self.mapping = "Mapping[str" in text
        names = re.findall(r"[A-Za-z_][\w.]*", text.split("Mapping[str", 1)[-1])
        self.base = names[-1].removeprefix("_builtins.").removeprefix("outputs.")

    def terraform(self, name):
        """The type as Terraform writes it, or `None` for a nested block."""
        primitive = PRIMITIVES.get(self.base)
        if primitive is None:
            return None
        if self.mapping:
            return ["map", primitive]
        if self.many:
            return ["set" if name in SETS else "list", primitive]
        return primitive


def classes(path):
    """The classes of one file of the wheel, by name."""
    tree = ast.parse(path.read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def arguments(cls):
    """The arguments of an `…Args` class: name -> (annotation, required, deprecated)."""
    init = next(
        node for node in cls.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"
    )
    deprecated = set(re.findall(r"(\w+) is deprecated", ast.unparse(init)))
    return {
        arg.arg: (Annotation(arg.annotation), default is None, arg.arg in deprecated)
        for arg, default in zip(init.args.kwonlyargs, init.args.kw_defaults)
    }


def results(cls, wrapper):
    """The attributes that a resource or a data source gives back."""
    return {
        node.name: Annotation(
            node.returns, any("deprecated(" in ast.unparse(mark) for mark in node.decorator_list)
        )
        for node in cls.body
        if isinstance(node, ast.FunctionDef)
        and node.returns is not None
        and wrapper in ast.unparse(node.returns)
    }


def singular(name):
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


def block(args, outputs, nested, required_names=()):
    """One block: its attributes, and the blocks inside it.

    An argument that may be left out is computed as well only when the resource
    always gives a value back: then the cloud chooses one.
    """
    attributes, block_types = {}, {}
    for name, (annotation, required, deprecated) in args.items():
        kind = annotation.terraform(name)
        if kind is None:
            block_types[singular(name)] = {
                "nesting_mode": "set",
                "block": block(arguments(nested[annotation.base]), {}, nested),
            }
            continue
        attribute = {"type": kind}
        if required or name in required_names:
            attribute["required"] = True
        else:
            attribute["optional"] = True
            if name in outputs and not outputs[name].optional:
                attribute["computed"] = True
        if deprecated:
            attribute["deprecated"] = True
        attributes[name] = attribute
    for name, annotation in outputs.items():
        kind = annotation.terraform(name)
        if kind is not None and name not in attributes:
            attributes[name] = {"type": kind, "computed": True}
            if annotation.deprecated:
                attributes[name]["deprecated"] = True
    described = {"attributes": dict(sorted(attributes.items()))}
    if block_types:
        described["block_types"] = dict(sorted(block_types.items()))
    return described


def resource(wheel, name, nested):
    found = classes(wheel / f"{name}.py")
    args = next(cls for key, cls in found.items() if re.search(r"^[A-Z]\w*Args$", key))
    own = found[re.sub(r"(Init)?Args$", "", args.name)]
    required = {"name"} if name in REQUIRED_NAMES else set()
    described = block(arguments(args), results(own, "Output["), nested, required)
    described["attributes"]["id"] = {"type": "string", "computed": True}
    # `mac_address` and `ip` of a server's inline network are chosen by the cloud.
    for inner in described.get("block_types", {}).values():
        for computed in {"mac_address", "ip"} & inner["block"]["attributes"].keys():
            inner["block"]["attributes"][computed]["computed"] = True
    return {"version": 0, "block": described}


def data_source(wheel, name):
    path = wheel / f"get_{name}.py"
    result = next(cls for key, cls in classes(path).items() if re.search(r"^Get\w+Result$", key))
    lookup = next(
        node
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name == f"get_{name}"
    )
    given = {arg.arg for arg in lookup.args.args} - {"opts"}
    attributes = {}
    for key, annotation in sorted(results(result, "").items()):
        attribute = {"type": annotation.terraform(key), "computed": True}
        if key in given:
            attribute["optional"] = True
        if annotation.deprecated:
            attribute["deprecated"] = True
        attributes[key] = attribute
    return {"version": 0, "block": {"attributes": attributes}}


def provider(wheel):
    found = classes(wheel / "provider.py")
    described = block(arguments(found["ProviderArgs"]), {}, {})
    for name, attribute in described["attributes"].items():
        attribute.pop("required", None)
        attribute["optional"] = True
        if name == "token":
            attribute["sensitive"] = True
    return {"version": 0, "block": described}


def main():
    wheel, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    nested = classes(wheel / "_inputs.py")
    schema = {
        "provider": provider(wheel),
        "resource_schemas": {
            f"{PREFIX}_{name}": resource(wheel, name, nested) for name in RESOURCES
        },
        "data_source_schemas": {
            f"{PREFIX}_{name}": data_source(wheel, name) for name in DATA_SOURCES
        },
    }
    document = {"format_version": "1.0", "provider_schemas": {SOURCE: schema}}
    output.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
