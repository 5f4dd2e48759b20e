package schema

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shop is a small description with every kind in it.
func shop() []Field {
	return []Field{
		{Key: "owner", Kind: String, Required: true, Pattern: regexp.MustCompile(`^[a-z]+$`), Accepts: "lower-case letters"},
		{Key: "token", Kind: String, Secret: true},
		{Key: "size", Kind: Integer, Default: 10, Range: Between(1, 20)},
		{Key: "open", Kind: Boolean, Default: true},
		{Key: "labels", Kind: Map},
		{Key: "door", Kind: Object, Fields: []Field{
			{Key: "colour", Kind: String, Default: "red", Values: []string{"red", "green"}},
			{Key: "lockDays", Kind: Integer, Required: true, Range: AtLeast(1)},
		}},
		{Key: "shelves", Kind: List, Items: &Field{Kind: Object, Fields: []Field{
			{Key: "goods", Kind: List, Items: &Field{Kind: String, Required: true}},
			{Key: "isHigh", Kind: Boolean},
		}}},
	}
}

func read(config map[string]string) (Value, []string) {
	report := &Report{}
	full := map[string]string{"aws:region": "nowhere"}
	for k, v := range config {
		full["shop:"+k] = v
	}
	fields := shop()
	value := Read("shop", fields, full, report)
	var lines []string
	for _, p := range report.Problems("shop", fields) {
		lines = append(lines, p.String())
	}
	return value, lines
}

func TestReadFillsInDefaults(t *testing.T) {
	t.Parallel()
	v, problems := read(map[string]string{
		"owner":   "ann",
		"token":   Placeholder,
		"labels":  `{"a":"b"}`,
		"shelves": `[{"goods":["bread","salt"]},{"isHigh":true}]`,
	})
	if problems != nil {
		t.Fatalf("problems: %q", problems)
	}
	shelves := v.Get("shelves").Items()
	got := []any{
		v.Get("owner").Text(), v.Get("token").Text(), v.Get("size").Number(), v.Get("open").Flag(), v.Get("labels").Pairs()["a"],
		v.Get("door").Get("colour").Text(), v.Get("door").Given, len(shelves), shelves[0].Get("goods").Items()[1].Text(),
		shelves[1].Get("isHigh").Flag(), shelves[1].Path,
	}
	want := []any{"ann", Placeholder, 10, true, "b", "red", false, 2, "salt", true, "shop:shelves[1]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestReadReports(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, key, value string
		want             string
	}{
		{"string pattern", "owner", "Ann", `shop:owner: "Ann" is not accepted; want lower-case letters`},
		{"required string empty", "owner", "", `shop:owner: "" is empty; want lower-case letters`},
		{"secret where none may be", "owner", Placeholder, `shop:owner: is a secret; the readings without AWS need it in plain text`},
		{"integer in quotes", "size", `"7"`, `shop:size: "7" is a string; want an integer from 1 to 20 (without quotes)`},
		{"integer with a fraction", "size", "7.5", `shop:size: 7.5 is not a whole number; want an integer from 1 to 20`},
		{"integer out of range", "size", "21", `shop:size: 21 is out of range; want an integer from 1 to 20`},
		{"integer beyond all ranges", "size", "123456789012345678901234567890", `shop:size: 123456789012345678901234567890 is out of range; want an integer from 1 to 20`},
		{"integer as words", "size", "many", `shop:size: "many" is a string; want an integer from 1 to 20`},
		{"boolean in quotes", "open", `"false"`, `shop:open: "false" is a string; want true or false (without quotes)`},
		{"boolean as word", "open", "yes", `shop:open: "yes" is a string; want true or false`},
		{"boolean as number", "open", "1", `shop:open: 1 is a number; want true or false`},
		{"map with a number", "labels", `{"a":1}`, `shop:labels.a: 1 is a number; want a string (put it in quotes)`},
		{"map as list", "labels", `["a"]`, `shop:labels: ["a"] is a list; want an object of strings`},
		{"object without required key", "door", `{"colour":"red"}`, `shop:door.lockDays: is required; want an integer of at least 1`},
		{"enumeration", "door", `{"colour":"blue","lockDays":1}`, `shop:door.colour: "blue" is not one of red, green`},
		{"null", "door", `{"colour":null,"lockDays":1}`, `shop:door.colour: has no value; want one of red, green, or leave the key out`},
		{"object as text", "door", `open`, `shop:door: "open" is a string; want an object with colour, lockDays`},
		{"JSON and more", "door", `{"lockDays":1} x`, `shop:door: "{\"lockDays\":1} x" is a string; want an object with colour, lockDays`},
		{"list of wrong elements", "shelves", `["a"]`, `shop:shelves[0]: "a" is a string; want an object with goods, isHigh`},
		{"list as object", "shelves", `{}`, `shop:shelves: {} is an object; want a list of objects with goods, isHigh`},
		{"nested list", "shelves", `[{"goods":[true]}]`, `shop:shelves[0].goods[0]: true is a boolean; want a string (put it in quotes)`},
		{"unknown key", "sise", "3", `shop:sise: unknown key with value "3"; did you mean size? known here: owner, token, size, open, labels, door, shelves`},
		{"unknown key below", "shelves", `[{"is_high":true}]`, `shop:shelves[0].is_high: unknown key with value true; did you mean isHigh? known here: goods, isHigh`},
		{"key of another level", "goods", `[]`, `shop:goods: unknown key with value "[]"; it belongs to shop:shelves[].goods. known here: owner, token, size, open, labels, door, shelves`},
		{"odd key", "door", `{"a\nb":1,"lockDays":1}`, `shop:door["a\nb"]: unknown key with value 1; known here: colour, lockDays`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			config := map[string]string{"owner": "ann"}
			config[test.key] = test.value
			_, got := read(config)
			if diff := cmp.Diff([]string{test.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadReportsEverythingAtOnceInOrder(t *testing.T) {
	t.Parallel()
	elements := slices.Repeat([]string{`{"isHigh":0}`}, 11)
	v, got := read(map[string]string{
		"shelves": "[" + strings.Join(elements, ",") + "]",
		"zzz":     "1",
		"size":    "0",
		"door":    `{"colour":"blue"}`,
	})
	want := []string{"shop:owner", "shop:size", "shop:door.colour", "shop:door.lockDays"}
	for i := range elements {
		want = append(want, v.Get("shelves").Items()[i].Get("isHigh").Path)
	}
	want = append(want, "shop:zzz")
	var paths []string
	for _, line := range got {
		path, _, _ := strings.Cut(line, ": ")
		paths = append(paths, path)
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Error(diff)
	}
	if v.Get("size").Valid || v.Get("door").Get("colour").OK() || !v.Get("open").Valid {
		t.Error("validity is wrong")
	}
}

func TestReportKeepsTheFirstProblemOfAPath(t *testing.T) {
	t.Parallel()
	r := &Report{}
	r.Add("a:b", "first\n%d", 1)
	r.Add("a:b", "second")
	got := r.Problems("a", nil)
	if diff := cmp.Diff([]Problem{{"a:b", `first\n1`}}, got); diff != "" {
		t.Error(diff)
	}
}

func TestClosest(t *testing.T) {
	t.Parallel()
	candidates := []string{"slowquery", "error", "general", "audit", "vpcId", "trafficType"}
	for wanted, want := range map[string]string{
		"slow-query": "slowquery", "slow_queries": "slowquery", "eror": "error", "gnereal": "general", "vpc_id": "vpcId",
		"VPCID": "vpcId", "traffic": "", "tarfficType": "trafficType", "x": "", "": "", strings.Repeat("e", 1000): "",
	} {
		if got := Closest(wanted, candidates); got != want {
			t.Errorf("Closest(%.20q) = %q, want %q", wanted, got, want)
		}
	}
}

func TestQuoteCutsBetweenCharacters(t *testing.T) {
	t.Parallel()
	got := Quote(strings.Repeat("京", 60))
	if want := `"` + strings.Repeat("京", 33) + `…"`; got != want {
		t.Errorf("got %s", got)
	}
}
