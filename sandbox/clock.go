package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Clock is the sandbox's time. It stands still while a process works, and moves when it is told to: a Firehose buffer of
// 300 seconds is delivered after 300 seconds of this clock, for which nobody waits. It is kept on disk and never goes
// back; a new process finds it at least where the wall clock is.
type Clock struct {
	path string
	wall func() time.Time

	mu  sync.Mutex
	now time.Time
}

const clockName = "clock.json"

// clockFile is the file's content. Milliseconds are what CloudWatch Logs and Firehose count in.
type clockFile struct {
	Now time.Time `json:"now"`
}

// OpenClock opens the clock in dir (usually .sandbox), and sets it to the wall clock when that is later.
func OpenClock(dir string) (*Clock, error) { return openClock(dir, time.Now) }

// openClock opens a clock that follows another wall clock.
func openClock(dir string, wall func() time.Time) (*Clock, error) {
	c := &Clock{path: filepath.Join(dir, clockName), wall: wall}
	if err := c.read(); err != nil {
		return nil, err
	}
	if t := moment(wall()); t.After(c.now) {
		c.now = t
	}
	return c, nil
}

// sandboxTime is the wall clock, moved on by as much as the sandbox's clock in dir is ahead of it: what is made in the world
// is made at the sandbox's time, one thing after the other.
func sandboxTime(dir string) func() time.Time {
	c, err := OpenClock(dir)
	if err != nil {
		return time.Now // whoever needs the clock will say that it is damaged
	}
	ahead := max(time.Until(c.Now()), 0)
	return func() time.Time { return time.Now().Add(ahead) }
}

// moment is a time as the clock shows it: UTC, in whole milliseconds.
func moment(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// read takes over the time on disk when it is later: another process may have moved it.
func (c *Clock) read() error {
	data, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	var file clockFile
	if err := json.Unmarshal(data, &file); err != nil {
		return fmt.Errorf("sandbox: %s is damaged (%w): remove it, the clock then starts at the present time", c.path, err)
	}
	if file.Now.After(c.now) {
		c.now = moment(file.Now)
	}
	return nil
}

// Now returns the time, in UTC, in whole milliseconds.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Peek returns what Follow would make of the clock, and leaves it as it is.
func (c *Clock) Peek() (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.read(); err != nil {
		return c.now, err
	}
	if t := moment(c.wall()); t.After(c.now) {
		return t, nil
	}
	return c.now, nil
}

// Advance moves the clock forward and returns the new time. A negative duration is an error.
func (c *Clock) Advance(d time.Duration) (time.Time, error) {
	if d < 0 {
		return c.Now(), fmt.Errorf("sandbox: the clock can't go back by %s", -d)
	}
	return c.AdvanceTo(c.Now().Add(d))
}

// AdvanceTo moves the clock to t, and does nothing when t is past. It returns the time.
func (c *Clock) AdvanceTo(t time.Time) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.now
	if err := c.read(); err != nil {
		return before, err
	}
	if t = moment(t); t.After(c.now) {
		c.now = t
	}
	if c.now.Equal(before) {
		return c.now, nil
	}
	data, err := json.Marshal(clockFile{Now: c.now})
	if err == nil {
		err = os.MkdirAll(filepath.Dir(c.path), 0o755)
	}
	if err == nil {
		err = replaceFile(c.path, data)
	}
	if err != nil {
		c.now = before
		return before, fmt.Errorf("sandbox: %w", err)
	}
	return c.now, nil
}

// Follow moves the clock to the wall clock when that is later, and returns the time.
func (c *Clock) Follow() (time.Time, error) { return c.AdvanceTo(c.wall()) }

// replaceFile writes a small file in one step: a crash leaves the old content or the new one.
func replaceFile(path string, data []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new")
	if err != nil {
		return err
	}
	_, err = temporary.Write(data)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return syncDir(filepath.Dir(path))
}
