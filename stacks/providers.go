package stacks

import (
	"maps"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/partition"
)

// StackTag is the tag that every resource carries besides the configured ones: which stack it belongs to.
const StackTag = "log-archive:stack"

// providers are where a stack acts. landing, the archive's account in the home region, is nil where nothing lands; replica is
// nil without one.
type providers struct{ home, backup, archive, landing, replica *aws.Provider }

// newProviders registers the three providers that every stack has, and those of the replica and the landing bucket.
func newProviders(ctx *pulumi.Context, s *Spec) (made *providers, err error) {
	made = &providers{}
	if made.home, err = newProvider(ctx, s, "home", s.Home, nil); err != nil {
		return nil, err
	}
	if made.backup, err = newProvider(ctx, s, "backup", s.Backup, nil); err != nil {
		return nil, err
	}
	if made.archive, err = newProvider(ctx, s, "archive", s.Archive, s.assumeArchive(ctx)); err != nil {
		return nil, err
	}
	if r := s.Replica; r != nil {
		as := s.assume(r.Role, secretIf(ctx, "archive", r.ExternalID))
		if made.replica, err = newProvider(ctx, s, "replica", r.Place, as); err != nil {
			return nil, err
		}
	}
	if !s.lands() {
		return made, nil
	}
	made.landing, err = newProvider(ctx, s, "landing", s.LandingPlace(), s.assumeArchive(ctx))
	return made, err
}

// newProvider registers a provider that acts at a place, with the credentials of a role or the caller's own. It refuses to
// act in any account but its own, whatever the credentials are. The region is given, so that neither aws:region nor
// AWS_REGION decides anything.
func newProvider(ctx *pulumi.Context, s *Spec, name string, place partition.Place, as *aws.ProviderAssumeRoleArgs) (*aws.Provider, error) {
	tags := maps.Clone(s.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[StackTag] = s.Stack
	args := &aws.ProviderArgs{
		Region:            pulumi.String(place.Region),
		AllowedAccountIds: pulumi.ToStringArray([]string{string(place.Account)}),
		DefaultTags:       &aws.ProviderDefaultTagsArgs{Tags: pulumi.ToStringMap(tags)},
	}
	if as != nil {
		args.AssumeRole = as
	}
	return aws.NewProvider(ctx, name, args)
}

// assumeArchive is how a provider gets into the log-archive account.
func (s *Spec) assumeArchive(ctx *pulumi.Context) *aws.ProviderAssumeRoleArgs {
	return s.assume(s.ArchiveRole, secretIf(ctx, "archive", s.ExternalID))
}

func (s *Spec) assume(role partition.ARN, externalID pulumi.StringPtrInput) *aws.ProviderAssumeRoleArgs {
	return &aws.ProviderAssumeRoleArgs{
		RoleArn:     pulumi.String(role.String()),
		ExternalId:  externalID,
		SessionName: pulumi.String(s.NamePrefix),
	}
}

// secretIf returns a text, as a secret in the state if the configuration's key has one.
func secretIf(ctx *pulumi.Context, key, text string) pulumi.StringPtrInput {
	plain := pulumi.String(text)
	if !ctx.IsConfigSecret(Namespace + ":" + key) {
		return plain
	}
	return pulumi.ToSecret(plain.ToStringPtrOutput()).(pulumi.StringPtrOutput)
}
