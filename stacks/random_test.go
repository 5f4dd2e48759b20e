package stacks

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/logarchive/logarchive/components"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/stacks/schema"
)

// inventor makes configurations that are right in most places: a field's own values where it has some, and believable
// ones by key elsewhere.
type inventor struct {
	*rand.Rand
	home partition.Place
}

// words are believable values of strings, by key; several of them are wrong for some of their uses.
var words = map[string][]string{
	"sourceAccount": {"111122223333"}, "account": {"222233334444"}, "role": {"Deployer", "ops/Deployer"}, "externalId": {"some-id", schema.Placeholder},
	"bucket": {"example-archive", "a-1", "example-archive-222233334444-us-west-2-with-a-name-of-63-letters", "x"}, "namePrefix": {"log-archive", "la", "archive-of-a-long-name"},
	"storageClass": storageClasses(), "timePrefix": {DefaultTimePrefix, "dt=!{timestamp:yyyy-MM-dd}/", "x/!{firehose:random-string}/", "plain/"},
	"name":  {"a", "b", "main", "/aws/lambda/a", "/app/b", "logs", "archive", "daily", "a-b-c", "flow-logs", "/aws/kinesisfirehose/la-logs"},
	"vpcId": {"vpc-00000001", "vpc-00000000000000002"}, "subnetId": {"subnet-00000001"}, "eniId": {"eni-00000001"}, "transitGatewayId": {"tgw-00000001"},
	"logFormat": {"${srcaddr} ${dstaddr}", "${tgw-id}", "${version}"}, "filterPattern": {"", "ERROR", "{ $.a = 1 }"},
	"identifier": {"shop", "base", "shop-2", "shop-iam-db-auth", "a"}, "schedule": {"cron(0 5 ? * * *)", "cron(30 5 1 * ? *)", "cron(0 * ? * MON *)"},
	"vault": {"vault", "a_b", "v"}, "key": {"backup", "Env", "a/b:c"}, "value": {"daily", "yes"},
	"breakGlassRole": {"BreakGlass", "ops/BreakGlass", "Deployer"}, "rule": {"path", "group-retention", "pathh"}, "resource": {"main", "archive-bucket"},
	"reason": {"known", "until the audit"}, "until": {"2026-01-31", "2026-02-30"},
	"path": {"/var/log/messages", "/opt/a.log", "a"}, "logGroup": {"/app/i", "/app/b", "/aws/kinesisfirehose/la-logs"}, "logStream": {"{instance_id}", "{instance_id}/a", "{id}"},
	"timestampFormat": {"%Y-%m-%d", "%Q"}, "multiLineStartPattern": {"{timestamp_format}", "^[0-9]", "("}, "channel": {"System", "Security", "a:b"},
	"subnetIds": {"subnet-00000001", "subnet-00000002", "subnet-00000003"}, "clientCidrs": {"10.0.0.0/16", "172.16.0.0/12", "0.0.0.0/0"}, "egressCidrs": {"10.0.0.0/16", "10.1.0.0/16"},
	"certificateArn": {beijing.ARN(partition.ACM, "certificate/1").String(), "certificate/1"}, "image": {"ami-00000001"}, "instanceType": {"t4g.small"}, "repository": {"https://a.example/"}, "version": {"4.0.3"},
	"runAsUser": {"cwagent"}, "emails": {"a@example.com", "b@example.com", "nobody"}, "runbook": {"docs/operations.md", "https://example.com/runbook"}, "agentVersion": {"1.300049.1b929"}, "prefix": {"agents/"},
	"detectorId": {"12abc34d567e8fa901bc2d34e56789f0"}, "organizationId": {"o-exampleorgid", "o-1"}, "s3": {"*", "payments", "payments/a/"}, "lambda": {"*", "orders"},
	"vpcIds": {"vpc-00000001", "vpc-00000002"},
	"policy": {"Boundary", "ops/Boundary"}, "document": {`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`, `{"Statement": [`},
	"logTypes": {"error", "slowquery", "audit", "postgresql", "upgrade", "iam-db-auth-error"},
}

func (r *inventor) pick(values []string) string { return values[r.IntN(len(values))] }

func (r *inventor) value(f *schema.Field, key string) any {
	switch f.Kind {
	case schema.Integer:
		days := []int{1, 7, 14, 30, 60, 90, 120, 150, 180, 200, 365, 400, 600, 731, 1827}
		n := days[r.IntN(len(days))]
		if f.Range != nil {
			n = max(f.Range.Min, min(f.Range.Max, n))
		}
		return n
	case schema.Boolean:
		return r.IntN(2) == 0
	case schema.List:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, r.value(f.Items, key))
		}
		return list
	case schema.Object:
		object := map[string]any{}
		for i := range f.Fields {
			c := &f.Fields[i]
			if c.Required || r.IntN(4) == 0 {
				object[c.Key] = r.value(c, c.Key)
			}
		}
		if r.IntN(20) > 0 {
			r.repair(key, object)
		}
		return object
	case schema.Map:
		return map[string]any{r.pick(words["key"]): r.pick(words["value"])}
	}
	switch {
	case len(f.Values) > 0:
		return r.pick(f.Values)
	case key == "arns":
		return r.home.ARN(partition.RDS, "db:"+r.pick(words["identifier"])).String()
	case words[key] != nil:
		return r.pick(words[key])
	}
	return "?"
}

// repair makes an object right in those respects that chance hardly ever gets right.
func (r *inventor) repair(key string, object map[string]any) {
	drop := func(keys ...string) {
		for _, k := range keys {
			delete(object, k)
		}
	}
	switch key {
	case "flowLogs":
		drop("vpcId", "subnetId", "eniId", "transitGatewayId", "logFormat", "aggregationSeconds", "retentionDays")
		object["name"] = fmt.Sprintf("%s-%d", r.pick([]string{"a", "flow-logs", "archive"}), r.IntN(100))
		if k := flowLogKinds[r.IntN(4)]; k.kind == KindTransitGateway {
			object[k.key] = fmt.Sprintf("tgw-%08x", r.IntN(1000))
			object["trafficType"], object["logFormat"] = "ALL", "${tgw-id}"
		} else {
			object[k.key] = fmt.Sprintf("%s-%08x", k.kind, r.IntN(1000))
			object["aggregationSeconds"] = 60
		}
		if object["method"] == MethodFirehose {
			drop("format", "hivePartitions", "hourlyPartitions")
		} else {
			drop("via")
		}
	case "logGroups":
		drop("retentionDays")
		object["name"] = fmt.Sprintf("%s/%d", r.pick([]string{"a", "/app", "logs"}), r.IntN(100))
	case "instances":
		drop("retentionDays", "schedule", "output", "windowsEvents")
		n := r.IntN(1000)
		object["name"] = fmt.Sprint("i-", n)
		object["files"] = []any{map[string]any{"path": "/var/log/a", "logGroup": fmt.Sprint("/i/", n), "timestampFormat": "%Y-%m-%d"}}
	case "syslog":
		drop("minSize", "maxSize", "package", "egressCidrs")
		object["subnetIds"], object["clientCidrs"] = []any{"subnet-00000001", "subnet-00000002"}, []any{"10.0.0.0/16"}
		object["certificateArn"] = r.home.ARN(partition.ACM, "certificate/1").String()
	case "databases":
		drop("retentionDays", "cluster")
		object["identifier"] = fmt.Sprintf("%s-%d", r.pick(words["identifier"]), r.IntN(100))
		engine := object["engine"].(string)
		types, err := components.RdsLogTypes(engine, strings.HasPrefix(engine, "aurora-"))
		if err == nil {
			object["logTypes"] = types[:1+r.IntN(len(types))]
		}
		if strings.HasPrefix(engine, "aurora-") {
			drop("backupReplication")
		}
	case "rules":
		drop("startWindowMinutes", "completionWindowMinutes")
		object["name"] = fmt.Sprint("rule-", r.IntN(100))
		object["deleteAfterDays"] = 1900
	case "backup":
		object["rules"] = []any{r.value(&schema.Field{Kind: schema.Object, Fields: backupRuleFields()}, "rules")}
		object["selection"] = map[string]any{"arns": []any{r.home.ARN(partition.RDS, "db:"+r.pick(words["identifier"])).String()}}
		if object["vault"] == "v" {
			drop("vault")
		}
	case "copy":
		drop("coldStorageAfterDays")
	case "accessLogs":
		drop("loadBalancers")
		object["bucket"], object["buckets"] = "example-access", []any{"example-uploads"}
	case "queries":
		object["bucket"] = "example-queries"
		object["readers"] = []any{map[string]any{"name": "security", "roles": []any{r.home.RoleARN("Analyst").String()}}}
	case "landing":
		drop("replicationTimeControl")
		object["bucket"] = "example-landing"
	case "vpcEndpoints":
		delete(object, "except")
		delete(object, "otherActions")
		object["vpcId"], object["subnetIds"] = fmt.Sprintf("vpc-%08x", r.IntN(4)), []any{"subnet-00000001"}
		object["clientCidrs"], object["routeTableIds"] = []any{"10.0.0.0/16"}, []any{"rtb-00000001"}
		delete(object, "securityGroupIds")
		if r.IntN(2) == 0 {
			object["otherActions"] = []any{"s3:GetObject"}
		}
	case "permissionsBoundary":
		delete(object, "accounts")
		if r.IntN(2) == 0 {
			object["accounts"] = []any{map[string]any{"account": r.pick(words["account"]), "policy": "Other"}}
		}
		if r.IntN(4) > 0 {
			object["document"] = words["document"][0]
		}
	case "accounts":
		if object["policy"] != nil {
			return // of permissionsBoundary
		}
		object["account"] = fmt.Sprintf("3%011d", r.IntN(1e9))
		if object["via"] == "destination" {
			drop("subscribe", "accountSubscription")
		}
		if object["subscribe"] != nil && r.IntN(20) > 0 {
			drop("accountSubscription")
		}
		if object["logGroups"] == nil {
			object["logGroups"] = []any{map[string]any{"name": "/app"}}
		}
		databases, _ := object["databases"].([]any)
		for _, d := range databases {
			delete(d.(map[string]any), "backupReplication")
		}
	case "transform":
		drop("extraFields", "partitionBy", "partitionDatabasesBy")
		if object["enabled"] != false && r.IntN(4) == 0 {
			object["partitionDatabasesBy"] = []string{"databaseInstance"}
		}
		if object["enabled"] != false && r.IntN(2) == 0 {
			object["partitionBy"] = [][]string{{"class"}, {"account", "region", "year", "month", "day", "hour"}, {"logGroup", "databaseInstance", "year"}, {"region"}}[r.IntN(4)]
			object["extraFields"] = []string{"site=x", "messageType"}
		}
	case "pipeline":
		if t, ok := object["transform"].(map[string]any); ok && (t["partitionBy"] != nil || t["partitionDatabasesBy"] != nil) {
			drop("bufferMiB", "timePrefix")
		}
	case "replay":
		object["schedule"] = r.pick([]string{"on-demand", "rate(1 day)", "cron(0 2 * * ? *)"})
	case "cloudTrail":
		object["name"] = r.pick([]string{"all", "management.2"})
		if object["cloudWatchLogs"] != true {
			drop("retentionDays")
		}
		drop("dataEvents")
		if r.IntN(2) == 0 {
			object["dataEvents"] = map[string]any{"s3": []string{"payments"}, "lambda": []string{"*"}}
		}
	case "guardDuty":
		drop("detectorId", "frequency")
		object["detectorId"] = r.pick(words["detectorId"])
		if r.IntN(2) == 0 {
			drop("detectorId")
			object["frequency"] = "ONE_HOUR"
		}
	case "resolverQueryLogs":
		object["vpcIds"], object["acceptUnknown"] = []string{r.pick(words["vpcIds"])}, true
	case "subscribe":
		object["prefixes"] = []string{fmt.Sprintf("/x%d/", r.IntN(100))}
		drop("exclude", "schedule")
		if object["retentionDays"] != nil {
			object["retentionDays"] = 90
		}
		if object["tags"] != nil {
			object["tags"] = map[string]any{r.pick([]string{"archive", "team"}): r.pick([]string{"*", "yes"})}
		}
	case "accountSubscription":
		drop("exclude")
		if r.IntN(2) == 0 {
			object["exclude"] = []string{fmt.Sprintf("/chatter/%d", r.IntN(100))}
		}
	case "archive":
		object["bucket"] = "example-archive"
		if lock, ok := object["objectLock"].(map[string]any); ok {
			lock["days"] = 180
		}
		classes, _ := object["classes"].([]any)
		for i := range classes { // each has logs of its own
			classes[i] = map[string]any{"logs": []any{LogNames()[i*2], LogNames()[i*2+1]}, "retentionDays": 180 + i, "maximumDays": 365 + i}
		}
	}
}

// backupRuleFields returns the description of a backup rule.
func backupRuleFields() []schema.Field {
	f := backupField()
	for i := range f.Fields {
		if f.Fields[i].Key == "rules" {
			return f.Fields[i].Items.Fields
		}
	}
	panic("no rules")
}

// invent returns a configuration made from the seed.
func invent(seed uint64) document {
	regions := [][2]partition.Region{{"cn-north-1", "cn-northwest-1"}, {"cn-northwest-1", "cn-north-1"}, {"us-east-1", "us-west-2"}, {"ap-southeast-1", "eu-central-1"}, {"us-east-1", "cn-north-1"}}
	r := &inventor{Rand: rand.New(rand.NewPCG(seed, 1))}
	pair := regions[r.IntN(len(regions))]
	r.home = partition.Place{Account: "111122223333", Region: pair[0]}
	d := document{}
	fields := Fields()
	for i := range fields {
		f := &fields[i]
		switch {
		case f.Key == "homeRegion":
			d[f.Key] = string(pair[0])
		case f.Key == "backupRegion":
			d[f.Key] = string(pair[1])
		case f.Required || r.IntN(2) == 0:
			d[f.Key] = r.value(f, f.Key)
		}
	}
	enabled := false
	databases, _ := d["databases"].([]any)
	for _, database := range databases {
		enabled = enabled || database.(map[string]any)["enableExports"] == true
	}
	if !enabled && r.IntN(20) > 0 {
		delete(d, "databaseExports")
	}
	if pipeline, _ := d["pipeline"].(map[string]any); pipeline != nil && d["queries"] != nil && r.IntN(20) > 0 {
		if transform, _ := pipeline["transform"].(map[string]any); transform != nil {
			transform["enabled"] = true
		}
	}
	if d["subscribe"] != nil && r.IntN(20) > 0 {
		delete(d, []string{"subscribe", "accountSubscription"}[r.IntN(2)])
	}
	if d["instances"] == nil && r.IntN(20) > 0 {
		delete(d, "vpcEndpoints")
	}
	if d["landing"] == nil && r.IntN(20) > 0 {
		d["landing"] = map[string]any{"bucket": "example-landing"}
	}
	return d
}

// checkParseAndCompose is what holds for every configuration: its problems are lines with a key path, and what is
// accepted can be composed, so that no component refuses what the configuration's checks let pass, and is proven. It
// returns whether it was accepted.
func checkParseAndCompose(t *testing.T, d document) bool {
	t.Helper()
	spec, err := ParseSpec("x", d.engine(t))
	if err != nil {
		for _, line := range lines(t, err) {
			if !problemLine.MatchString(line) {
				t.Errorf("not a line of a problem: %q", line)
			}
		}
		return false
	}
	c := &counter{}
	if err := runWith(c, nil, nil, Program(spec)); err != nil {
		text, _ := json.Marshal(d)
		t.Errorf("%s\n%v", text, err)
	}
	if doubles := c.doubles(); len(doubles) > 0 {
		text, _ := json.Marshal(d)
		t.Errorf("%s\nregistered twice: %q", text, doubles)
	}
	violations, err := spec.Preflight(t.Context())
	if err != nil {
		t.Error(err)
	}
	for _, v := range violations {
		// What the configuration itself says may contradict itself; what follows from it is proven.
		maintained := spec.ArchiveBucket.Maintenance && (v.Rule == "bucket-settled" || v.Rule == "bucket-undeletable")
		if v.Rule != "lifecycle-retention" && v.Rule != "waiver" && !maintained {
			text, _ := json.Marshal(d)
			t.Errorf("%s\n%s", text, violationText(v))
		}
	}
	return true
}

func TestRandomConfigurationsCompose(t *testing.T) {
	t.Parallel()
	accepted := 0
	const first, rounds = 20261121, 600
	for seed := uint64(first); seed < first+rounds; seed++ {
		if checkParseAndCompose(t, invent(seed)) {
			accepted++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("seeds from %d: %d of %d accepted", first, accepted, rounds)
	if accepted < rounds/20 { // each key that there is to get wrong makes it less likely
		t.Error("too few configurations are accepted to show anything")
	}
}

// FuzzCompose is the same for any seed.
func FuzzCompose(f *testing.F) {
	f.Add(uint64(1))
	f.Fuzz(func(t *testing.T, seed uint64) { checkParseAndCompose(t, invent(seed)) })
}
