package connect

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"

	"github.com/logarchive/logarchive/functions/rdsexports"
	"github.com/logarchive/logarchive/functions/rdsexports/standin"
	"github.com/logarchive/logarchive/partition"
)

var place = partition.Place{Account: "111122223333", Region: "cn-north-1"}

// dial is the AWS SDK's client of a server on loopback.
func dial(url string) RDS {
	return RDS{rds.New(rds.Options{
		Region: string(place.Region), BaseEndpoint: &url,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		}),
	})}
}

// TestTheFunctionThroughTheSDK runs the handler against RDS's protocol on loopback: an instance with more parameters than a
// page has, and a cluster; creation, drift, mending, deletion.
func TestTheFunctionThroughTheSDK(t *testing.T) {
	t.Parallel()
	parameters := map[string]string{"general_log": "1", "log_output": "FILE"}
	for i := range 250 {
		parameters[fmt.Sprintf("a%03d", i)] = "x" // before general_log
	}
	r := &standin.RDS{
		ParameterGroups: map[string]map[string]string{"custom": parameters, "cluster": {"server_audit_logging": "1"}},
		OptionGroups:    map[string][]string{"options": {"MARIADB_AUDIT_PLUGIN"}}, LogTypes: partition.DatabaseLogTypes, Looks: 1,
	}
	r.Put(rdsexports.Database{Kind: rdsexports.Instance, ID: "shop", ARN: place.ARN(partition.RDS, "db:shop").String(), Engine: "mysql", Status: "available",
		Exports: []string{"error"}, ParameterGroups: []string{"custom"}, OptionGroups: []string{"options"}})
	r.Put(rdsexports.Database{Kind: rdsexports.Cluster, ID: "ledger", ARN: place.ARN(partition.RDS, "cluster:ledger").String(), Engine: "aurora-mysql", Status: "available",
		ParameterGroups: []string{"cluster"}, IAMAuthentication: true})
	server := httptest.NewServer(r)
	defer server.Close()

	h := rdsexports.New(rdsexports.Config{TagKey: "log-archive:exports", Restore: true, Mend: true}, dial(server.URL), nil)
	h.Pause = func(context.Context, time.Duration) error { return nil }
	invoke := func(payload string) string {
		t.Helper()
		out, err := h.Invoke(t.Context(), []byte(payload))
		if err != nil {
			t.Fatalf("%s: %v", payload, err)
		}
		return string(out)
	}
	shop := `{"database": {"identifier": "shop", "engine": "mysql", "logTypes": ["error", "general", "audit"]}, "tf": {"action": %q}}`
	ledger := `{"database": {"identifier": "ledger", "cluster": true, "engine": "aurora-mysql", "logTypes": ["audit", "iam-db-auth-error"]}, "tf": {"action": %q}}`

	var report rdsexports.Report
	if out := invoke(fmt.Sprintf(shop, "create")); json.Unmarshal([]byte(out), &report) != nil || !slices.Equal(report.Exports, []string{"audit", "error", "general"}) ||
		!slices.Equal(report.SwitchedOn, []string{"general", "audit"}) || len(report.Findings) != 0 {
		t.Errorf("shop: %s", out)
	}
	if out := invoke(fmt.Sprintf(ledger, "create")); !strings.Contains(out, `"setting":"server_audit_events"`) || !strings.Contains(out, `"exports":["audit","iam-db-auth-error"]`) {
		t.Errorf("ledger: %s", out)
	}
	if now, _ := r.Get(rdsexports.Instance, "shop"); now.Tags["log-archive:exports"] != "audit general" {
		t.Errorf("tags %v", now.Tags)
	}

	// Somebody switches a log off by hand.
	if err := r.Export(t.Context(), rdsexports.Instance, "shop", nil, []string{"general"}); err != nil {
		t.Fatal(err)
	}
	check := `{"check": [{"identifier": "shop", "engine": "mysql", "logTypes": ["error", "general"]}]}`
	for range 5 { // RDS is at work; mended; at work; whole
		invoke(check)
	}
	if now, _ := r.Get(rdsexports.Instance, "shop"); !slices.Contains(now.Exports, "general") {
		t.Errorf("not mended: %+v", now)
	}

	invoke(fmt.Sprintf(shop, "delete"))
	invoke(fmt.Sprintf(ledger, "delete"))
	instance, _ := r.Get(rdsexports.Instance, "shop")
	cluster, _ := r.Get(rdsexports.Cluster, "ledger")
	if !slices.Equal(instance.Exports, []string{"error"}) || len(cluster.Exports) != 0 || len(instance.Tags)+len(cluster.Tags) != 0 {
		t.Errorf("not restored: %+v, %+v", instance, cluster)
	}
}

// TestErrorsOfTheSDKAreRead holds AWS's codes against those that package rdsexports acts on.
func TestErrorsOfTheSDKAreRead(t *testing.T) {
	t.Parallel()
	r := &standin.RDS{LogTypes: partition.DatabaseLogTypes}
	r.Put(rdsexports.Database{Kind: rdsexports.Instance, ID: "shop", Engine: "mysql", Status: "available"})
	server := httptest.NewServer(r)
	defer server.Close()
	h := rdsexports.New(rdsexports.Config{TagKey: "t", Restore: true}, dial(server.URL), nil)
	for payload, want := range map[string]string{
		`{"database": {"identifier": "none", "engine": "mysql", "logTypes": ["error"]}, "tf": {"action": "create"}}`:                         "there is no DB instance none",
		`{"database": {"identifier": "none", "cluster": true, "engine": "aurora-mysql", "logTypes": ["error"]}, "tf": {"action": "create"}}`: "there is no DB cluster none",
		`{"database": {"identifier": "shop", "engine": "mysql", "logTypes": ["slow-query"]}, "tf": {"action": "create"}}`:                    "InvalidParameterCombination",
	} {
		if out, err := h.Invoke(t.Context(), []byte(payload)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v", payload, out, err)
		}
	}
	if _, err := h.Invoke(t.Context(), []byte(`{"database": {"identifier": "none", "engine": "mysql", "logTypes": ["error"]}, "tf": {"action": "delete"}}`)); err != nil {
		t.Errorf("a database that is gone is no error at the end: %v", err)
	}
}
