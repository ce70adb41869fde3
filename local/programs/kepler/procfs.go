package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sustainable-computing-io/kepler/pkg/bpf"
	"github.com/sustainable-computing-io/kepler/pkg/config"

	"k8s.io/apimachinery/pkg/util/sets"
)

const (
	procPath = "/proc"
	// Microseconds of one tick of the times in /proc/PID/stat: USER_HZ is 100 on all of Linux.
	tick = 10_000
	// The cgroup id 1 means a kernel process to Kepler.
	notKernel = 2
)

// process is one process at one moment: start is by which a pid that was given again is told apart.
type process struct {
	comm    string
	session uint64
	ticks   uint64
	start   uint64
}

// procExporter is Kepler's eBPF exporter with CPU times from /proc: no kernel needs to load a program.
type procExporter struct {
	last map[uint64]process
	// A file that tells which container a session is; empty: Kepler asks the control groups.
	containers string
}

func newProcExporter(containers string) bpf.Exporter {
	exporter := &procExporter{last: map[uint64]process{}, containers: containers}
	// What processes used before the exporter's start is not of its first period.
	_, _ = exporter.CollectProcesses()
	return exporter
}

// SupportedMetrics returns what the eBPF program of a node with hardware counters supports under this configuration
// (attach in pkg/bpf/exporter.go). What /proc does not tell, all but CPU time, is counted as 0.
func (e *procExporter) SupportedMetrics() bpf.SupportedMetrics {
	supported := bpf.DefaultSupportedMetrics()
	if !config.ExposeHardwareCounterMetrics() {
		supported.HardwareCounters = sets.New[string]()
	}
	return supported
}

func (e *procExporter) Detach() {}

// CollectProcesses returns what each process has used since the last call, like the tables of the eBPF program.
func (e *procExporter) CollectProcesses() ([]bpf.ProcessMetrics, error) {
	stats, err := filepath.Glob(filepath.Join(procPath, "[0-9]*", "stat"))
	if err != nil {
		return nil, err
	}
	sessions := containersOfSessions(e.containers)
	now := map[uint64]process{}
	metrics := make([]bpf.ProcessMetrics, 0, len(stats))
	for _, stat := range stats {
		pid, found, err := read(stat)
		if err != nil {
			continue // it has ended
		}
		now[pid] = found
		used := found.ticks
		if before, known := e.last[pid]; known && before.start == found.start {
			used -= before.ticks
		}
		metric := bpf.ProcessMetrics{CgroupId: notKernel, Pid: pid, ProcessRunTime: used * tick}
		if e.containers != "" {
			metric.CgroupId = assign(pid, found.session, sessions)
		}
		for index := 0; index < len(found.comm) && index < len(metric.Comm)-1; index++ {
			metric.Comm[index] = int8(found.comm[index])
		}
		metrics = append(metrics, metric)
	}
	e.last = now
	return metrics, nil
}

// read parses /proc/PID/stat, see proc_pid_stat(5): pid, comm in brackets, session is field 6, utime 14, stime 15,
// starttime 22.
func read(stat string) (uint64, process, error) {
	content, err := os.ReadFile(stat)
	if err != nil {
		return 0, process{}, err
	}
	open, end := bytes.IndexByte(content, '('), bytes.LastIndexByte(content, ')')
	if open < 0 || end < open {
		return 0, process{}, fmt.Errorf("%s has no command", stat)
	}
	pid, err := strconv.ParseUint(strings.TrimSpace(string(content[:open])), 10, 64)
	if err != nil {
		return 0, process{}, err
	}
	fields := strings.Fields(string(content[end+1:]))
	if len(fields) < 20 {
		return 0, process{}, fmt.Errorf("%s has %d fields", stat, len(fields))
	}
	numbers := make([]uint64, 4)
	for index, field := range []string{fields[3], fields[11], fields[12], fields[19]} {
		if numbers[index], err = strconv.ParseUint(field, 10, 64); err != nil {
			return 0, process{}, err
		}
	}
	return pid, process{string(content[open+1 : end]), numbers[0], numbers[1] + numbers[2], numbers[3]}, nil
}
