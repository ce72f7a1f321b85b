"""The overlays as kustomize built them, and how to look into them."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
RENDERED = Path(os.environ["MUSTER_RENDERED"])
OVERLAYS = sorted(path.stem for path in RENDERED.glob("*.yaml"))
WORKLOADS = {"Deployment", "StatefulSet"}


@cache
def objects(overlay):
    return list(yaml.safe_load_all((RENDERED / f"{overlay}.yaml").read_text()))


def of_kind(overlay, *kinds):
    return [thing for thing in objects(overlay) if thing["kind"] in kinds]


def named(overlay, kind, name):
    [thing] = [thing for thing in of_kind(overlay, kind) if thing["metadata"]["name"] == name]
    return thing


def workloads(overlay):
    return of_kind(overlay, *WORKLOADS)


def pod(workload):
    return workload["spec"]["template"]["spec"]


def containers(workload):
    spec = pod(workload)
    return spec.get("initContainers", []) + spec["containers"]


def labels(workload):
    return workload["spec"]["template"]["metadata"]["labels"]


def selected(overlay, match_labels):
    """The workloads whose pods carry all of these labels."""
    return [w for w in workloads(overlay) if match_labels.items() <= labels(w).items()]


def ports(workload):
    """Container ports by name."""
    return {p["name"]: p["containerPort"] for c in containers(workload) for p in c.get("ports", [])}


def is_ours(container):
    return container.get("args", [""])[0].startswith("muster")


def ours(overlay):
    """Each container that runs one of muster's programs, with its workload."""
    return [(w, c) for w in workloads(overlay) for c in containers(w) if is_ours(c)]


def environment(overlay, container):
    """A container's variables; one from a Secret has its reference for a value."""
    found = {}
    for source in container.get("envFrom", []):
        found |= named(overlay, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in container.get("env", []):
        value = variable.get("value")
        found[variable["name"]] = value if value is not None else variable["valueFrom"]
    return found


@cache
def variables(*command):
    """The variables that a program knows, by its help."""
    program = Path(os.environ["MUSTER_PROGRAMS"]) / command[0]
    text = subprocess.run(
        [program, *command[1:], "--help"], check=True, capture_output=True, text=True
    ).stdout
    return set(re.findall(r"\[env: (MUSTER_\w+)", text))


@cache
def dev_secret():
    """What make-dev-secret makes."""
    client = RENDERED / "client.env"
    client.unlink(missing_ok=True)
    text = subprocess.run(
        [ROOT / "deploy/kubernetes/make-dev-secret"],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"MUSTER_CLIENT_ENV": str(client)},
    ).stdout
    return yaml.safe_load(text)


def seconds(duration):
    [(number, unit)] = re.findall(r"^(\d+)(s|m|h)$", duration)
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]
