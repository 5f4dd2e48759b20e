package build

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// unused is how long a zip stays in the cache after its last use.
const unused = 35 * 24 * time.Hour

// cached returns the zip with the key, and builds it if it isn't there.
func (c *compiler) cached(ctx context.Context, key string) (Zip, error) {
	if err := os.MkdirAll(c.Cache, 0o755); err != nil {
		return Zip{}, fmt.Errorf("a folder for what is built: %w", err)
	}
	stem := filepath.Join(c.Cache, c.Function+"-"+string(c.Architecture))
	path := stem + "-" + key + ".zip"
	if found, err := c.read(path); err == nil || !errors.Is(err, os.ErrNotExist) {
		return found, err
	}
	unlock, err := lock(ctx, stem+".lock")
	if err != nil {
		return Zip{}, err
	}
	defer unlock()
	if found, err := c.read(path); err == nil || !errors.Is(err, os.ErrNotExist) {
		return found, err // built while this one waited
	}
	c.Progress(fmt.Sprintf("building function %s for %s", c.Function, c.Architecture))
	building := path + ".new" // nobody else's: the lock is held
	defer os.Remove(building)
	if err := c.compile(ctx, building); err != nil {
		return Zip{}, err
	}
	built, err := c.read(building)
	if err != nil {
		return Zip{}, err
	}
	if err := os.Rename(building, path); err != nil {
		return Zip{}, err
	}
	prune(stem, path)
	built.Path, built.Built = path, true
	return built, nil
}

// read measures a zip, and notes that it is used.
func (c *compiler) read(path string) (Zip, error) {
	file, err := os.Open(path)
	if err != nil {
		return Zip{}, err
	}
	defer file.Close()
	z := Zip{Path: path}
	digest := sha256.New()
	if z.Bytes, err = io.Copy(digest, file); err != nil {
		return Zip{}, err
	}
	if c.MaxBytes > 0 && z.Bytes > c.MaxBytes {
		return Zip{}, &TooLargeError{Function: c.Function, Bytes: z.Bytes, MaxBytes: c.MaxBytes}
	}
	digest.Sum(z.SHA256[:0])
	now := time.Now()
	_ = os.Chtimes(path, now, now) // a cache that can't be written is still one
	return z, nil
}

// lock takes a file lock, which the kernel releases when its holder dies.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	type taken struct {
		unlock func()
		err    error
	}
	got := make(chan taken, 1)
	go func() {
		unlock, err := lockedfile.MutexAt(path).Lock()
		got <- taken{unlock, err}
	}()
	select {
	case t := <-got:
		return t.unlock, t.err
	case <-ctx.Done():
		go func() { // it may still be given; nobody wants it any more
			if t := <-got; t.err == nil {
				t.unlock()
			}
		}()
		return nil, ctx.Err()
	}
}

// prune removes what nobody has used for long: zips of the function, and what killed builds have left. Its failures
// don't matter.
func prune(stem, keep string) {
	paths, err := filepath.Glob(stem + "-*.zip*")
	if err != nil {
		return
	}
	leftovers, err := filepath.Glob(filepath.Join(filepath.Dir(stem), "building-*"))
	if err != nil {
		return
	}
	for _, path := range append(paths, leftovers...) {
		info, err := os.Stat(path)
		if err == nil && path != keep && !strings.HasPrefix(path, keep) && time.Since(info.ModTime()) > unused {
			_ = os.RemoveAll(path)
		}
	}
}
