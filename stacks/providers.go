package stacks

import (
	"maps"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// StackTag is the tag that every resource carries besides the configured ones: which stack it belongs to.
const StackTag = "log-archive:stack"

// providers are where a stack acts. landing, the archive's account in the home region, is nil where nothing lands.
type providers struct{ home, backup, archive, landing *aws.Provider }

// newProviders registers the providers. Each refuses to act in any account but its own, whatever the credentials
// are. The region is given, so that neither aws:region nor AWS_REGION decides anything.
func newProviders(ctx *pulumi.Context, s *Spec) (*providers, error) {
	made := &providers{}
	type wanted struct {
		name  string
		place partition.Place
		into  **aws.Provider
	}
	all := []wanted{{"home", s.Home, &made.home}, {"backup", s.Backup, &made.backup}, {"archive", s.Archive, &made.archive}}
	if s.lands() {
		all = append(all, wanted{"landing", s.LandingPlace(), &made.landing})
	}
	for _, p := range all {
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
		if p.place.Account == s.Archive.Account {
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
