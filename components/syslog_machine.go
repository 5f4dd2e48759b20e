package components

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// What is where on a collector.
const (
	collectorPort      = 5140
	collectorBuffer    = "/var/spool/log-archive"
	collectorConfig    = "/etc/log-archive"
	collectorDisk      = "/dev/sdb"
	collectorLineKiB   = 256
	collectorChunks    = 256
	collectorHookName  = "drain"
	collectorHeartbeat = 900
	// collectorPause is how long connections live on when an instance is taken out of the load balancer.
	collectorPause = 60
)

// FluentBitPackage is where a collector's Fluent Bit comes from. Amazon Linux 2023 has none of its own
// (https://docs.aws.amazon.com/linux/al2023/release-notes/all-packages.html).
type FluentBitPackage struct {
	// Repository is the base URL of a repository of RPM packages, such as Fluent Bit's own or a copy of it, and Key the URL of
	// the key that its packages are signed with.
	Repository, Key string
	// Version is the package's, such as 4.0.3; empty means the newest.
	Version string
}

// fluentBit is the collector's configuration.
func (args *SyslogCollectorArgs) fluentBit() *FluentBit {
	return &FluentBit{
		Place: args.Place, StreamName: args.streamName(), Port: collectorPort,
		CertificateFile: collectorConfig + "/server.crt", PrivateFile: collectorConfig + "/server.key",
		BufferDirectory: collectorBuffer, BufferChunks: collectorChunks, LineKiB: collectorLineKiB,
	}
}

// userData is the cloud-config of a collector, as JSON, which is YAML. See https://cloudinit.readthedocs.io/en/latest/reference/modules.html
func (args *SyslogCollectorArgs) userData() string {
	type object = map[string]any
	file := func(path, mode, content string) object {
		return object{"path": path, "permissions": mode, "content": content}
	}
	config := object{
		// A disk that was written to already, by an instance that stopped, keeps what it has.
		"fs_setup": []object{{"device": collectorDisk, "filesystem": "xfs", "label": "buffer", "overwrite": false}},
		"mounts":   [][]string{{collectorDisk, collectorBuffer, "xfs", "defaults,noatime", "0", "2"}},
		"write_files": []object{
			file(collectorConfig+"/fluent-bit.conf", "0644", args.fluentBit().Conf()),
			file("/etc/systemd/system/log-archive-syslog.service", "0644", syslogUnit),
			file("/usr/local/bin/log-archive-drain", "0755", args.drainScript()),
			file("/etc/systemd/system/log-archive-drain.service", "0644", drainUnit),
		},
		"runcmd": [][]string{
			// The load balancer encrypts what it sends on, and checks no names.
			{"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=collector", "-keyout", collectorConfig + "/server.key", "-out", collectorConfig + "/server.crt"},
			{"systemctl", "daemon-reload"},
			{"systemctl", "enable", "--now", "log-archive-syslog.service", "log-archive-drain.service"},
		},
	}
	if p := args.Package; p != nil {
		name := "fluent-bit"
		if p.Version != "" {
			name += "-" + p.Version
		}
		config["yum_repos"] = object{"fluent-bit": object{"name": "Fluent Bit", "baseurl": p.Repository, "gpgcheck": true, "gpgkey": p.Key, "enabled": true}}
		config["packages"] = []string{name}
	}
	text, err := json.MarshalIndent(config, "", " ")
	if err != nil {
		panic(err) // strings can be marshalled
	}
	return base64.StdEncoding.EncodeToString([]byte("#cloud-config\n" + string(text) + "\n"))
}

// syslogUnit starts Fluent Bit when the buffer's disk is there, and never without it.
var syslogUnit = strings.Join([]string{
	"[Unit]",
	"Description=Takes syslog for the log archive",
	"Wants=network-online.target",
	"After=network-online.target",
	"RequiresMountsFor=" + collectorBuffer,
	"",
	"[Service]",
	"ExecStart=/opt/fluent-bit/bin/fluent-bit -c " + collectorConfig + "/fluent-bit.conf",
	"Restart=always",
	"RestartSec=2",
	"TimeoutStopSec=60",
	"LimitNOFILE=65536",
	"",
	"[Install]",
	"WantedBy=multi-user.target",
	"",
}, "\n")

var drainUnit = strings.Join([]string{
	"[Unit]",
	"Description=Lets the buffer run empty before the instance ends",
	"After=log-archive-syslog.service",
	"",
	"[Service]",
	"ExecStart=/usr/local/bin/log-archive-drain",
	"Restart=on-failure",
	"RestartSec=10",
	"",
	"[Install]",
	"WantedBy=multi-user.target",
	"",
}, "\n")

// drainScript waits until Auto Scaling wants to end the instance, which by then is out of the load balancer, and holds that back
// until nothing is left in the buffer. See
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/retrieving-target-lifecycle-state-through-imds.html
func (args *SyslogCollectorArgs) drainScript() string {
	return fmt.Sprintf(`#!/bin/bash
set -u
base=http://169.254.169.254/latest
metadata() {
  local token
  token=$(curl -sf -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' $base/api/token) || return 1
  curl -sf -m 5 -H "X-aws-ec2-metadata-token: $token" "$base/meta-data/$1"
}
until [ "$(metadata autoscaling/target-lifecycle-state)" = Terminated ]; do sleep 10; done
until id=$(metadata instance-id); do sleep 5; done
hook() {
  aws autoscaling "$1" --region %s --auto-scaling-group-name %s --lifecycle-hook-name %s --instance-id "$id" "${@:2}"
}
hook record-lifecycle-action-heartbeat
sleep %d
while [ -n "$(find %s -type f -name '*.flb' -print -quit)" ]; do
  hook record-lifecycle-action-heartbeat
  sleep 30
done
hook complete-lifecycle-action --lifecycle-action-result CONTINUE
`, args.Place.Region, args.Name, collectorHookName, 2*collectorPause, collectorBuffer)
}
