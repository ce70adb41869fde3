package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sustainable-computing-io/kepler/pkg/cgroup"
	"github.com/sustainable-computing-io/kepler/pkg/config"
	"github.com/sustainable-computing-io/kepler/pkg/utils"

	"k8s.io/klog/v2"
)

// A container has a root directory, an address and a control group of its own. Where the exporter runs as a plain
// process, these variables of its environment replace them; all are unset in a container.
const (
	// The directory where `/etc/kepler/kepler.config` and `/var/lib/kepler/data` lie.
	rootVariable = "KEPLER_ROOT"
	// The address to listen on where the configuration names none or all: several exporters share this machine's ports.
	hostVariable = "KEPLER_LISTEN_HOST"
	// A file with a line `SESSION CONTAINER-ID` for each container of the node: a session is what a process inherits.
	containersVariable = "KEPLER_CONTAINERS"
	kubeconfigVariable = "KUBECONFIG"

	// Constants of Kepler's (pkg/config/types.go and GetDefaultPowerModelURL in pkg/config/config.go).
	configDir  = "etc/kepler/kepler.config"
	weightsDir = "var/lib/kepler/data/model_weight"
)

// readRoot makes Kepler read its configuration and its weights below a root directory. Kepler's paths are constants,
// but the environment wins over a file (getConfig in pkg/config/config.go), and a URL over the weights of the image.
func readRoot(root string) {
	if root == "" {
		return
	}
	files, err := os.ReadDir(filepath.Join(root, configDir))
	if err != nil {
		klog.Warningf("no configuration: %v", err)
	}
	for _, file := range files {
		value, err := os.ReadFile(filepath.Join(root, configDir, file.Name()))
		if _, set := os.LookupEnv(file.Name()); err == nil && !set {
			_ = os.Setenv(file.Name(), strings.TrimSpace(string(value)))
		}
	}
	http.DefaultTransport.(*http.Transport).RegisterProtocol("file", http.NewFileTransport(http.Dir("/")))
	useWeights(filepath.Join(root, weightsDir))
}

// useWeights gives the models of a node the weights that Kepler loads from its image if the configuration has no URL
// (pkg/model/node_platform_energy.go, node_component_energy.go).
func useWeights(directory string) {
	files := map[string]string{
		config.NodePlatformPowerKey():   "acpi_AbsPowerModel.json",
		config.NodeComponentsPowerKey(): "intel_rapl_AbsPowerModel.json",
	}
	models := config.GetConfig().Model.ModelConfigValues
	for power, file := range files {
		if url := power + "_" + config.InitModelURLKey; models[url] == "" {
			models[url] = "file://" + filepath.Join(directory, file)
		}
	}
}

// listenAddress returns an address with `host` in it, unless it names a host already.
func listenAddress(address, host string) string {
	named, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || (named != "" && !net.ParseIP(named).IsUnspecified()) {
		return address
	}
	return net.JoinHostPort(host, port)
}

// containersOfSessions reads the table of containers; it is replaced whole, so a process that is not in it is no pod's.
func containersOfSessions(table string) map[uint64]string {
	containers := map[uint64]string{}
	content, _ := os.ReadFile(table)
	for _, line := range strings.Split(string(content), "\n") {
		session, container, found := strings.Cut(line, " ")
		if number, err := strconv.ParseUint(session, 10, 64); found && err == nil {
			containers[number] = container
		}
	}
	return containers
}

// assign tells Kepler the container of a process, and returns what is its control group's id to Kepler. Kepler looks a
// container up by that id or by the pid (GetContainerInfo in pkg/cgroup/resolve_container.go).
func assign(pid, session uint64, containers map[uint64]string) uint64 {
	container, found := containers[session]
	if !found {
		container = utils.SystemProcessName
	}
	group := session + notKernel
	if config.EnabledEBPFCgroupID() {
		cgroup.AddContainerIDToCache(group, container)
	} else {
		cgroup.AddContainerIDToCache(pid, container)
	}
	return group
}
