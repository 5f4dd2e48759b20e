package catalog

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// ProviderToken is the type of an instance of the AWS provider.
const ProviderToken = "pulumi:providers:aws"

var providerModels = []*model{{
	token: ProviderToken,
	check: func(c *checking) {
		if _, err := ProviderSettings(resource.PropertyMap(c.in)); err != nil {
			c.fail("", CheckFailure, err.Error())
		}
	},
	// The engine gives providers a random id.
	complete: func(c *completion) { c.id = c.uuid("id") },
}}

// engineKey says whether an input of a provider instance is for the engine: it says which plugin to load.
func engineKey(key string) bool { return key == "version" || key == "pluginDownloadURL" }

// Settings are what a provider instance gives to its resources.
type Settings struct {
	// Place is where the instance acts.
	Place partition.Place
	// DefaultTags are put on every resource that takes tags.
	DefaultTags map[string]string
}

// ProviderSettings reads the inputs of a provider instance. The region is the input "region"; the account is that of
// the role in assumeRole, or else the only one of allowedAccountIds. Nested inputs may be objects or, as the engine
// hands them to providers, JSON in a string. An instance whose place can't be told is an error.
func ProviderSettings(inputs resource.PropertyMap) (Settings, error) {
	in := decodeNested(inputs)
	region, err := partition.ParseRegion(in.str("region"))
	if err != nil {
		return Settings{}, fmt.Errorf("region: %w", err)
	}
	account, err := providerAccount(in)
	if err != nil {
		return Settings{}, err
	}
	s := Settings{Place: partition.Place{Account: account, Region: region}, DefaultTags: map[string]string{}}
	for k, v := range in.obj("defaultTags").obj("tags") {
		s.DefaultTags[string(k)] = text(v)
	}
	return s, nil
}

func providerAccount(in view) (partition.Account, error) {
	roles := in.find("assumeRole.roleArn")
	if older := in.find("assumeRoles.roleArn"); len(older) > 0 {
		roles = older[len(older)-1:] // a chain of roles ends in the last one's account
	}
	if len(roles) > 0 {
		arn, err := partition.ParseARN(text(roles[0].value))
		if err != nil {
			return "", fmt.Errorf("%s: %w", roles[0].path, err)
		}
		if want := arn.Partition; in.str("region") != "" && partition.Region(in.str("region")).Partition() != want {
			return "", fmt.Errorf("%s: %q is not in the partition of region %q", roles[0].path, arn, in.str("region"))
		}
		return arn.Account, nil
	}
	ids := in.list("allowedAccountIds")
	if len(ids) != 1 {
		return "", fmt.Errorf("allowedAccountIds: %d accounts and no assumeRole: exactly one says where the provider acts", len(ids))
	}
	account, err := partition.ParseAccount(text(ids[0]))
	if err != nil {
		return "", fmt.Errorf("allowedAccountIds[0]: %w", err)
	}
	return account, nil
}

// decodeNested replaces strings that hold a JSON object or array by what they hold.
func decodeNested(inputs resource.PropertyMap) view {
	out := make(view, len(inputs))
	for k, v := range inputs {
		out[k] = v
		s := text(v)
		if !strings.HasPrefix(s, "{") && !strings.HasPrefix(s, "[") {
			continue
		}
		var decoded any
		if json.Unmarshal([]byte(s), &decoded) == nil {
			out[k] = resource.NewPropertyValue(decoded)
		}
	}
	return out
}
