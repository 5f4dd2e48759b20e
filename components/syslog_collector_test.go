package components_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

func collectorArgs() *components.SyslogCollectorArgs {
	return &components.SyslogCollectorArgs{
		Place: home, Name: "syslog", RoleName: "collectors", VpcID: "vpc-0a1b2c3d4e5f60718", SubnetIDs: []string{"subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"},
		ClientCIDRs: []string{"10.0.0.0/16"}, CertificateArn: home.ARN(partition.ACM, "certificate/1").String(), ImageID: "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
		Package:      &components.FluentBitPackage{Repository: "https://packages.example.com/", Key: "https://packages.example.com/key", Version: "4.0.3"},
		InstanceType: "t4g.small", MinSize: 2, MaxSize: 4, BufferGiB: 8, Tags: map[string]string{"team": "security"},
	}
}

func collector(args *components.SyslogCollectorArgs) func(*program) error {
	return func(p *program) error {
		lines := pipelineArgs()
		lines.Content, lines.SubscriptionRoleName, lines.Subscriptions, lines.Transform = components.Lines, "", nil, nil
		pipeline, err := components.NewFirehoseToS3Pipeline(p.ctx, "lines", lines, p.at(args.Place))
		if err != nil {
			return err
		}
		args.Pipeline = pipeline
		_, err = components.NewSyslogCollector(p.ctx, "syslog", args, p.at(args.Place))
		return err
	}
}

// The configuration is held against the text that Fluent Bit reads; a change of it replaces the collectors.
func TestFluentBitConf(t *testing.T) {
	t.Parallel()
	f := components.FluentBit{Place: home, StreamName: "lines", Port: 5140, CertificateFile: "/c/crt", PrivateFile: "/c/key", BufferDirectory: "/b", BufferChunks: 256, LineKiB: 256}
	want := `[SERVICE]
    flush 1
    grace 30
    log_level info
    storage.path /b
    storage.sync full
    storage.checksum on
    storage.max_chunks_up 256
    storage.backlog.mem_limit 64M

[INPUT]
    name tcp
    tag syslog
    listen 0.0.0.0
    port 5140
    format none
    separator \n
    chunk_size 32
    buffer_size 256
    source_address_key source
    storage.type filesystem
    storage.pause_on_chunks_overlimit on
    tls on
    tls.crt_file /c/crt
    tls.key_file /c/key

[FILTER]
    name modify
    match syslog
    rename log message

[OUTPUT]
    name kinesis_firehose
    match syslog
    region cn-north-1
    delivery_stream lines
    time_key time
    time_key_format %Y-%m-%dT%H:%M:%S.%3N
    retry_limit no_limits
    workers 2
`
	if diff := cmp.Diff(want, f.Conf()); diff != "" {
		t.Error(diff)
	}
	var kinds []string
	for _, s := range catalog.FluentBitSections(f.Conf()) {
		kinds = append(kinds, s.Kind+" "+s.Keys["name"])
	}
	if diff := cmp.Diff([]string{"SERVICE ", "INPUT tcp", "FILTER modify", "OUTPUT kinesis_firehose"}, kinds); diff != "" {
		t.Error(diff)
	}
	// Whatever drops lines by itself isn't there: a limit of the output's buffer, a number of retries, a parser.
	for _, dropping := range []string{"storage.total_limit_size", "parser", "mem_buf_limit"} {
		if strings.Contains(f.Conf(), dropping) {
			t.Errorf("%s drops lines", dropping)
		}
	}
}

// cloudConfig is what a collector's machine is told.
func cloudConfig(t *testing.T, g *graph.Graph) (files map[string]string, config map[string]any) {
	t.Helper()
	text, err := base64.StdEncoding.DecodeString(text(t, find(t, g, catalog.LaunchTemplate, "syslog"), "userData"))
	if err != nil {
		t.Fatal(err)
	}
	body, ok := strings.CutPrefix(string(text), "#cloud-config\n")
	if !ok {
		t.Fatalf("not a cloud-config: %s", text)
	}
	if err := json.Unmarshal([]byte(body), &config); err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, f := range config["write_files"].([]any) {
		files[f.(map[string]any)["path"].(string)] = f.(map[string]any)["content"].(string)
	}
	return files, config
}

func TestSyslogCollector(t *testing.T) {
	t.Parallel()
	g := record(t, collector(collectorArgs()))
	template, group := find(t, g, catalog.LaunchTemplate, "syslog"), find(t, g, catalog.AutoScalingGroup, "syslog")
	f, ok := catalog.FluentBitOf(template.Outputs)
	if !ok || !slices.Equal(f.Ports, []string{"5140"}) || len(f.Streams) != 1 || !strings.HasPrefix(f.Streams[0], "cn-north-1/") {
		t.Errorf("%t, %+v", ok, f)
	}
	files, config := cloudConfig(t, g)
	for _, path := range []string{"/etc/log-archive/fluent-bit.conf", "/usr/local/bin/log-archive-drain", "/etc/systemd/system/log-archive-syslog.service", "/etc/systemd/system/log-archive-drain.service"} {
		if files[path] == "" {
			t.Errorf("no %s", path)
		}
	}
	for _, part := range []string{"X-aws-ec2-metadata-token", "--auto-scaling-group-name syslog", "--lifecycle-hook-name drain", "--region cn-north-1", "/var/spool/log-archive"} {
		if !strings.Contains(files["/usr/local/bin/log-archive-drain"], part) {
			t.Errorf("the drain script lacks %s", part)
		}
	}
	if disk := config["fs_setup"].([]any)[0].(map[string]any); disk["overwrite"] != false {
		t.Errorf("what an earlier machine left is overwritten: %v", disk)
	}
	if packages := config["packages"].([]any); packages[0] != "fluent-bit-4.0.3" {
		t.Errorf("packages %v", packages)
	}
	hook := group.Inputs["initialLifecycleHooks"].ArrayValue()[0].ObjectValue()
	if hook["name"].StringValue() != "drain" || hook["lifecycleTransition"].StringValue() != "autoscaling:EC2_INSTANCE_TERMINATING" {
		t.Errorf("hook %v", hook)
	}
	for i, want := range []string{"true", "false"} { // the buffer's disk stays
		disk := template.Inputs["blockDeviceMappings"].ArrayValue()[i].ObjectValue()["ebs"].ObjectValue()
		if disk["deleteOnTermination"].StringValue() != want || disk["encrypted"].StringValue() != "true" {
			t.Errorf("disk %d: %v", i, disk)
		}
	}
	dependsOn(t, g, group, find(t, g, rolePolicy, "syslog"), find(t, g, streamType, "lines"))
	for name, open := range map[string][2]any{"syslog-from-10.0.0.0/16": {6514.0, "10.0.0.0/16"}, "syslog-from-balancer": {5140.0, nil}} {
		rule := find(t, g, catalog.SecurityIngress, name)
		if rule.Inputs["fromPort"].NumberValue() != open[0] || rule.Inputs["toPort"].NumberValue() != open[0] {
			t.Errorf("%s: %v", name, rule.Inputs)
		}
	}
	if n := len(g.ByType(catalog.SecurityIngress)); n != 2 {
		t.Errorf("%d ways in", n)
	}
	if n := len(g.ByType(catalog.SecurityEgress)); n != 2 {
		t.Errorf("%d ways out", n)
	}
	doc, err := policy.Parse([]byte(text(t, find(t, g, rolePolicy, "syslog"), "policy")))
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, s := range doc.Statements {
		actions = append(actions, s.Action...)
	}
	if diff := cmp.Diff([]string{"firehose:PutRecordBatch", "autoscaling:CompleteLifecycleAction", "autoscaling:RecordLifecycleActionHeartbeat"}, actions); diff != "" {
		t.Error(diff)
	}
	without := collectorArgs()
	without.Package, without.EgressCIDRs = nil, []string{"10.0.0.0/16", "10.1.0.0/16"}
	g = record(t, collector(without))
	if _, config := cloudConfig(t, g); config["packages"] != nil || config["yum_repos"] != nil {
		t.Errorf("an image that has Fluent Bit gets it again: %v", config)
	}
	if n := len(g.ByType(catalog.SecurityEgress)); n != 3 {
		t.Errorf("%d ways out", n)
	}
}

func TestSyslogCollectorArgs(t *testing.T) {
	t.Parallel()
	bad := &components.SyslogCollectorArgs{
		Place: home, Name: "Syslog", RoleName: "a b", VpcID: "vpc", SubnetIDs: []string{"subnet-1"}, ClientCIDRs: []string{"0.0.0.0/0", "10.0.0.1/16"}, EgressCIDRs: []string{"all"},
		CertificateArn: virginia.ARN(partition.ACM, "certificate/1").String(), ImageID: "latest", Package: &components.FluentBitPackage{Repository: "http://a", Key: "b", Version: "a b"},
		InstanceType: "small", MinSize: 1, MaxSize: 1, BufferGiB: 1,
	}
	wantProblems(t, refused(t, func(p *program) error {
		_, err := components.NewSyslogCollector(p.ctx, "refused", bad, p.at(home))
		return err
	}), map[string]string{
		"Name": "32 lower-case", "RoleName": "64", "VpcID": "a VPC", "SubnetIDs": "at least 2", "SubnetIDs[0]": "a subnet", "ClientCIDRs[0]": "at most a /8", "ClientCIDRs[1]": "IPv4", "EgressCIDRs[0]": "IPv4",
		"CertificateArn": "in ACM", "ImageID": "public parameter", "Package.Repository": "https", "Package.Key": "https", "Package.Version": "newest", "InstanceType": "t4g.small",
		"MinSize": "at least 2", "MaxSize": "at least 2", "BufferGiB": "at least 4", "Pipeline": "carries the lines",
	})
}
