package catalog

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
)

var (
	balancerARN = home.ARN(partition.ELB, "loadbalancer/net/syslog/0123456789abcdef").String()
	targetsARN  = home.ARN(partition.ELB, "targetgroup/syslog/0123456789abcdef").String()
	certificate = home.ARN(partition.ACM, "certificate/1").String()
)

const fluentConf = "# comment\n[INPUT]\n    Name tcp\n    Port 5140\n\n[OUTPUT]\n    name kinesis_firehose\n\tregion cn-north-1\n    delivery_stream   lines\n"

func userData(conf string) string {
	quoted := strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(conf)
	return base64.StdEncoding.EncodeToString([]byte("#cloud-config\n" + `{"write_files":[{"path":"/etc/x/fluent-bit.conf","content":"` + quoted + `"}]}`))
}

func TestCollectors(t *testing.T) {
	t.Parallel()
	check(t, LoadBalancer, []change{
		{"name", "-syslog", "", "ValidationError", "no hyphen"},
		{"name", long(33), "", "ValidationError", "32"},
		{"loadBalancerType", "classic", "", "ValidationError", "network"},
		{"subnets", nil, "", "ValidationError", "At least one subnet"},
	})
	check(t, TargetGroup, []change{
		{"protocol", "SYSLOG", "", "ValidationError", "TLS"},
		{"port", 0, "", "ValidationError", "65535"},
		{"healthCheck.interval", 4, "", "ValidationError", "between 5"},
	})
	check(t, Listener, []change{
		{"certificateArn", nil, "", "CertificateNotFound", "must be specified"},
		{"protocol", "TCP", "certificateArn", "ValidationError", "only for HTTPS and TLS"},
		{"certificateArn", elsewhere(certificate), "", "ValidationError", "partition"},
	})
	check(t, LaunchTemplate, []change{
		{"userData", "#cloud-config", "", "InvalidUserData.Malformed", "BASE64"},
		{"userData", base64.StdEncoding.EncodeToString([]byte(long(16*1024 + 1))), "", "InvalidParameterValue", "16384"},
		{"metadataOptions.httpTokens", "always", "", "InvalidParameterValue", "required"},
		{"metadataOptions.httpPutResponseHopLimit", 65, "", "InvalidParameterValue", "64"},
	})
	check(t, SecurityGroup, []change{{"name", "sg-mine", "", "InvalidParameterValue", "sg-*"}})
	check(t, SecurityIngress, []change{
		{"cidrIpv4", "10.0.0.1/16", "", "InvalidParameterValue", "not a valid CIDR"},
		{"referencedSecurityGroupId", "sg-01234567", "-", CheckFailure, "exactly one"},
		{"fromPort", 70000, "", "InvalidParameterValue", "65535"},
	})
	check(t, AutoScalingGroup, []change{
		{"maxSize", 1, "", "ValidationError", "Max bound, 1"},
		{"launchTemplate", nil, "", "ValidationError", "exactly one"},
		{"healthCheckType", "NLB", "", "ValidationError", "ELB"},
		{"initialLifecycleHooks[0].heartbeatTimeout", 10, "", "ValidationError", "between 30"},
	})
	check(t, ScalingPolicy, []change{{"policyType", "Tracking", "", "ValidationError", "TargetTrackingScaling"}})
}

func TestFluentBitOf(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		userData(fluentConf): "5140 cn-north-1/lines",
		userData(strings.Replace(fluentConf, "kinesis_firehose", "s3", 1)): "",
		userData(""): "",
		"%":          "",
		base64.StdEncoding.EncodeToString([]byte("#!/bin/sh")):        "",
		base64.StdEncoding.EncodeToString([]byte("#cloud-config\na")): "",
	} {
		f, ok := FluentBitOf(properties(m{"userData": data}))
		if got := strings.TrimSpace(strings.Join(f.Ports, " ") + " " + strings.Join(f.Streams, " ")); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %t %q, want %q", data, ok, got, want)
		}
	}
}

func FuzzFluentBitSections(f *testing.F) {
	f.Add(fluentConf)
	f.Fuzz(func(t *testing.T, conf string) {
		for _, s := range FluentBitSections(conf) {
			for key, value := range s.Keys {
				if key == "" || key != strings.ToLower(key) || value != strings.TrimSpace(value) {
					t.Errorf("%q %q", key, value)
				}
			}
		}
	})
}
