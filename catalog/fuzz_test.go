package catalog

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// bytesOf reads values off a fuzzer's bytes; zeros when they end.
type bytesOf struct{ data []byte }

func (b *bytesOf) next(n int) int {
	if len(b.data) == 0 || n == 0 {
		return 0
	}
	x := int(b.data[0])
	b.data = b.data[1:]
	return x % n
}

// fuzzTexts are strings that some rule looks into.
var fuzzTexts = []string{"", "a", "arn:", "arn:a:b", "logs-archive", "!{timestamp:yyyy", "!{a}!{firehose:error-output-type}", "{", "[]", `{"Statement":[1]}`,
	`{"Statement":{"Effect":[],"Action":{},"Principal":{"Service":[1,"x"]}}}`, "alias/aws/x", "STANDARD_IA", "GLACIER", "extended_s3", "aws:kms", "cron(", "\x00\xff", unknown}

// value makes any value: in half of the cases one of the property's kind.
func (b *bytesOf) value(p Property, depth int) resource.PropertyValue {
	kind := p.Kind
	if b.next(2) == 0 || depth > 4 {
		kind = []Kind{String, Bool, Int, List, Map, Any}[b.next(6)]
	}
	switch kind {
	case String:
		return resource.NewStringProperty(fuzzTexts[b.next(len(fuzzTexts))])
	case Bool:
		return resource.NewBoolProperty(b.next(2) == 1)
	case Int, Float:
		return resource.NewNumberProperty([]float64{0, -1, 1, 30, 60, 0.5, 1e18}[b.next(7)])
	case List:
		elem := Property{Kind: Any}
		if p.Elem != nil {
			elem = *p.Elem
		}
		list := make([]resource.PropertyValue, b.next(3))
		for i := range list {
			list[i] = b.value(elem, depth+1)
		}
		return resource.NewArrayProperty(list)
	case Object:
		return resource.NewObjectProperty(b.object(p.Fields, depth+1))
	case Map:
		return resource.NewObjectProperty(resource.PropertyMap{"k": b.value(Property{Kind: String}, depth+1)})
	}
	inner := resource.NewStringProperty("x")
	switch b.next(5) {
	case 0:
		return resource.NewNullProperty()
	case 1:
		return resource.MakeComputed(inner)
	case 2:
		return resource.MakeSecret(inner)
	case 3:
		return resource.NewOutputProperty(resource.Output{Element: inner, Known: b.next(2) == 1, Secret: b.next(2) == 1})
	}
	return resource.NewResourceReferenceProperty(resource.ResourceReference{ID: inner})
}

func (b *bytesOf) object(fields map[string]Property, depth int) resource.PropertyMap {
	out := resource.PropertyMap{}
	for i, name := range sortedNames(fields) {
		if b.next(3) > 0 || i < 2 {
			out[resource.PropertyKey(name)] = b.value(fields[name], depth)
		}
	}
	return out
}

// FuzzTypes gives every type property maps of every shape: nothing panics, and what Check accepts has an id.
func FuzzTypes(f *testing.F) {
	tokens := Tokens()
	for i := range tokens {
		for seed := range byte(4) {
			data := binary.BigEndian.AppendUint16(nil, uint16(i))
			for j := range byte(120) {
				data = append(data, (j+seed)*(2*seed+7))
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 2 {
			return
		}
		typ := table[tokens[int(binary.BigEndian.Uint16(data))%len(tokens)]]
		b := &bytesOf{data[2:]}
		olds, news := b.object(typ.Inputs, 0), b.object(typ.Inputs, 0)
		r := Request{Place: home, Name: "fuzz", Inputs: news}
		failures := typ.Check(r)
		for _, f := range failures {
			if f.Code == "" || f.Reason == "" {
				t.Errorf("%s: failure without code or reason: %+v", typ.Token, f)
			}
		}
		id, state, err := typ.Complete(r)
		if len(failures) == 0 && err != nil {
			t.Errorf("%s: Check accepts %v, Complete says %v", typ.Token, news, err)
		}
		if err == nil && id == "" && !news.ContainsUnknowns() && !strings.Contains(fmt.Sprint(news), unknown) {
			t.Errorf("%s: no id for known inputs %v: %v", typ.Token, news, state)
		}
		typ.Replaces(olds, news)
		typ.References(news)
	})
}
