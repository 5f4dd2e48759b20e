package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFromEnviron(t *testing.T) {
	t.Parallel()
	c, err := FromEnviron([]string{"PATH=/bin", "LOGARCHIVE_TRANSFORM_EXTRA_FIELDS=extractedFields, site=bei=jing,empty=", "LOGARCHIVE_TRANSFORM_PARTITION_KEYS=class, hour",
		"LOGARCHIVE_TRANSFORM_CLASS=other", "LOGARCHIVE_TRANSFORM_CLASS_PREFIXES=/vpc/=flow-logs,/aws/rds/=databases", "LOGARCHIVE_TRANSFORM_REGION=cn-north-1", "LOGARCHIVE_TRANSFORM_MAX_RESPONSE_BYTES=6291456",
		"LOGARCHIVE_TRANSFORM_MAX_INFLATED_BYTES=1048576", "LOGARCHIVE_TRANSFORM_MAX_REINGESTIONS=0", "LOGARCHIVE_TRANSFORM_PUT_ATTEMPTS=20", "LOGARCHIVE_TRANSFORM_METRICS=false", "LOGARCHIVE_TRANSFORM_LOG_SAMPLE="})
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Extra:     []Field{{Name: "extractedFields"}, {Name: "site", Value: new("bei=jing")}, {Name: "empty", Value: new("")}},
		Partition: []string{"class", "hour"}, Class: "other", Classes: map[string]string{"/vpc/": "flow-logs", "/aws/rds/": "databases"}, Region: "cn-north-1",
		MaxResponseBytes: 6291456, MaxInflatedBytes: 1048576, MaxReingestions: 0, PutAttempts: 20, Metrics: false, LogSample: 100,
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if c, err := FromEnviron(nil); err != nil || !cmp.Equal(c, Defaults()) {
		t.Errorf("an empty environment: %+v, %v", c, err)
	}
}

func TestFromEnvironNamesEveryProblem(t *testing.T) {
	t.Parallel()
	bad := []string{"LOGARCHIVE_TRANSFORM_EXTRA_FIELDS=message", "LOGARCHIVE_TRANSFORM_PARTITION_KEYS=hour,minute", "LOGARCHIVE_TRANSFORM_CLASS=a/b", "LOGARCHIVE_TRANSFORM_CLASS_PREFIXES=/vpc/", "LOGARCHIVE_TRANSFORM_REGION=x y",
		"LOGARCHIVE_TRANSFORM_MAX_RESPONSE_BYTES=6291457", "LOGARCHIVE_TRANSFORM_MAX_INFLATED_BYTES=1e6", "LOGARCHIVE_TRANSFORM_MAX_REINGESTIONS=-1", "LOGARCHIVE_TRANSFORM_PUT_ATTEMPTS=0", "LOGARCHIVE_TRANSFORM_METRICS=False",
		"LOGARCHIVE_TRANSFORM_LOG_SAMPLE=+5", "LOGARCHIVE_TRANSFORM_METRIC=true"}
	_, err := FromEnviron(bad)
	var ce *ConfigError
	if !errors.As(err, &ce) || len(ce.Problems) != len(bad) {
		t.Fatalf("%v", err)
	}
	for _, b := range bad {
		name, value, _ := strings.Cut(b, "=")
		found := false
		for _, p := range ce.Problems {
			found = found || strings.HasPrefix(p, name+": ") && (strings.Contains(p, value) || strings.Contains(p, "unknown"))
		}
		if !found {
			t.Errorf("nothing is said about %s:\n%v", b, err)
		}
	}
	for _, b := range []string{"LOGARCHIVE_TRANSFORM_EXTRA_FIELDS=a,a", "LOGARCHIVE_TRANSFORM_EXTRA_FIELDS=a,,b", "LOGARCHIVE_TRANSFORM_PARTITION_KEYS=hour,hour", "LOGARCHIVE_TRANSFORM_CLASS_PREFIXES=a=b,a=c", "LOGARCHIVE_TRANSFORM_CLASS_PREFIXES=a=b,=c"} {
		if _, err := FromEnviron([]string{b}); err == nil {
			t.Errorf("%s was accepted", b)
		}
	}
}

func TestPartitionKeys(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("/very-long", 50)
	tests := []struct {
		group string
		at    int64
		want  map[string]string
	}{
		{"/aws/rds/instance/orders-db/slowquery", 1795244400000, map[string]string{"account": "111122223333", "region": "cn-north-1", "logGroup": "%2Faws%2Frds%2Finstance%2Forders-db%2Fslowquery",
			"databaseInstance": "orders-db", "class": "databases", "year": "2026", "month": "11", "day": "21", "hour": "07"}},
		{"/aws/rds/cluster/c1/postgresql", 1795244399999, map[string]string{"account": "111122223333", "region": "cn-north-1", "logGroup": "%2Faws%2Frds%2Fcluster%2Fc1%2Fpostgresql",
			"databaseInstance": "c1", "class": "databases", "year": "2026", "month": "11", "day": "21", "hour": "06"}},
		{"a.b_c#d", 0, map[string]string{"account": "111122223333", "region": "cn-north-1", "logGroup": "a.b_c%23d",
			"databaseInstance": "none", "class": "logs", "year": "1970", "month": "01", "day": "01", "hour": "00"}},
	}
	cfg := Defaults()
	cfg.Partition = PartitionKeys()
	h := New(cfg, Options{})
	for _, tc := range tests {
		got := invoke(t, h, event(zip(message(tc.group, tc.at, `"m"`))))
		if got[0].Metadata == nil {
			t.Errorf("%s: no metadata", tc.group)
			continue
		}
		if diff := cmp.Diff(tc.want, got[0].Metadata.PartitionKeys); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tc.group, diff)
		}
	}
	a, b := keyValue(long+"a"), keyValue(long+"b")
	if a == b || len(a) != maxKeyValue || len(b) != maxKeyValue {
		t.Errorf("long names: %s, %s", a, b)
	}
	if keyValue("a/b") == keyValue("a-b") || keyValue("") == "" {
		t.Error("different groups share a key, or a key is empty")
	}
	if got := invoke(t, New(Defaults(), Options{}), event(zip(message("g", 1, `"m"`)))); got[0].Metadata != nil {
		t.Error("metadata without partition keys")
	}
}

func TestBuckets(t *testing.T) {
	t.Parallel()
	at := time.Date(2028, 2, 29, 23, 59, 59, 999e6, time.UTC)
	for _, tc := range []struct {
		key      string
		from, to time.Time
	}{
		{"hour", time.Date(2028, 2, 29, 23, 0, 0, 0, time.UTC), time.Date(2028, 3, 1, 0, 0, 0, 0, time.UTC)},
		{"day", time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(2028, 3, 1, 0, 0, 0, 0, time.UTC)},
		{"month", time.Date(2028, 2, 1, 0, 0, 0, 0, time.UTC), time.Date(2028, 3, 1, 0, 0, 0, 0, time.UTC)},
		{"year", time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		c := Config{Partition: []string{tc.key}}
		low, width := c.bucket(at.UnixMilli())
		if low != tc.from.UnixMilli() || low+int64(width)+1 != tc.to.UnixMilli() {
			t.Errorf("%s: from %d, %d more", tc.key, low, width)
		}
	}
	c := Config{Partition: []string{"hour"}}
	if low, _ := c.bucket(-1); low != -3_600_000 {
		t.Errorf("before 1970: %d", low)
	}
}

func TestMetricsAndLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	cfg := Defaults()
	cfg.MaxResponseBytes = 12_000
	cfg.LogSample = 2
	h := New(cfg, Options{Log: &out, OwnGroup: "/aws/lambda/transform", Stream: &fakeStream{accept: func() bool { return false }}})
	h.Now = func() time.Time { return time.UnixMilli(1795244400000) }
	big := zip(message("g", 1, `"`+strings.Repeat("secret", 1000)+`"`))
	invoke(t, h, event(big, big, []byte("x"), []byte("y"), zip(control)))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 5 { // metrics, gzip, put-back, stream, sample
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	var emf struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
	}
	if err := json.Unmarshal([]byte(lines[0]), &emf); err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &values); err != nil {
		t.Fatal(err)
	}
	m := emf.AWS.CloudWatchMetrics[0]
	if emf.AWS.Timestamp != 1795244400000 || m.Namespace != Namespace || m.Dimensions[0][0] != "DeliveryStream" || values["DeliveryStream"] != "logs" {
		t.Errorf("metrics: %s", lines[0])
	}
	for _, metric := range m.Metrics {
		if _, ok := values[metric.Name].(float64); !ok {
			t.Errorf("metric %s has no value", metric.Name)
		}
	}
	for name, want := range map[string]float64{"Records": 5, "Ok": 1, "Dropped": 1, "Failed": 3, "Events": 1, "PutBack": 0, "PutBackRefused": 1} {
		if values[name] != want {
			t.Errorf("%s is %v, want %v", name, values[name], want)
		}
	}
	for _, code := range []string{`"code":"gzip"`, `"code":"put-back"`, `"code":"stream"`, `"code":"sample"`} {
		if !strings.Contains(out.String(), code) {
			t.Errorf("no line with %s", code)
		}
	}
	if strings.Contains(out.String(), "secret") {
		t.Error("log data is in the function's own log")
	}
	out.Reset()
	// Its own lines leave no trace, so that they can't go round for ever.
	for range 10 {
		invoke(t, h, event(zip(message("/aws/lambda/transform", 1, `"m"`))))
	}
	if out.Len() != 0 {
		t.Errorf("written about its own log group: %s", out.String())
	}
	invoke(t, h, event(zip(message("/aws/lambda/transform", 1, `"m"`)), zip(message("g", 1, `"m"`))))
	if strings.Count(out.String(), "\n") > 2 {
		t.Errorf("too much is written: %s", out.String())
	}
}
