package tests

import (
	"os"
	"strconv"
	"testing"
)

// long says whether the long versions of tests were asked for, as `make test-long` does.
func long() bool { return os.Getenv("LOGARCHIVE_LONG") != "" }

// seedFromEnvironment is the seed of a run that is to be repeated.
func seedFromEnvironment(t *testing.T) (uint64, bool) {
	t.Helper()
	text, ok := os.LookupEnv("LOGARCHIVE_SEED")
	if !ok {
		return 0, false
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("LOGARCHIVE_SEED: %v", err)
	}
	return seed, true
}
