package sandbox

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The clock never goes back, whoever moves it, and is found again at least where it was.
func TestClock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wall := someTime
	open := func() *Clock {
		t.Helper()
		c, err := openClock(dir, func() time.Time { return wall })
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	at := func(c *Clock, want time.Time) {
		t.Helper()
		if got := c.Now(); !got.Equal(want) {
			t.Errorf("the clock shows %s, want %s", got, want)
		}
	}
	c := open()
	at(c, someTime)
	if _, err := c.Advance(5 * time.Minute); err != nil {
		t.Fatal(err)
	}
	wall = someTime.Add(time.Minute)
	if _, err := c.Follow(); err != nil {
		t.Fatal(err)
	}
	at(c, someTime.Add(5*time.Minute))
	if _, err := c.AdvanceTo(someTime); err != nil {
		t.Fatal(err)
	}
	at(c, someTime.Add(5*time.Minute))
	if _, err := c.Advance(-time.Second); err == nil {
		t.Error("back by a second: no error")
	}
	at(open(), someTime.Add(5*time.Minute))
	wall = someTime.Add(time.Hour + 300*time.Microsecond)
	other := open() // another process
	at(other, someTime.Add(time.Hour))
	if _, err := other.Advance(time.Second); err != nil {
		t.Fatal(err)
	}
	if now, err := c.Advance(time.Millisecond); err != nil || !now.Equal(someTime.Add(time.Hour+time.Second)) {
		t.Errorf("the clock shows %s, %v, after another process moved it", now, err)
	}
	if err := os.WriteFile(filepath.Join(dir, clockName), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenClock(dir); err == nil {
		t.Error("a damaged clock: no error")
	}
}
