package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// controlsName is the file of the filters that have sent their control message, a line each. It needs no care: if a
// crash makes a filter send another one, nobody minds.
const controlsName = "filters"

// maxControlBytes is more than a control message ever has.
const maxControlBytes = 1000

// control puts the message with which CloudWatch Logs tries out the destination of a filter that is new.
func (t *transfer) control(s Source, sub subscription, a *feedAppend) error {
	d := t.d
	if d.controls == nil {
		if err := d.readControls(); err != nil {
			return err
		}
	}
	group := s.group
	if sub.filter.Type == accountPolicyToken {
		group = "" // it is tried once, for all groups
	}
	id := fmt.Sprintf("%q", fmt.Sprint(groupKey(s.Place, group), " ", sub.name, " ", sub.stream.ARN(), " ", sub.filter.Created.UTC().Format(time.RFC3339Nano)))
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
	file, err := os.OpenFile(d.controlsPath(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	_, err = file.WriteString(id + "\n")
	return errors.Join(err, file.Close())
}

func (d *Delivery) controlsPath() string {
	return filepath.Join(d.store.Dir(), deliveryRoot, controlsName)
}

func (d *Delivery) readControls() error {
	data, err := os.ReadFile(d.controlsPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("sandbox: %w", err)
	}
	d.controls = map[string]bool{}
	for id := range strings.Lines(string(data)) {
		d.controls[strings.TrimSuffix(id, "\n")] = true
	}
	return nil
}
