"""The objects fit each other: what is named is there, and what selects finds."""

import pytest

from rendered import (
    OVERLAYS,
    containers,
    dev_secret,
    environment,
    labels,
    named,
    objects,
    of_kind,
    ours,
    pod,
    ports,
    selected,
    variables,
    workloads,
)

pytestmark = pytest.mark.parametrize("overlay", OVERLAYS)


def test_everything_is_in_the_namespace_that_is_made(overlay):
    [namespace] = of_kind(overlay, "Namespace")
    for thing in objects(overlay):
        if thing is not namespace:
            assert thing["metadata"]["namespace"] == namespace["metadata"]["name"], thing["metadata"]


def test_there_are_a_server_and_a_scheduler_with_what_belongs_to_them(overlay):
    programs = {(w["metadata"]["name"], c["name"]): c["args"] for w, c in ours(overlay)}
    assert programs == {
        ("muster-server", "migrate"): ["muster", "migrate"],
        ("muster-server", "server"): ["muster-server"],
        ("muster-scheduler", "migrate"): ["muster", "migrate"],
        ("muster-scheduler", "scheduler"): ["muster-scheduler"],
    }
    for workload in ("muster-server", "muster-scheduler"):
        [init] = pod(named(overlay, "Deployment", workload))["initContainers"]
        assert init["name"] == "migrate"
        assert named(overlay, "PodDisruptionBudget", workload)
    # One build of muster in all of them.
    assert len({c["image"] for _, c in ours(overlay)}) == 1


def test_workloads_select_their_own_pods_and_no_others(overlay):
    for workload in workloads(overlay):
        selector = workload["spec"]["selector"]["matchLabels"]
        assert selected(overlay, selector) == [workload], workload["metadata"]["name"]


def test_services_and_budgets_select_one_workload(overlay):
    services = of_kind(overlay, "Service")
    budgets = of_kind(overlay, "PodDisruptionBudget")
    assert services and budgets
    for thing in services:
        assert len(selected(overlay, thing["spec"]["selector"])) == 1, thing["metadata"]
    for thing in budgets:
        assert len(selected(overlay, thing["spec"]["selector"]["matchLabels"])) == 1, thing["metadata"]


def test_a_service_sends_its_ports_to_container_ports_by_name(overlay):
    for service in of_kind(overlay, "Service"):
        [workload] = selected(overlay, service["spec"]["selector"])
        for port in service["spec"]["ports"]:
            assert ports(workload)[port["targetPort"]] == port["port"]


def test_a_named_container_port_is_one_that_the_program_is_told_to_listen_on(overlay):
    for _, container in ours(overlay):
        told = {
            int(value.rsplit(":", 1)[1])
            for name, value in environment(overlay, container).items()
            if name.endswith("_ADDR")
        }
        named_ports = {port["containerPort"] for port in container.get("ports", [])}
        if container["name"] != "migrate":
            assert named_ports and named_ports == told, container["name"]


def test_probes_ask_the_container_port_that_is_for_health(overlay):
    for workload, container in ours(overlay):
        if container["name"] == "migrate":
            continue
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["grpc"]["port"] == ports(workload)["health"]


def test_the_autoscaler_scales_something_that_requests_processor_time(overlay):
    for scaler in of_kind(overlay, "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        workload = named(overlay, target["kind"], target["name"])
        assert "replicas" not in workload["spec"]
        for container in pod(workload)["containers"]:
            assert "cpu" in container["resources"]["requests"]


def test_where_nothing_scales_the_number_of_pods_is_given(overlay):
    scaled = {s["spec"]["scaleTargetRef"]["name"] for s in of_kind(overlay, "HorizontalPodAutoscaler")}
    for workload in workloads(overlay):
        assert ("replicas" in workload["spec"]) != (workload["metadata"]["name"] in scaled)


def test_each_variable_is_one_that_the_program_knows(overlay):
    everyone = set().union(*(variables(*c["args"]) for _, c in ours(overlay)))
    for _, container in ours(overlay):
        known = variables(*container["args"])
        for variable in container["env"]:
            assert variable["name"] in known, (container["name"], variable["name"])
        # What all share, some have no use for. Others than muster's are heeded
        # by what it is made of.
        shared = environment(overlay, container).keys()
        assert {name for name in shared if name.startswith("MUSTER_")} <= everyone


def test_secret_keys_are_those_that_are_made(overlay):
    made = dev_secret()
    wanted = set()
    for workload in workloads(overlay):
        for container in containers(workload):
            for value in environment(overlay, container).values():
                if isinstance(value, dict):
                    wanted.add((value["secretKeyRef"]["name"], value["secretKeyRef"]["key"]))
        for volume in pod(workload).get("volumes", []):
            for item in volume.get("secret", {}).get("items", []):
                wanted.add((volume["secret"]["secretName"], item["key"]))
    assert {name for name, _ in wanted} == {made["metadata"]["name"]}
    keys = {key for _, key in wanted}
    in_cluster = {"postgres-password"} if overlay == "dev" else set()
    assert keys == {"database-url", "signing-key", "tokens.json"} | in_cluster
    assert keys <= made["stringData"].keys()


def test_volumes_are_there_and_mounted(overlay):
    claims = {claim["metadata"]["name"] for claim in of_kind(overlay, "PersistentVolumeClaim")}
    for workload in workloads(overlay):
        templates = workload["spec"].get("volumeClaimTemplates", [])
        volumes = {v["name"]: v for v in pod(workload).get("volumes", [])}
        for volume in volumes.values():
            claim = volume.get("persistentVolumeClaim")
            assert claim is None or claim["claimName"] in claims
        mounted = {m["name"] for c in containers(workload) for m in c.get("volumeMounts", [])}
        assert mounted == volumes.keys() | {t["metadata"]["name"] for t in templates}


def test_files_that_variables_name_are_mounted(overlay):
    for _, container in ours(overlay):
        mounts = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
        for name, value in environment(overlay, container).items():
            path = value.removeprefix("file://") if isinstance(value, str) else ""
            if path.startswith("/") and name in variables(*container["args"]):
                assert any(path == m or path.startswith(f"{m}/") for m in mounts), (name, value)


def test_server_and_scheduler_share_uploads(overlay):
    stores = {}
    for _, container in ours(overlay):
        if container["name"] != "migrate":
            store = environment(overlay, container)["MUSTER_OBJECT_STORE"]
            stores[container["name"]] = (store, store.startswith("file:"))
    assert len(set(stores.values())) == 1 and len(stores) == 2


def test_pods_of_one_name_carry_its_label(overlay):
    for workload in workloads(overlay):
        assert workload["metadata"]["labels"]["app.kubernetes.io/name"] == labels(workload)["app.kubernetes.io/name"]
