"""The packages that production installs: a bill of materials (CycloneDX 1.6) and their licenses.

`python -m tests.support.supply` prints the bill (`make sbom`). It is made of the lock, for the versions and
hashes, and of the installed packages, for the licenses.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from typing import Any, Final
from uuid import UUID, uuid5

from config.environment import ROOT

LOCK: Final = ROOT / "requirements.lock"
# Licenses under which a service may be run, and its source kept.
ALLOWED: Final = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "LGPL-3.0-only",  # psycopg: used unchanged, as a library of its own
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "PSF-2.0",
        "PostgreSQL",
    }
)
# Of packages whose metadata name their license in other words than SPDX's.
NAMED: Final = {
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "BSD-3-Clause License": "BSD-3-Clause",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_PIN: Final = re.compile(r"^([\w.-]+)==([^\s;]+)(?:\s*;\s*([^\\]+?))?\s*\\?$")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NAMESPACE: Final = UUID("5f1d7c52-6c0f-4d0f-9b61-0b6d5f3d8a10")


@dataclass(frozen=True, slots=True)
class Package:
    """One line of the lock. `marker` says where it is installed; empty: everywhere."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def packages() -> Iterator[Package]:
    """The packages of the lock."""
    for block in re.split(r"\n(?=[a-z0-9])", LOCK.read_text()):
        pin = _PIN.match(block.splitlines()[0])
        if pin:
            yield Package(pin[1], pin[2], pin[3] or "", tuple(_HASH.findall(block)))


def license_of(name: str) -> str:
    """The license of an installed package as an SPDX expression; its own words where unknown.

    Empty for a package that is not installed here.
    """
    try:
        found: Any = metadata(name)
    except PackageNotFoundError:
        return ""
    if expression := found.get("License-Expression"):
        return str(expression)
    classifiers = [
        each.rpartition(" :: ")[2]
        for each in found.get_all("Classifier") or ()
        if each.startswith("License :: ") and not each.endswith("OSI Approved")
    ]
    words = (
        *classifiers,
        (found.get("License") or "").splitlines()[0:1] and found["License"].splitlines()[0],
    )
    given = next((word for word in words if word), "")
    return NAMED.get(given, given)


def alternatives(expression: str) -> list[set[str]]:
    """The licenses that have to be kept, for each way in which the expression allows one to choose."""
    plain = expression.replace("(", " ").replace(")", " ")
    return [set(re.split(r"\s+AND\s+", way.strip())) for way in re.split(r"\s+OR\s+", plain)]


def bill() -> dict[str, Any]:
    """The bill of materials, equal for equal locks."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(_NAMESPACE, LOCK.read_text())}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "name": project["name"],
                "version": project["version"],
                "bom-ref": project["name"],
            }
        },
        "components": [_component(each) for each in packages()],
        "dependencies": [
            {"ref": project["name"], "dependsOn": [_purl(each) for each in packages()]}
        ],
    }


def _component(package: Package) -> dict[str, Any]:
    licensed = license_of(package.name)
    return {
        "type": "library",
        "name": package.name,
        "version": package.version,
        "purl": _purl(package),
        "bom-ref": _purl(package),
        # Each file that may be installed has a hash; CycloneDX has no place for which is whose.
        "properties": [{"name": "lock:sha256", "value": each} for each in package.hashes],
        **({"licenses": [{"expression": licensed}]} if licensed else {}),
    }


def _purl(package: Package) -> str:
    return f"pkg:pypi/{package.name.lower()}@{package.version}"


if __name__ == "__main__":
    print(json.dumps(bill(), indent=2))  # noqa: T201  # the command's output
