package sandbox

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/logarchive/logarchive/partition"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"google.golang.org/protobuf/types/known/structpb"
)

// change is one step of the world, and one entry of the journal: it happens whole or not at all.
type change struct {
	Delete []key     `json:"delete,omitempty"`
	Put    []*Object `json:"put,omitempty"`
}

func (c *change) empty() bool { return len(c.Delete) == 0 && len(c.Put) == 0 }

// snapshot returns the world as journal entries, an object each.
func (w *World) snapshot() ([][]byte, error) {
	// The first entry is empty. It carries the sequence on when nothing exists any more.
	payloads := [][]byte{[]byte(`{}`)}
	for _, o := range w.list("") {
		payload, err := json.Marshal(&change{Put: []*Object{&o}})
		if err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
		payloads = append(payloads, payload)
	}
	return payloads, nil
}

// storedObject is an object in the journal. Properties are in the wire form of Pulumi's plugins, which keeps secrets
// and assets apart from plain values.
type storedObject struct {
	Type     string         `json:"type"`
	ID       string         `json:"id"`
	Account  string         `json:"account"`
	Region   string         `json:"region"`
	URN      string         `json:"urn,omitempty"`
	Inputs   map[string]any `json:"inputs,omitempty"`
	State    map[string]any `json:"state"`
	Created  time.Time      `json:"created"`
	External bool           `json:"external,omitempty"`
	Salt     string         `json:"salt,omitempty"`
}

// MarshalJSON returns the object as it stands in the journal.
func (o *Object) MarshalJSON() ([]byte, error) {
	stored := storedObject{
		Type: o.Type, ID: o.ID, Account: string(o.Place.Account), Region: string(o.Place.Region), URN: o.URN,
		Created: o.Created, External: o.External, Salt: o.salt,
	}
	var err error
	if stored.Inputs, err = encode(o.Inputs); err != nil {
		return nil, fmt.Errorf("%s %s: %w", o.Type, o.ID, err)
	}
	if stored.State, err = encode(o.State); err != nil {
		return nil, fmt.Errorf("%s %s: %w", o.Type, o.ID, err)
	}
	return json.Marshal(stored)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (o *Object) UnmarshalJSON(data []byte) error {
	var stored storedObject
	err := json.Unmarshal(data, &stored)
	if err != nil {
		return err
	}
	*o = Object{
		Type: stored.Type, ID: stored.ID, URN: stored.URN, Created: stored.Created, External: stored.External, salt: stored.Salt,
		Place: partition.Place{Account: partition.Account(stored.Account), Region: partition.Region(stored.Region)},
	}
	if o.Inputs, err = decode(stored.Inputs); err != nil {
		return fmt.Errorf("%s %s: %w", o.Type, o.ID, err)
	}
	if o.State, err = decode(stored.State); err != nil {
		return fmt.Errorf("%s %s: %w", o.Type, o.ID, err)
	}
	return nil
}

func encode(properties resource.PropertyMap) (map[string]any, error) {
	if properties == nil {
		return nil, nil
	}
	wire, err := plugin.MarshalProperties(properties, plugin.MarshalOptions{KeepSecrets: true, KeepResources: true, PropagateNil: true})
	if err != nil {
		return nil, err
	}
	return wire.AsMap(), nil
}

func decode(stored map[string]any) (resource.PropertyMap, error) {
	if stored == nil {
		return nil, nil
	}
	wire, err := structpb.NewStruct(stored)
	if err != nil {
		return nil, err
	}
	return plugin.UnmarshalProperties(wire, plugin.MarshalOptions{KeepSecrets: true, KeepResources: true, PropagateNil: true})
}
