package stacks

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Flow logs that are read alike share the folder that they always had. Where their formats differ, each has its own, in every
// account: one table can't read two.
func TestFlowLogFolders(t *testing.T) {
	t.Parallel()
	log := func(name, id string, more map[string]any) map[string]any {
		out := map[string]any{"name": name, "vpcId": id, "method": "s3"}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	parquet, hive := map[string]any{"format": "parquet"}, map[string]any{"format": "parquet", "hivePartitions": true}
	custom := map[string]any{"format": "text", "logFormat": "${srcaddr}  ${dstaddr}"}
	spelled := map[string]any{"logFormat": "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"}
	further := map[string]any{
		"account": "555566667777", "role": "Deployer", "externalId": "example-id", "flowLogs": []any{log("far", "vpc-00000009", parquet)},
	}
	for _, test := range []struct {
		name     string
		logs     []map[string]any
		accounts []any
		want     []string
	}{
		{"text", []map[string]any{log("a", "vpc-00000001", nil), log("b", "vpc-00000002", spelled)}, nil, []string{"", ""}},
		{"Parquet, with and without Hive", []map[string]any{log("a", "vpc-00000001", parquet), log("b", "vpc-00000002", hive)}, nil, []string{"", ""}},
		{"both", []map[string]any{log("a", "vpc-00000001", nil), log("b", "vpc-00000002", parquet)}, nil, []string{"text/", "parquet/"}},
		{"two texts", []map[string]any{log("a", "vpc-00000001", nil), log("b", "vpc-00000002", custom)}, nil, []string{"text/", "text-9dd93f3c/"}},
		{"a stream's doesn't count", []map[string]any{log("a", "vpc-00000001", nil), {"name": "b", "vpcId": "vpc-00000002", "method": "firehose"}}, nil, []string{"", "-"}},
		{"another account's", []map[string]any{log("a", "vpc-00000001", nil)}, []any{further}, []string{"text/", "parquet/"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := parse(t, smallest)
			for _, l := range test.logs {
				d = d.with(t, "flowLogs[+]", l)
			}
			for _, a := range test.accounts {
				d = d.with(t, "accounts[+]", a)
			}
			spec, err := ParseSpec("x", d.engine(t))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, of := range spec.everyAccount() {
				for _, f := range of.FlowLogs {
					folder := "-"
					if f.Prefix != "" {
						folder = f.Prefix[len(DirectFlowLogPrefix):]
					}
					got = append(got, folder)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A flow log that moves to another folder, or to the other form of keys, is replaced after the bucket's policy was changed: the
// policy must be the same before and after, or the old flow log is refused in between.
func TestMovingFlowLogsAreNeverRefused(t *testing.T) {
	t.Parallel()
	policy := func(logs ...map[string]any) string {
		d := parse(t, smallest)
		for _, l := range logs {
			d = d.with(t, "flowLogs[+]", l)
		}
		return record(t, "x", d.engine(t)).ByType("aws:s3/bucketPolicy:BucketPolicy")[0].Inputs["policy"].StringValue()
	}
	log := func(name, format string, hive bool) map[string]any {
		return map[string]any{"name": name, "vpcId": "vpc-0000000" + name, "method": "s3", "format": format, "hivePartitions": hive}
	}
	before := policy(log("1", "text", false))
	for name, after := range map[string]string{
		"another format beside it": policy(log("1", "text", false), log("2", "parquet", false)),
		"another format":           policy(log("1", "parquet", false)),
		"the other form of keys":   policy(log("1", "parquet", true)),
	} {
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s changes the policy: %s", name, diff)
		}
	}
	if before == policy() {
		t.Error("the policy doesn't depend on flow logs at all")
	}
}
