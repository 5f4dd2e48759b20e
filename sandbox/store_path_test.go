package sandbox

import (
	"strings"
	"testing"
)

func TestKeyPath(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 150) // 300 bytes
	tests := []struct{ key, path string }{
		// What pipelines write stays as it is.
		{"flow-logs/account=111122223333/year=2026/x.log.gz", "flow-logs/account=111122223333/year=2026/x.log.gz"},
		{"AWSLogs/aws-account-id=1/hour=02/1_vpcflowlogs_r_fl-1_20261121T0205Z_fe123456.log.parquet", "AWSLogs/aws-account-id=1/hour=02/1_vpcflowlogs_r_fl-1_20261121T0205Z_fe123456.log.parquet"},
		{"Grüße/日志 2.gz", "Grüße/日志 2.gz"},
		{"a!b=c&d.gz", "a!b=c&d.gz"},
		// A name without a dot is a directory's; with one, a file's.
		{"stream-1-2026-11-21", "stream-1-2026-11-21%f"},
		{"v1.2/x.gz", "v1.2%d/x.gz"},
		{"a", "a%f"}, {"a/b", "a/b%f"}, {"a.gz/b.gz", "a.gz%d/b.gz"},
		// What isn't a path.
		{"..", "%2E%2E%f"}, {"../x.gz", "%2E%2E/x.gz"}, {"a/./b.gz", "a/%2E/b.gz"}, {"...", "..."},
		{"/a.gz", "%empty/a.gz"}, {"a//b.gz", "a/%empty/b.gz"}, {"a/", "a/%empty%f"}, {"/", "%empty/%empty%f"},
		{"2026-11-21T02:03:04.gz", "2026-11-21T02%3A03%3A04.gz"},
		{"100%/50%25.gz", "100%25/50%2525.gz"}, {"%empty", "%25empty%f"}, {"x%f.gz", "x%25f.gz"},
		{"tab\tline\n.gz", "tab%09line%0A.gz"}, {`c:\x*?"<>|.gz`, "c%3A%5Cx%2A%3F%22%3C%3E%7C.gz"},
		{"\xff\xfe.gz", "%FF%FE.gz"},
		{strings.Repeat(".", 201), strings.Repeat(".", 200) + "%+/%2E%f"},
		{long + "/" + long + ".gz", long[:200] + "%+/" + long[200:] + "/" + long[:200] + "%+/" + long[200:] + ".gz"},
	}
	for _, test := range tests {
		if got := keyPath(test.key); got != test.path {
			t.Errorf("keyPath(%q)\n got %q\nwant %q", test.key, got, test.path)
		}
		if got, err := pathKey(test.path); err != nil || got != test.key {
			t.Errorf("pathKey(%q)\n got %q, %v\nwant %q", test.path, got, err, test.key)
		}
	}
	for _, path := range []string{"", "a", "x.gz%f", "%zz.gz", "%2.gz", "%41.gz", "a.b/c.gz", "%empty", "..", "a/../b.gz"} {
		if key, err := pathKey(path); err == nil {
			t.Errorf("pathKey(%q) = %q, want an error", path, key)
		}
	}
}

func FuzzKeyPath(f *testing.F) {
	for _, seed := range []string{"a", "a/b", "..", "//", "%", "%2E", "x.gz/", strings.Repeat("長", 100), "%empty", "a%+/b", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if key == "" {
			return // no key is empty
		}
		path := keyPath(key)
		if back, err := pathKey(path); err != nil || back != key {
			t.Fatalf("keyPath(%q) = %q, and back %q, %v", key, path, back, err)
		}
		names := strings.Split(path, "/")
		for i, name := range names {
			if name == "" || name == "." || name == ".." || len(name) > 255 {
				t.Fatalf("keyPath(%q) = %q: %q is no file name", key, path, name)
			}
			isFile := (strings.Contains(name, ".") || strings.HasSuffix(name, markFile)) &&
				!strings.HasSuffix(name, markDir) && !strings.HasSuffix(name, markContinue)
			if isFile != (i == len(names)-1) {
				t.Fatalf("keyPath(%q) = %q: %q could be a file and a directory", key, path, name)
			}
		}
	})
}
