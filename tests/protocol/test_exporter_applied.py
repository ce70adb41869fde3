"""From the fields of a Kepler to an exporter: each function under its own ServiceAccount, against a real API server."""

from typing import Any

from local.kubectl import Kubectl
from local.local_errors import CommandFailed
from local.stack import Stack
from operands.children import CONFIG_HASH
from runtime.adoption import MANAGED_BY
from tests.workbench import Workbench, kepler


def collected_metric(name: str = "default", **sources: Any) -> dict[str, Any]:
    """A KeplerCollectedMetric with these sources."""
    manifest = kepler(name, sources=sources)
    return {**manifest, "kind": "KeplerCollectedMetric"}


def generation(workbench: Workbench) -> int:
    """Of the DaemonSet: one more for each rollout."""
    return int(workbench.get("daemonset/kepler-exporter")["metadata"]["generation"])


def data(workbench: Workbench) -> dict[str, str]:
    """The keys of `kepler-cfm`."""
    images: dict[str, str] = workbench.get("configmap/kepler-cfm")["data"]
    return images


def digest(workbench: Workbench) -> str:
    """The hash of the configuration that the pods were started with."""
    template = workbench.get("daemonset/kepler-exporter")["spec"]["template"]
    return str(template["metadata"]["annotations"][CONFIG_HASH])


def test_a_kepler_gets_its_exporter(workbench: Workbench) -> None:
    """The configuration, the account, the Service and the DaemonSet are there, and their conditions say so."""
    workbench.apply(kepler())
    workbench.settle()

    assert workbench.get("daemonset/kepler-exporter")["spec"]["template"]["spec"]["hostPID"] is True
    assert workbench.get("service/kepler-exporter")["spec"]["ports"][0]["port"] == 9102
    assert workbench.get("serviceaccount/kepler")
    assert data(workbench)["BIND_ADDRESS"] == ":9102"
    reported = workbench.conditions()
    assert reported["CollectedMetricReconciled"]["status"] == "True"
    assert reported["CollectorReconciled"]["status"] == "True"
    assert reported["Ready"]["reason"] == "RolloutInProgress"


def test_a_new_port_is_one_rollout(workbench: Workbench) -> None:
    """One edit moves the DaemonSet by one generation; Service and configuration follow."""
    workbench.apply(kepler())
    workbench.settle()

    workbench.patch("kepler/kepler", {"spec": {"collector": {"port": 9103}}})
    workbench.settle()

    assert generation(workbench) == 2
    assert workbench.get("service/kepler-exporter")["spec"]["ports"][0]["port"] == 9103
    ports = workbench.get("daemonset/kepler-exporter")["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert [port["containerPort"] for port in ports] == [9103]
    assert data(workbench)["BIND_ADDRESS"] == ":9103"


def test_a_key_the_user_added_survives_and_reaches_the_nodes(workbench: Workbench) -> None:
    """A key that nobody here owns is kept, and counts: the pods are rolled for it, once."""
    workbench.apply(kepler())
    workbench.settle()
    before = digest(workbench)

    workbench.patch("configmap/kepler-cfm", {"data": {"MAX_LOOKUP_RETRY": "100"}})
    workbench.settle()

    assert data(workbench)["MAX_LOOKUP_RETRY"] == "100"
    assert digest(workbench) != before
    assert generation(workbench) == 2


def test_a_key_that_was_taken_away_comes_back_without_a_rollout(workbench: Workbench) -> None:
    """Removed or changed, ours are mended by their owner; the exporter waits for that instead of restarting."""
    workbench.apply(kepler())
    workbench.settle()
    intended = data(workbench)

    workbench.patch("configmap/kepler-cfm", {"data": {"ENABLE_GPU": None, "EXPOSE_BPF_METRICS": "false"}})
    assert not workbench.resync("collector").reports
    workbench.settle()

    assert data(workbench) == intended
    assert generation(workbench) == 1


def test_what_somebody_has_put_back_is_taken_over(workbench: Workbench) -> None:
    """A label changed by hand and changed back has the value that it should, and another owner, who could leave."""
    workbench.apply(kepler())
    workbench.settle()
    label = next(iter(MANAGED_BY))
    for value in ("somebody", MANAGED_BY[label]):
        workbench.patch("configmap/kepler-cfm", {"metadata": {"labels": {label: value}}})
    workbench.settle()

    workbench.patch("kepler/kepler", {"spec": {"collector": {"port": 9104}}})
    workbench.settle()

    assert generation(workbench) == 2
    assert workbench.settle() == 0


def test_deleted_children_come_back(workbench: Workbench) -> None:
    """ConfigMap, Service, ServiceAccount and DaemonSet, all at once."""
    workbench.apply(kepler())
    workbench.settle()
    children = ("configmap/kepler-cfm", "service/kepler-exporter", "serviceaccount/kepler", "daemonset/kepler-exporter")
    before = {child: workbench.get(child)["metadata"]["uid"] for child in children}

    for child in children:
        workbench.delete(child)
    workbench.settle()

    after = {child: workbench.get(child)["metadata"]["uid"] for child in children}
    assert not set(before.values()) & set(after.values())


def test_removed_fields_are_really_removed(workbench: Workbench) -> None:
    """What the resource no longer says, the pods no longer have; what others added to the DaemonSet stays."""
    extras = {
        "env": [{"name": "ENABLE_MSR", "value": "true"}],
        "priority-class": "system-node-critical",
        "tolerations": [{"operator": "Exists"}],
        "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}},
    }
    workbench.apply(kepler(collector=extras))
    workbench.settle()
    workbench.patch("daemonset/kepler-exporter", {"metadata": {"annotations": {"theirs": "1"}}})

    workbench.patch("kepler/kepler", {"spec": {"collector": dict.fromkeys(extras)}})
    workbench.settle()

    manifest = workbench.get("daemonset/kepler-exporter")
    pod = manifest["spec"]["template"]["spec"]
    assert [entry["name"] for entry in pod["containers"][0]["env"]] == ["NODE_NAME", "NODE_IP"]
    assert "priorityClassName" not in pod
    assert "limits" not in pod["containers"][0]["resources"]
    assert len(pod["tolerations"]) == 2
    assert manifest["metadata"]["annotations"]["theirs"] == "1"


def test_parts_of_fields_are_really_removed(workbench: Workbench) -> None:
    """A label less to select nodes by, a toleration that becomes wider: maps and lists the server takes as a whole."""
    extras = {
        "node-selector": {"disk": "gold"},
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms("In", values=["a"])}},
    }
    workbench.apply(kepler(collector=extras))
    workbench.settle()

    workbench.apply(
        kepler(
            collector={
                "node-selector": {},
                "tolerations": [{"key": "gpu", "operator": "Exists"}],
                "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms("Exists")}},
            }
        )
    )
    workbench.settle()

    pod = workbench.get("daemonset/kepler-exporter")["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert pod["tolerations"] == [{"key": "gpu", "operator": "Exists"}]
    required = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required == terms("Exists")


def terms(operator: str, **more: Any) -> dict[str, Any]:
    """Node selector terms with one expression."""
    return {"nodeSelectorTerms": [{"matchExpressions": [{"key": "x", "operator": operator, **more}]}]}


def test_every_field_at_once_comes_to_rest(workbench: Workbench) -> None:
    """Nothing that the server adds to what we apply is taken for a difference, wherever the user's values end up."""
    references = [
        {"name": "ENABLE_MSR", "value": "true"},
        {"name": "CPU_ARCH_OVERRIDE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "MAX_LOOKUP_RETRY", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        {"name": "LIBVIRT_METADATA_TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}},
        {"name": "NVIDIA_HOSTENGINE_ENDPOINT", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
    ]
    weighted = {"weight": 1, "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}}}
    workbench.apply(
        kepler(
            collector={
                "env": references,
                "node-selector": {"disk": "gold"},
                "tolerations": [
                    {"key": "gpu", "value": "1"},
                    {"operator": "Exists", "tolerationSeconds": 5, "effect": "NoExecute"},
                ],
                "resources": {"requests": {"cpu": "0.1", "memory": "100e6"}, "limits": {"cpu": 1, "memory": "1Gi"}},
                "affinity": {
                    "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms("In", values=["a"])},
                    "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [weighted]},
                },
                "update-strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}},
                "image-pull-secrets": [{"name": "s"}],
                "priority-class": "high",
                "log-level": 5,
                "sample-period": "1m",
            }
        )
    )
    workbench.settle()
    assert workbench.conditions()["CollectorReconciled"]["status"] == "True"
    assert workbench.settle() == 0


def test_quantities_in_any_notation_come_to_rest(workbench: Workbench) -> None:
    """The API server rewrites '0.5' to '500m'; that is no difference."""
    workbench.apply(kepler(collector={"resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}}}))
    workbench.settle()
    assert workbench.settle() == 0


def test_an_amount_that_yaml_takes_for_a_number_reaches_the_pods_and_comes_to_rest(workbench: Workbench) -> None:
    """`cpu: 0.1` is no binary number, and is still a tenth of a core: for the exporter, the server and its claim."""
    amounts = {"limits": {"cpu": 0.5}, "requests": {"cpu": 0.1, "memory": 1}}
    claim = {"type": "claim", "claim": {"size": 5e9}}
    server = {"enabled": True, "resources": amounts, "storage": claim}
    workbench.apply(kepler(collector={"resources": amounts}, model_server=server))
    workbench.settle()
    for workload in ("daemonset/kepler-exporter", "deployment/kepler-model-server"):
        [container] = workbench.get(workload)["spec"]["template"]["spec"]["containers"]
        assert container["resources"] == {"limits": {"cpu": "500m"}, "requests": {"cpu": "100m", "memory": "1"}}
    manifest = workbench.get("persistentvolumeclaim/kepler-model-server-pvc")
    assert manifest["spec"]["resources"]["requests"]["storage"] in ("5G", "5000000000")
    assert workbench.settle() == 0


def test_the_source_switches_follow_their_resource(workbench: Workbench) -> None:
    """An edit of the KeplerCollectedMetric reaches the configuration and is one rollout."""
    workbench.apply(collected_metric(), kepler(collected_metric="default"))
    workbench.settle()
    assert data(workbench)["EXPOSE_HW_COUNTER_METRICS"] == "true"

    workbench.patch("kcm/default", {"spec": {"sources": {"counter": {"enabled": False}}}})
    workbench.settle()

    assert data(workbench)["EXPOSE_HW_COUNTER_METRICS"] == "false"
    assert data(workbench)["SOURCE.COUNTER"] == "disabled"
    assert generation(workbench) == 2


def test_the_account_gives_its_token_to_nobody_unasked(workbench: Workbench) -> None:
    """Not to a pod that somebody starts with it; what the API server fills into the token's volume is no difference."""
    workbench.apply(kepler(estimator_sidecar={"enabled": True}))
    workbench.settle()
    assert workbench.get("serviceaccount/kepler")["automountServiceAccountToken"] is False
    assert workbench.get("daemonset/kepler-exporter")["spec"]["template"]["spec"]["volumes"][-3]["projected"]["sources"]
    assert workbench.settle() == 0


def test_what_an_exporters_token_may_do(control_plane: Stack, workbench: Workbench) -> None:
    """Pods, read everywhere; of a node its address, and its kubelet's pods; and nothing else."""
    workbench.apply(kepler())
    workbench.settle()
    kubeconfig = control_plane.kubeconfig_for(workbench.namespace, "kepler")
    kubectl = Kubectl(control_plane.layout.program("kubectl"), kubeconfig, control_plane.layout.state / "exporter")

    def may(verb: str, resource: str, subresource: str = "") -> bool:
        asked = ("auth", "can-i", verb, resource, "-A", f"--subresource={subresource}")
        try:
            return kubectl(*asked).strip().endswith("yes")
        except CommandFailed:
            return False

    assert [may(verb, "pods") for verb in ("list", "watch", "get", "create", "delete")] == [*[True] * 3, False, False]
    assert may("get", "nodes", "pods")
    assert [may(verb, "nodes") for verb in ("get", "list", "watch", "create")] == [True, False, False, False]
    for subresource in ("proxy", "metrics", "stats", "log"):
        assert not any(may(verb, "nodes", subresource) for verb in ("get", "list", "watch", "create"))
    assert not any(may(verb, "secrets") for verb in ("get", "list", "watch"))
    assert not may("create", "pods", "exec")


def test_a_value_may_have_any_character(workbench: Workbench) -> None:
    """An apply is YAML to the API server, which refuses JSON's pairs of surrogates. Measured before: `Invalid`."""
    value = "🚫 \\ud83d\\udeab \\🚫 é\x7f\x85\u2028"
    workbench.apply(kepler(collector={"env": [{"name": "ENABLE_MSR", "value": value}]}))
    workbench.settle()
    container = workbench.get("daemonset/kepler-exporter")["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "ENABLE_MSR", "value": value} in container["env"]
