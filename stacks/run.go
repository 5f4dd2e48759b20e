package stacks

import (
	"encoding/json"
	"maps"
	"os"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/stacks/schema"
)

// Run is the Pulumi program. Its error is a *[ConfigError] if the configuration is wrong, and a *[PreflightError] if what
// it declares violates a rule; nothing has been registered then.
func Run(ctx *pulumi.Context) error {
	spec, err := ParseSpec(ctx.Stack(), programConfig(ctx, os.Getenv))
	if err != nil {
		return err
	}
	return deploy(ctx, spec)
}

// Program returns a program that composes the spec, after its preflight. If the spec has an undecrypted secret, and the engine that runs the
// program has the configuration, the secret is taken from there.
func Program(spec *Spec) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		return deploy(ctx, spec.withSecrets(func(key string) string {
			text, _ := ctx.GetConfig(Namespace + ":" + key)
			return text
		}))
	}
}

// programConfig returns the whole configuration of the running program. The SDK gives access to keys that one knows; a
// key with a typing mistake isn't one of them. But what the SDK knows it has from the environment variable PULUMI_CONFIG,
// which the language host sets to all of it, so the others are read there. A program that runs inside another process
// (inline programs, recordings) has no such variable, or one of that process, which tells nothing: it is used only if it
// is of the same project and stack and says the same about the keys that the SDK knows.
func programConfig(ctx *pulumi.Context, getenv func(string) string) map[string]string {
	config := map[string]string{}
	for _, f := range Fields() {
		key := Namespace + ":" + f.Key
		value, ok := ctx.GetConfig(key)
		if !ok {
			continue
		}
		if ctx.IsConfigSecret(key) && !hasSecret(&f) {
			// Decrypted, it would still be missing in every reading without the engine.
			value = schema.Placeholder
		}
		config[key] = value
	}
	var all map[string]string
	if getenv(pulumi.EnvProject) != ctx.Project() || getenv(pulumi.EnvStack) != ctx.Stack() ||
		json.Unmarshal([]byte(getenv(pulumi.EnvConfig)), &all) != nil {
		return config
	}
	unknown := map[string]string{}
	for key, value := range all {
		if known, ok := ctx.GetConfig(key); ok && known != value {
			return config
		}
		if _, ok := config[key]; !ok && strings.HasPrefix(key, Namespace+":") {
			unknown[key] = value
		}
	}
	maps.Copy(config, unknown)
	return config
}

// hasSecret says whether the field or one below it may be encrypted.
func hasSecret(f *schema.Field) bool {
	if f.Secret || f.Items != nil && hasSecret(f.Items) {
		return true
	}
	for i := range f.Fields {
		if hasSecret(&f.Fields[i]) {
			return true
		}
	}
	return false
}
