package stacks

import (
	"maps"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// StackTag is the tag that every resource carries besides the configured ones: which stack it belongs to.
const StackTag = "log-archive:stack"

// providers are where a stack acts.
type providers struct{ home, backup, archive *aws.Provider }

// newProviders registers the three providers. Each refuses to act in any account but its own, whatever the credentials
// are. The region is given, so that neither aws:region nor AWS_REGION decides anything.
func newProviders(ctx *pulumi.Context, s *Spec) (*providers, error) {
	made := &providers{}
	for _, p := range []struct {
		name  string
		place partition.Place
		into  **aws.Provider
	}{{"home", s.Home, &made.home}, {"backup", s.Backup, &made.backup}, {"archive", s.Archive, &made.archive}} {
		tags := maps.Clone(s.Tags)
		if tags == nil {
			tags = map[string]string{}
		}
		tags[StackTag] = s.Stack
		args := &aws.ProviderArgs{
			Region:            pulumi.String(p.place.Region),
			AllowedAccountIds: pulumi.ToStringArray([]string{string(p.place.Account)}),
			DefaultTags:       &aws.ProviderDefaultTagsArgs{Tags: pulumi.ToStringMap(tags)},
		}
		if p.name == "archive" {
			args.AssumeRole = &aws.ProviderAssumeRoleArgs{
				RoleArn:     pulumi.String(s.ArchiveRole.String()),
				ExternalId:  s.externalID(ctx),
				SessionName: pulumi.String(s.NamePrefix),
			}
		}
		provider, err := aws.NewProvider(ctx, p.name, args)
		if err != nil {
			return nil, err
		}
		*p.into = provider
	}
	return made, nil
}

// externalID returns the external id, as a secret in the state if it is one in the configuration.
func (s *Spec) externalID(ctx *pulumi.Context) pulumi.StringPtrInput {
	id := pulumi.String(s.ExternalID)
	if !ctx.IsConfigSecret(Namespace + ":archive") {
		return id
	}
	return pulumi.ToSecret(id.ToStringPtrOutput()).(pulumi.StringPtrOutput)
}
