package stacks

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/partition"
)

// document is a configuration as a tree, without the namespace: what a stack file's config section would be.
type document map[string]any

// parse reads a tree from JSON.
func parse(t testing.TB, text string) document {
	t.Helper()
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// engine returns the tree as the engine hands it to the program.
func (d document) engine(t testing.TB) map[string]string {
	t.Helper()
	config := map[string]string{"aws:region": "eu-west-1", "pulumi:disable-default-providers": `["*"]`}
	for key, value := range d {
		if text, ok := value.(string); ok {
			config[Namespace+":"+key] = text
			continue
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		config[Namespace+":"+key] = string(text)
	}
	return config
}

// fromEngine is the opposite of engine.
func fromEngine(config map[string]string) document {
	d := document{}
	for key, text := range config {
		name, ok := strings.CutPrefix(key, Namespace+":")
		if !ok {
			continue
		}
		var value any
		if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") || json.Unmarshal([]byte(text), &value) != nil {
			value = text
		}
		d[name] = value
	}
	return d
}

// removed as a value takes a key away.
type removed struct{}

// with returns a copy of the tree with the value at the path, such as flowLogs[0].name. Index [+] appends to a list.
func (d document) with(t testing.TB, path string, value any) document {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var root any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	steps := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
	return document(put(t, root, steps, value).(map[string]any))
}

func put(t testing.TB, node any, steps []string, value any) any {
	t.Helper()
	if len(steps) == 0 {
		return value
	}
	key := steps[0]
	switch node := node.(type) {
	case nil:
		if key == "+" {
			return []any{put(t, nil, steps[1:], value)}
		}
		return map[string]any{key: put(t, nil, steps[1:], value)}
	case map[string]any:
		node = maps.Clone(node)
		if _, gone := value.(removed); gone && len(steps) == 1 {
			delete(node, key)
			return node
		}
		node[key] = put(t, node[key], steps[1:], value)
		return node
	case []any:
		if key == "+" {
			return append(slices.Clone(node), put(t, nil, steps[1:], value))
		}
		i, err := strconv.Atoi(key)
		if err != nil || i >= len(node) {
			t.Fatalf("no index %q in %v", key, node)
		}
		node = slices.Clone(node)
		node[i] = put(t, node[i], steps[1:], value)
		return node
	}
	t.Fatalf("nothing below %v", node)
	return nil
}

var (
	beijing  = partition.Place{Account: "111122223333", Region: "cn-north-1"}
	virginia = partition.Place{Account: "333344445555", Region: "us-east-1"}
)

// smallest is a configuration with nothing but what is required.
const smallest = `{
	"sourceAccount": "111122223333", "homeRegion": "cn-north-1", "backupRegion": "cn-northwest-1",
	"archive": {"account": "222233334444", "role": "Deployer", "externalId": "some-id", "bucket": "example-archive"}
}`

// whole is a configuration with something of everything.
var whole = `{
	"sourceAccount": "111122223333", "homeRegion": "cn-north-1", "backupRegion": "cn-northwest-1", "namePrefix": "archive",
	"archive": {
		"account": "222233334444", "role": "ops/Deployer", "externalId": "some-id", "bucket": "example-archive", "retentionDays": 400,
		"transitions": [{"days": 30, "storageClass": "STANDARD_IA"}, {"days": 90, "storageClass": "GLACIER"}],
		"objectLock": {"mode": "GOVERNANCE", "days": 200}, "breakGlassRole": "ops/BreakGlass"
	},
	"landing": {"bucket": "example-landing", "expireDays": 21, "lagMinutes": 30},
	"pipeline": {"bufferMiB": 5, "bufferSeconds": 60, "errorLogRetentionDays": 14, "timePrefix": "dt=!{timestamp:yyyy-MM-dd}/"},
	"flowLogs": [
		{"name": "main", "vpcId": "vpc-0a1b2c3d4e5f60718", "method": "s3", "format": "parquet", "hivePartitions": true, "hourlyPartitions": true},
		{"name": "edge", "subnetId": "subnet-0a1b2c3d", "trafficType": "REJECT", "method": "firehose", "retentionDays": 3},
		{"name": "host", "eniId": "eni-0a1b2c3d4e5f60718", "logFormat": "${srcaddr} ${dstaddr}", "aggregationSeconds": 60},
		{"name": "hub", "transitGatewayId": "tgw-0a1b2c3d4e5f60718", "method": "landing"}
	],
	"logGroups": [
		{"name": "/aws/lambda/a"},
		{"name": "/app/b", "create": true, "retentionDays": 7, "filterPattern": "ERROR"}
	],
	"instances": [
		{"name": "web", "tags": {"Logs": "yes"}, "retentionDays": 3, "files": [
			{"path": "/var/log/messages", "logGroup": "/app/b"},
			{"path": "/opt/a/*.log", "logGroup": "/app/c", "timestampFormat": "%Y-%m-%d", "timeZone": "UTC"}
		], "windowsEvents": [{"channel": "System", "levels": ["ERROR"], "logGroup": "/app/d"}]}
	],
	"syslog": {
		"vpcId": "vpc-0a1b2c3d", "subnetIds": ["subnet-0a1b2c3d", "subnet-0a1b2c3e"], "clientCidrs": ["10.0.0.0/16"], "minSize": 3,
		"certificateArn": "` + beijing.ARN(partition.ACM, "certificate/1").String() + `", "package": {"version": "4.0.3"}
	},
	"databases": [
		{"identifier": "shop", "engine": "mysql", "logTypes": ["error", "slowquery"], "retentionDays": 5},
		{"identifier": "shop", "engine": "aurora-mysql", "logTypes": ["audit"], "createLogGroups": false},
		{"identifier": "base", "engine": "postgres", "cluster": true, "logTypes": ["postgresql"]}
	],
	"backup": {
		"rules": [{"name": "daily", "schedule": "cron(0 2 ? * * *)", "deleteAfterDays": 120, "coldStorageAfterDays": 30, "copy": {"deleteAfterDays": 30}}],
		"selection": {"tags": [{"key": "backup", "value": "yes"}], "arns": []}
	},
	"preflight": "warn", "minimumRetentionDays": 365,
	"waivers": [{"rule": "group-retention", "resource": "/app/b", "reason": "known", "until": "2026-01-31"}],
	"tags": {"team": "security"}
}`
