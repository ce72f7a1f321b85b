"""What the pods may, what they may reach, and how they end."""

import pytest
from urllib.parse import urlsplit

import yaml

from rendered import (
    OVERLAYS,
    ROOT,
    containers,
    dev_secret,
    environment,
    named,
    of_kind,
    ours,
    pod,
    ports,
    seconds,
    selected,
    workloads,
)

pytestmark = pytest.mark.parametrize("overlay", OVERLAYS)
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def test_pods_keep_to_the_restricted_profile(overlay):
    [namespace] = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for workload in workloads(overlay):
        spec = pod(workload)
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True and context["runAsUser"] > 0
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for volume in spec.get("volumes", []):
            assert volume.keys() - {"name"} <= {"secret", "persistentVolumeClaim", "emptyDir", "configMap"}
        for container in containers(workload):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_pods_have_no_token_and_no_variables_of_services(overlay):
    for workload in workloads(overlay):
        assert pod(workload)["automountServiceAccountToken"] is False
        assert pod(workload)["enableServiceLinks"] is False
    account = named(overlay, "ServiceAccount", "muster")
    assert account["automountServiceAccountToken"] is False
    for workload, _ in ours(overlay):
        assert pod(workload)["serviceAccountName"] == "muster"


def test_every_container_requests_and_limits_its_memory(overlay):
    for workload in workloads(overlay):
        for container in containers(workload):
            resources = container["resources"]
            assert {"cpu", "memory"} <= resources["requests"].keys()
            assert "memory" in resources["limits"]


def test_there_is_time_to_drain(overlay):
    for workload, container in ours(overlay):
        if container["name"] == "migrate":
            continue
        drain = seconds(environment(overlay, container)["MUSTER_DRAIN_TIMEOUT"])
        before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        # What is taken off must not be more than what is given.
        assert pod(workload)["terminationGracePeriodSeconds"] > before + drain
        # Were liveness asked meanwhile, the drain would end first.
        liveness = container["livenessProbe"]
        assert liveness["periodSeconds"] * liveness["failureThreshold"] > drain


def test_a_server_is_taken_off_before_it_closes_its_port(overlay):
    server = pod(named(overlay, "Deployment", "muster-server"))["containers"][0]
    assert server["lifecycle"]["preStop"]["sleep"]["seconds"] > 0


def test_an_overlay_leaves_probes_as_they_are_tried_against_the_programs(overlay):
    for workload, container in ours(overlay):
        if container["name"] == "migrate":
            continue
        base = ROOT / f"deploy/kubernetes/base/{container['name']}.yaml"
        [tried] = [o for o in yaml.safe_load_all(base.read_text()) if o["kind"] == "Deployment"]
        [tried] = tried["spec"]["template"]["spec"]["containers"]
        for key in (*PROBES, "args"):
            assert container[key] == tried[key]
        assert all(port in container["ports"] for port in tried["ports"])
        addresses = {v["name"]: v["value"] for v in tried["env"] if v["name"].endswith("_ADDR")}
        assert addresses.items() <= environment(overlay, container).items()


def rules(overlay, workload, way):
    """The rules of all policies that hold for a workload, one way."""
    found = []
    held = False
    for policy in of_kind(overlay, "NetworkPolicy"):
        spec = policy["spec"]
        if workload in selected(overlay, spec["podSelector"]["matchLabels"]):
            held |= way.capitalize() in spec["policyTypes"]
            found += spec.get(way, [])
    assert held, f"{workload['metadata']['name']} is open, {way}"
    return found


def lets(rule, port, protocol="TCP"):
    return any(p["port"] == port and p["protocol"] == protocol for p in rule["ports"])


def test_policies_hold_for_all_pods_and_name_ports_that_they_have(overlay):
    for workload in workloads(overlay):
        for way in ("ingress", "egress"):
            rules(overlay, workload, way)
    for policy in of_kind(overlay, "NetworkPolicy"):
        held = selected(overlay, policy["spec"]["podSelector"]["matchLabels"])
        assert held, policy["metadata"]["name"]
        for rule in policy["spec"].get("ingress", []):
            for port in rule["ports"]:
                assert all(port["port"] in ports(workload) for workload in held)
            for peer in rule["from"]:
                if "namespaceSelector" not in peer:
                    assert selected(overlay, peer["podSelector"]["matchLabels"])


def test_muster_reaches_names_and_the_database_and_callers_reach_the_server(overlay):
    database = urlsplit(dev_secret()["stringData"]["database-url"]).port
    for workload, container in ours(overlay):
        out = rules(overlay, workload, "egress")
        # A folder is mounted by the node.
        if not environment(overlay, container)["MUSTER_OBJECT_STORE"].startswith("file:"):
            assert any(lets(rule, 443) for rule in out)
        for protocol in ("UDP", "TCP"):
            [names] = [rule for rule in out if lets(rule, 53, protocol)]
            [peer] = names["to"]
            assert peer["podSelector"]["matchLabels"] == {"k8s-app": "kube-dns"}
        assert any(lets(rule, database) for rule in out)
    server = named(overlay, "Deployment", "muster-server")
    come_in = [rule for rule in rules(overlay, server, "ingress") if lets(rule, "grpc")]
    assert [{p["port"] for p in rule["ports"]} for rule in come_in] == [{"grpc", "http"}]
    # Health is asked by the node alone.
    for workload, _ in ours(overlay):
        assert not any(lets(rule, "health") for rule in rules(overlay, workload, "ingress"))


def test_a_database_in_the_cluster_is_where_the_secret_says_and_lets_muster_in(overlay):
    inside = [w for w in workloads(overlay) if w["kind"] == "StatefulSet"]
    assert len(inside) == (1 if overlay == "dev" else 0)
    for workload in inside:
        url = urlsplit(dev_secret()["stringData"]["database-url"])
        service = named(overlay, "Service", url.hostname)
        assert selected(overlay, service["spec"]["selector"]) == [workload]
        assert url.port in [port["port"] for port in service["spec"]["ports"]]
        assert workload["spec"]["serviceName"] == url.hostname
        [rule] = rules(overlay, workload, "ingress")
        [peer] = rule["from"]
        let_in = selected(overlay, peer["podSelector"]["matchLabels"])
        assert all(w in let_in for w, _ in ours(overlay))
        made = environment(overlay, pod(workload)["containers"][0])
        assert (made["POSTGRES_USER"], f"/{made['POSTGRES_DB']}") == (url.username, url.path)
        assert url.password == dev_secret()["stringData"]["postgres-password"]
