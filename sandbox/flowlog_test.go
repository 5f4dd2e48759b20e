package sandbox

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

func aFlowLog(t testing.TB, properties map[string]any) *flowLog {
	t.Helper()
	f, err := flowLogOf(Object{
		Type: flowLogToken, ID: "fl-1234abcd", Place: beijing, State: resource.NewPropertyMapFromMap(properties),
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The tables of https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html and
// https://docs.aws.amazon.com/vpc/latest/tgw/flow-logs-s3.html
func TestFlowKey(t *testing.T) {
	t.Parallel()
	virginia := partition.Place{Account: "123456789012", Region: "us-east-1"}
	at := time.Date(2018, 6, 20, 16, 20, 0, 0, time.UTC)
	const name = "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log"
	base := flowKey{place: virginia, flowLog: "fl-1234abcd", window: at, hash: 0xfe123456}
	for _, test := range []struct {
		folder                string
		hive, hourly, parquet bool
		want                  string
	}{
		{"", false, false, false, "AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/" + name + ".gz"},
		{"my-logs/", false, false, false, "my-logs/AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/" + name + ".gz"},
		{"a/b", false, true, false, "a/b/AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/16/" + name + ".gz"},
		{"", true, false, false, "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/year=2018/month=06/day=20/" + name + ".gz"},
		{"p", true, true, true, "p/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/year=2018/month=06/day=20/hour=16/" + name + ".parquet"},
	} {
		k := base
		k.folder, k.hive, k.hourly, k.parquet = test.folder, test.hive, test.hourly, test.parquet
		if got := k.String(); got != test.want || !k.matches(got) {
			t.Errorf("%+v\n got %s (matches: %t)\nwant %s", test, got, k.matches(got), test.want)
		}
		other := k
		other.flowLog = "fl-1234abc"
		if other.matches(test.want) {
			t.Errorf("%s is taken for a file of %s", test.want, other.flowLog)
		}
	}
}

func TestFlowFormat(t *testing.T) {
	t.Parallel()
	const v2 = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
	for _, test := range []struct {
		format  string
		gateway bool
		names   string
		version int
	}{
		{"", false, v2, 2},
		{"${version} ${vpc-id} ${srcaddr}", false, "version vpc-id srcaddr", 3},
		{"${bytes}  ${traffic-path}", false, "bytes traffic-path", 5},
		{"${tgw-id} ${srcaddr}", true, "tgw-id srcaddr", 6},
		{"", true, flowFieldNames(gatewayFields), 6},
	} {
		fields, err := parseFlowFormat(test.format, test.gateway)
		if err != nil || flowFieldNames(fields) != test.names || flowVersion(fields) != test.version {
			t.Errorf("%q: %q, version %d, %v", test.format, flowFieldNames(fields), flowVersion(fields), err)
		}
	}
	for _, format := range []string{"version", "${tgw-id}", "${source}", "${srcaddr"} {
		if _, err := parseFlowFormat(format, false); err == nil {
			t.Errorf("%q: no error", format)
		}
	}
}

// An id is read back from its record, whatever the format, the traffic and the length; and from no other's.
func TestFlowCodec(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	tests := []map[string]any{
		{"vpcId": "vpc-0123456789abcdef0", "trafficType": "ALL"},
		{"subnetId": "subnet-0123456789abcdef0", "trafficType": "ACCEPT"},
		{"eniId": "eni-0123456789abcdef0", "trafficType": "REJECT"},
		{"transitGatewayId": "tgw-0123456789abcdef0", "maxAggregationInterval": 60},
		{"transitGatewayAttachmentId": "tgw-attach-0123456789abcdef0"},
		{"vpcId": "vpc-1", "logFormat": "${srcaddr} ${dstaddr} ${bytes}"},
		{"vpcId": "vpc-1", "logFormat": "${bytes} ${packets} ${pkt-srcaddr} ${pkt-dstaddr} ${action} ${start}"},
		{"vpcId": "vpc-1", "logFormat": "${pkt-srcaddr} ${srcaddr} ${instance-id} ${az-id} ${traffic-path} ${ecs-task-id}"},
	}
	at := time.Date(2026, 11, 21, 2, 3, 4, 0, time.UTC)
	for _, properties := range tests {
		f := aFlowLog(t, properties)
		c := f.codec
		other := aFlowLog(t, properties)
		other.codec.flowLog = "fl-other"
		plain, raw := c.capacity()
		seen := map[string]bool{}
		for n := range 500 {
			id := make([]byte, 1+random.IntN(plain))
			for i := range id {
				id[i] = idCharacters[random.IntN(len(idCharacters))]
			}
			if n%3 == 0 {
				id = id[:1+random.IntN(min(len(id), raw))]
				for i := range id {
					id[i] = byte(random.Uint32())
				}
			}
			if n == 0 {
				id = []byte(strings.Repeat("z", plain))
			}
			if n == 1 {
				id = []byte(strings.Repeat("\xff", raw))
			}
			if err := c.check(string(id)); err != nil {
				t.Fatalf("%v: %q: %v", properties, id, err)
			}
			row := c.record(string(id), at)
			value := func(field string) string { return row[c.index[field]] }
			if got, ok := c.id(value); !ok || got != string(id) {
				t.Fatalf("%v: %q came back as %q, %t, from %q", properties, id, got, ok, row)
			}
			if got, ok := other.codec.id(value); ok {
				t.Fatalf("%v: another flow log reads %q from %q", properties, got, row)
			}
			for i, field := range c.fields {
				if row[i] == "" || strings.ContainsAny(row[i], " \n") {
					t.Fatalf("%v: field %s is %q", properties, field.name, row[i])
				}
				size := map[fieldKind]int{fieldInt32: 32, fieldInt64: 64}[field.kind]
				if _, err := strconv.ParseInt(row[i], 10, size); size > 0 && err != nil && row[i] != "-" {
					t.Fatalf("%v: field %s is %q: %v", properties, field.name, row[i], err)
				}
				if field.name == "action" {
					seen[row[i]] = true
				}
			}
		}
		want := map[string]map[string]bool{"ACCEPT": {"ACCEPT": true}, "REJECT": {"REJECT": true}}[f.traffic]
		if f.traffic == "ALL" && seen["ACCEPT"] {
			want = map[string]bool{"ACCEPT": true, "REJECT": true}
		}
		if len(seen) > 0 && !cmp.Equal(seen, want) {
			t.Errorf("%v: actions %v, want %v", properties, seen, want)
		}
		for _, id := range []string{"", strings.Repeat("a", plain+1), strings.Repeat("a", raw) + "."} {
			if err := c.check(id); err == nil {
				t.Errorf("%v: %q fits", properties, id)
			}
		}
	}
	// A record that is wholly someone else's.
	c := aFlowLog(t, tests[0]).codec
	foreign := strings.Fields("2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK")
	if id, ok := c.id(func(field string) string { return foreign[c.index[field]] }); ok {
		t.Errorf("AWS's example record has the id %q", id)
	}
	if _, err := flowLogOf(Object{ID: "fl-1", Place: beijing, State: resource.NewPropertyMapFromMap(map[string]any{"vpcId": "vpc-1", "logFormat": "${action} ${start}"})}); err == nil {
		t.Error("a format without room: no error")
	}
}

func TestZoneID(t *testing.T) {
	t.Parallel()
	for region, want := range map[partition.Region]string{
		"cn-north-1": "cnn1-az1", "cn-northwest-1": "cnnw1-az1", "us-east-1": "use1-az1", "ap-southeast-2": "apse2-az1", "eu-central-1": "euc1-az1",
	} {
		if got := zoneID(region); got != want {
			t.Errorf("zoneID(%s) = %s, want %s", region, got, want)
		}
	}
}

// A Parquet file has the columns that AWS documents, in the format's order, and what was written.
func TestParquet(t *testing.T) {
	t.Parallel()
	f := aFlowLog(t, map[string]any{"vpcId": "vpc-1", "logFormat": "${version} ${account-id} ${srcaddr} ${dstaddr} ${srcport} ${bytes} ${packets} ${traffic-path} ${flow-direction} ${start}"})
	path := filepath.Join(t.TempDir(), "x.parquet")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := newParquetWriter(file, f.fields)
	const rows = 1200
	for n := range rows {
		if err := w.write(f.codec.record(fmt.Sprintf("id-%04d", n), someTime)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = readParquet(file, info.Size(), func(value func(string) string) error {
		if id, ok := f.codec.id(value); !ok || id != fmt.Sprintf("id-%04d", n) {
			return fmt.Errorf("row %d has the id %q, %t", n, id, ok)
		}
		if value("version") != "5" || value("account-id") != "111122223333" || value("traffic-path") != "-" || value("action") != "" {
			return fmt.Errorf("row %d: version %q account %q path %q action %q", n, value("version"), value("account-id"), value("traffic-path"), value("action"))
		}
		n++
		return nil
	})
	if err != nil || n != rows {
		t.Errorf("%d rows, %v", n, err)
	}
	opened, err := parquet.OpenFile(file, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	want := "message flow_log {\n" +
		"\toptional int32 version (INT(32,true));\n\toptional binary account_id (STRING);\n\toptional binary srcaddr (STRING);\n" +
		"\toptional binary dstaddr (STRING);\n\toptional int32 srcport (INT(32,true));\n\toptional int64 bytes (INT(64,true));\n" +
		"\toptional int64 packets (INT(64,true));\n\toptional int32 traffic_path (INT(32,true));\n\toptional binary flow_direction (STRING);\n" +
		"\toptional int64 start (INT(64,true));\n}"
	if diff := cmp.Diff(want, opened.Schema().String()); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
	if codec := opened.Metadata().RowGroups[0].Columns[0].MetaData.Codec.String(); codec != "GZIP" {
		t.Errorf("compressed with %s", codec)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
