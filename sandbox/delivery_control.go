package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const controlsName = "filters.json"

// control puts the message with which CloudWatch Logs tries out the destination of a filter that is new. Which filters
// have done so is kept; if a crash makes one do it again, nobody minds.
func (t *transfer) control(s Source, sub subscription, a *feedAppend) error {
	d := t.d
	if d.controls == nil {
		if err := d.readControls(); err != nil {
			return err
		}
	}
	id := fmt.Sprint(groupKey(s.Place, s.group), " ", sub.name, " ", sub.stream.ARN(), " ", sub.filter.Created.UTC().Format(time.RFC3339Nano))
	if d.controls[id] {
		return nil
	}
	err := newBatchWriter().write(controlData(t.now), maxControlBytes, func(payload []byte, _ int) error {
		return t.add(a, 0, payload)
	})
	if err != nil {
		return err
	}
	d.controls[id] = true
	data, err := json.Marshal(slices.Sorted(maps.Keys(d.controls)))
	if err != nil {
		return err
	}
	return replaceFile(d.controlsPath(), data)
}

// maxControlBytes is more than a control message ever has.
const maxControlBytes = 1000

func (d *Delivery) controlsPath() string {
	return filepath.Join(d.store.Dir(), deliveryRoot, controlsName)
}

func (d *Delivery) readControls() error {
	data, err := os.ReadFile(d.controlsPath())
	if errors.Is(err, fs.ErrNotExist) {
		d.controls = map[string]bool{}
		return nil
	}
	var ids []string
	if err == nil {
		err = json.Unmarshal(data, &ids)
	}
	if err != nil {
		return fmt.Errorf("sandbox: %s: %w", d.controlsPath(), err)
	}
	d.controls = map[string]bool{}
	for _, id := range ids {
		d.controls[id] = true
	}
	return nil
}
