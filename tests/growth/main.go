// Growth prints the cost of growth: how many resources and bytes of policies each further account, VPC, log group and
// database adds, measured on recorded graphs of the example stacks.
//
//	go run ./tests/growth
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/graph"
	"github.com/logarchive/logarchive/stacks"
)

// Size is what a stack declares: its resources, and the bytes of the largest policy of each sort.
type Size struct{ Resources, Bucket, Key, Destination, Trust int }

// growth is a way in which a stack grows: n of something more.
type growth struct {
	what string
	more func(config map[string]string, n int)
}

// ways are the ways in which stacks grow.
var ways = []growth{
	{"account, via streams", func(c map[string]string, n int) { addAccounts(c, n, stacks.ViaStreams, 1) }},
	{"account, via destination", func(c map[string]string, n int) { addAccounts(c, n, stacks.ViaDestination, 1) }},
	{"VPC", func(c map[string]string, n int) {
		appendTo(c, "flowLogs", n, func(i int) any {
			return map[string]any{"name": fmt.Sprintf("growth-%d", i), "vpcId": fmt.Sprintf("vpc-%017x", i), "method": "s3"}
		})
	}},
	{"log group", func(c map[string]string, n int) {
		appendTo(c, "logGroups", n, func(i int) any { return map[string]any{"name": fmt.Sprintf("/growth/%d", i)} })
	}},
	{"database with one log", func(c map[string]string, n int) {
		appendTo(c, "databases", n, func(i int) any { return database(fmt.Sprintf("growth-%d", i)) })
	}},
}

func database(identifier string) map[string]any {
	return map[string]any{"identifier": identifier, "engine": "mysql", "logTypes": []any{"error"}}
}

// addAccounts adds accounts with a VPC, a database and some log groups each.
func addAccounts(config map[string]string, n int, via string, groups int) {
	appendTo(config, "accounts", n, func(i int) any {
		var names []any
		for g := range groups {
			names = append(names, map[string]any{"name": fmt.Sprintf("/growth/%d", g)})
		}
		return map[string]any{
			"account": fmt.Sprintf("%012d", 700000000000+i), "role": "LogArchiveDeployer", "externalId": "growth", "via": via, "logGroups": names,
			"flowLogs":  []any{map[string]any{"name": "main", "vpcId": fmt.Sprintf("vpc-%017x", i), "method": "s3"}},
			"databases": []any{database("main")},
		}
	})
}

// appendTo appends n elements to a list of the configuration.
func appendTo(config map[string]string, key string, n int, element func(i int) any) {
	key = stacks.Namespace + ":" + key
	var list []any
	if text := config[key]; text != "" {
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			panic(err) // the examples are tested
		}
	}
	for i := range n {
		list = append(list, element(i))
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic(err)
	}
	config[key] = string(text)
}

// measure records an example stack with n of something more. The replay function is left out: with it, the archive's policy
// has room for fewer accounts (docs/decisions.md, D22).
func measure(root, stack string, more func(map[string]string, int), n int) (Size, error) {
	config, err := stacks.LoadConfig(root, stack)
	if err != nil {
		return Size{}, err
	}
	config = maps.Clone(config)
	delete(config, stacks.Namespace+":replay")
	more(config, n)
	spec, err := stacks.ParseSpec(stack, config)
	if err != nil {
		return Size{}, err
	}
	g, err := spec.Record(context.Background())
	if err != nil {
		return Size{}, err
	}
	return sizeOf(g), nil
}

func sizeOf(g *graph.Graph) Size {
	s := Size{Resources: len(g.Resources)}
	largest := func(into *int, r *graph.Resource, property string) {
		if v, ok := r.Inputs[resource.PropertyKey(property)]; ok && v.IsString() {
			*into = max(*into, len(v.StringValue()))
		}
	}
	for _, r := range g.Resources {
		switch r.Type[strings.LastIndexByte(r.Type, ':')+1:] {
		case "BucketPolicy":
			largest(&s.Bucket, r, "policy")
		case "Key":
			largest(&s.Key, r, "policy")
		case "LogDestinationPolicy":
			largest(&s.Destination, r, "accessPolicy")
		case "Role":
			largest(&s.Trust, r, "assumeRolePolicy")
		}
	}
	return s
}

// step is what each one of n adds, between two sizes.
func step(from, to Size, n int) [5]float64 {
	per := func(a, b int) float64 { return float64(b-a) / float64(n) }
	return [5]float64{per(from.Resources, to.Resources), per(from.Bucket, to.Bucket), per(from.Key, to.Key), per(from.Destination, to.Destination), per(from.Trust, to.Trust)}
}

// sample is a multiple of the number of destinations, so that each gets as many accounts as the others.
const sample = 32

func run(root string) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STACK\tEACH FURTHER\tRESOURCES\tBUCKET POLICY\tKEY POLICY\tDESTINATION POLICY\tTRUST POLICY")
	for _, stack := range []string{"beijing", "global"} {
		for _, way := range ways {
			from, err := measure(root, stack, way.more, sample)
			if err != nil {
				return err
			}
			to, err := measure(root, stack, way.more, 2*sample)
			if err != nil {
				return err
			}
			s := step(from, to, sample)
			fmt.Fprintf(w, "%s\t%s\t%.3g\t%.3g bytes\t%.3g bytes\t%.3g bytes\t%.3g bytes\n", stack, way.what, s[0], s[1], s[2], s[3], s[4])
		}
	}
	fmt.Fprintln(w, "\t\t\t\t\t\t\nSTACK\tWITH 200 ACCOUNTS\tRESOURCES\tBUCKET POLICY\tKEY POLICY\tDESTINATION POLICY\tTRUST POLICY")
	for _, stack := range []string{"beijing", "global"} {
		for _, way := range ways[:2] {
			s, err := measure(root, stack, way.more, 200)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%d of 20480\t%d of 32768\t%d of 5120\t%d of 2048\n", stack, way.what, s.Resources, s.Bucket, s.Key, s.Destination, s.Trust)
		}
	}
	return w.Flush()
}

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "growth:", err)
		os.Exit(1)
	}
}
