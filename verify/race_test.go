//go:build race

package verify_test

// The race detector makes everything about ten times slower.
func init() { slack *= 10 }
