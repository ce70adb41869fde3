// Kepler's exporter without eBPF: the program of cmd/exporter/exporter.go (v0.7.12) over the same packages, with flags,
// configuration, power sources, pod watch, metrics and paths as they are; only CPU times come from /proc (procfs.go).
// rootless.go is for where it runs without a container.
package main

import (
	"context"
	"errors"
	"flag"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sustainable-computing-io/kepler/pkg/config"
	"github.com/sustainable-computing-io/kepler/pkg/manager"
	"github.com/sustainable-computing-io/kepler/pkg/sensors/accelerator"
	"github.com/sustainable-computing-io/kepler/pkg/sensors/components"
	"github.com/sustainable-computing-io/kepler/pkg/sensors/platform"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"k8s.io/klog/v2"
)

const grace = 5 * time.Second

func main() {
	klog.InitFlags(nil)
	address := flag.String("address", "0.0.0.0:8888", "bind address")
	metricsPath := flag.String("metrics-path", "/metrics", "metrics path")
	gpu := flag.Bool("enable-gpu", false, "whether enable gpu")
	cgroupID := flag.Bool("enable-cgroup-id", true, "whether enable eBPF to collect cgroup id")
	counters := flag.Bool("expose-hardware-counter-metrics", true, "whether expose hardware counters")
	msr := flag.Bool("enable-msr", false, "whether MSR is allowed to obtain energy data")
	kubeconfig := flag.String("kubeconfig", os.Getenv(kubeconfigVariable), "absolute path to the kubeconfig file, empty: in-cluster")
	apiServer := flag.Bool("apiserver", true, "if disabled, pods are asked of the kubelet")
	redfish := flag.String("redfish-cred-file-path", "", "path to the redfish credential file")
	idle := flag.Bool("expose-estimated-idle-power", false, "whether to expose estimated idle power")
	machineSpec := flag.String("machine-spec", "", "path to the machine spec file")
	noMeter := flag.Bool("disable-power-meter", false, "whether to use the estimator for node powers")
	flag.Parse()

	readRoot(os.Getenv(rootVariable))
	config.GetConfig()
	platform.SetIsSystemCollectionSupported(!*noMeter)
	components.SetIsSystemCollectionSupported(!*noMeter)
	config.SetEnabledEBPFCgroupID(*cgroupID)
	config.SetEnabledHardwareCounterMetrics(*counters)
	config.SetEnabledGPU(*gpu)
	config.SetEnabledMSR(*msr)
	config.SetEnabledIdlePower(*idle || components.IsSystemCollectionSupported())
	config.SetKubeConfig(*kubeconfig)
	config.SetEnableAPIServer(*apiServer)
	if *redfish != "" {
		config.SetRedfishCredFilePath(*redfish)
	}
	if *machineSpec != "" {
		config.SetMachineSpecFilePath(*machineSpec)
	}
	config.LogConfigs()

	components.InitPowerImpl()
	defer components.StopPower()
	platform.InitPowerImpl()
	defer platform.StopPower()
	if config.EnabledGPU() {
		if found, err := accelerator.New(accelerator.GPU, true); err == nil {
			accelerator.GetRegistry().MustRegister(found)
		} else {
			klog.Errorf("failed to init GPU accelerators: %v", err)
		}
		defer accelerator.Shutdown()
	}
	serve(listenAddress(config.GetBindAddress(*address), os.Getenv(hostVariable)), config.GetMetricPath(*metricsPath))
}

func serve(address, metricsPath string) {
	collected := manager.New(newProcExporter(os.Getenv(containersVariable)))
	defer collected.Stop()
	if err := collected.Start(); err != nil {
		klog.Infof("failed to start : %v", err)
	}
	registry := collected.PrometheusCollector.RegisterMetrics()
	paths := http.ServeMux{}
	paths.Handle(metricsPath, promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	paths.HandleFunc("/healthz", func(answer http.ResponseWriter, _ *http.Request) {
		_, _ = answer.Write([]byte("ok"))
	})
	server := &http.Server{Addr: address, Handler: &paths}
	failed := make(chan error, 1)
	go func() {
		if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	klog.Infof("listening on %s", address)
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	select {
	case err := <-failed:
		klog.Fatalf("failed to listen and serve: %v", err)
	case <-ended:
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		_ = server.Shutdown(ctx)
		// As upstream ends: without the deferred calls, which would wait for seconds.
		klog.FlushAndExit(klog.ExitFlushTimeout, 0)
	}
}
