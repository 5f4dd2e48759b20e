package stacks

import (
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/stacks/schema"
)

// counter is a monitor that counts what is registered besides the stack.
type counter struct {
	mu         sync.Mutex
	registered map[string]int // parent, type and name -> how often
}

func (c *counter) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	if args.TypeToken != "pulumi:pulumi:Stack" {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.registered == nil {
			c.registered = map[string]int{}
		}
		// What the engine tells resources apart by: the types of the parents, the type and the name.
		parents := strings.Split(args.RegisterRPC.GetParent(), "::")
		c.registered[parents[max(0, len(parents)-2)]+"$"+args.TypeToken+"::"+args.Name]++
	}
	return args.Name, args.Inputs, nil
}

// doubles returns what is registered twice.
func (c *counter) doubles() []string {
	var list []string
	for urn, n := range c.registered {
		if n > 1 {
			list = append(list, urn)
		}
	}
	return list
}

func (c *counter) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) {
	return nil, errors.New("nothing is looked up")
}

// runWith runs a program with a configuration, of which the keys in secrets are encrypted.
func runWith(c *counter, config map[string]string, secrets []string, program pulumi.RunFunc) error {
	return pulumi.RunErr(program, pulumi.WithMocks(Namespace, "dev", c), func(info *pulumi.RunInfo) {
		info.Config, info.ConfigSecretKeys = config, secrets
	})
}

func TestNothingIsRegisteredWithABadConfiguration(t *testing.T) {
	t.Parallel()
	c := &counter{}
	err := runWith(c, parse(t, whole).with(t, "flowLogs[1].trafficType", "ALLL").engine(t), nil, Run)
	var config *ConfigError
	if !errors.As(err, &config) || len(config.Problems) != 1 || config.Stack != "dev" {
		t.Errorf("got %v", err)
	}
	if n := len(c.registered); n != 0 {
		t.Errorf("%d resources were registered", n)
	}
	if err := runWith(c, parse(t, whole).engine(t), nil, Run); err != nil || len(c.registered) < 60 {
		t.Errorf("%v, %d resources", err, len(c.registered))
	}
}

func TestOnlyTheExternalIDMayBeASecret(t *testing.T) {
	t.Parallel()
	config := parse(t, smallest).engine(t)
	if err := runWith(&counter{}, config, []string{"log-archive:archive"}, Run); err != nil {
		t.Error(err)
	}
	err := runWith(&counter{}, config, []string{"log-archive:sourceAccount"}, Run)
	var bad *ConfigError
	if !errors.As(err, &bad) || bad.Problems[0].Path != "log-archive:sourceAccount" {
		t.Error(err)
	}
}

// What `pulumi up` hands to the program has keys that the SDK can't list.
func TestUnknownKeysOfTheLanguageHostAreFound(t *testing.T) {
	t.Parallel()
	config := parse(t, smallest).engine(t)
	whole := maps.Clone(config)
	whole["log-archive:flowlogs"] = "[]"
	whole["other:flowlogs"] = "[]"
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	stale := maps.Clone(whole)
	stale["log-archive:homeRegion"] = "cn-northwest-1"
	staleText, err := json.Marshal(stale)
	if err != nil {
		t.Fatal(err)
	}
	own := []string{"log-archive:archive", "log-archive:backupRegion", "log-archive:homeRegion", "log-archive:sourceAccount"}
	for _, test := range []struct {
		name string
		env  map[string]string
		want []string
	}{
		{"language host", map[string]string{"PULUMI_PROJECT": "log-archive", "PULUMI_STACK": "dev", "PULUMI_CONFIG": string(text)}, append([]string{"log-archive:flowlogs"}, own...)},
		{"none", nil, own},
		{"another stack's", map[string]string{"PULUMI_PROJECT": "log-archive", "PULUMI_STACK": "prod", "PULUMI_CONFIG": string(text)}, own},
		{"another process's", map[string]string{"PULUMI_PROJECT": "log-archive", "PULUMI_STACK": "dev", "PULUMI_CONFIG": string(staleText)}, own},
		{"no JSON", map[string]string{"PULUMI_PROJECT": "log-archive", "PULUMI_STACK": "dev", "PULUMI_CONFIG": "{"}, own},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got map[string]string
			err := runWith(&counter{}, config, nil, func(ctx *pulumi.Context) error {
				got = programConfig(ctx, func(key string) string { return test.env[key] })
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(test.want)
			if diff := cmp.Diff(test.want, sortedKeys(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// problemLine is a problem as it is printed.
var problemLine = regexp.MustCompile(`^log-archive:[^\n]+: [^\n]+$`)

// FuzzParseSpec reads a JSON object as a configuration, which nothing makes ParseSpec panic about.
func FuzzParseSpec(f *testing.F) {
	f.Add(smallest)
	f.Add(whole)
	for _, p := range problemTable {
		text, err := json.Marshal(parse(f, whole).with(f, p.path, p.value))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, stack := range exampleStacks {
		config, err := LoadConfig("..", stack)
		if err != nil {
			f.Fatal(err)
		}
		text, err := json.Marshal(fromEngine(config))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d document
		if json.Unmarshal([]byte(text), &d) != nil {
			return
		}
		checkParseAndCompose(t, d)
	})
}

// Values far from what anybody writes, for those who run no fuzzer.
func TestParseSpecNeverPanics(t *testing.T) {
	t.Parallel()
	values := []string{"", "null", "[]", "{}", "[[]]", `[null]`, `[{}]`, `{"":{}}`, `[{"name":null}]`, "-1", "1e999", `"`, schema.Placeholder, "\x00", "真"}
	fields := Fields()
	for i := range fields {
		for _, value := range values {
			config := parse(t, whole).engine(t)
			config[Namespace+":"+fields[i].Key] = value
			if _, err := ParseSpec("x", config); err != nil {
				lines(t, err)
			}
		}
	}
}
