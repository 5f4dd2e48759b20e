package components

import (
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/logarchive/logarchive/policy"
)

// keyDeletionDays is the longest time that KMS waits before it deletes a key, if ever somebody schedules that.
const keyDeletionDays = 30

// A keySpec is a symmetric key of this project: its yearly rotation is on, and it is never deleted with its stack.
type keySpec struct {
	name, description string
	alias             string // without alias/
	policy            policy.Document
	tags              map[string]string
}

// register registers the key, protected and retained, and its alias, which isn't: it can be made again.
func (s keySpec) register(ctx *pulumi.Context, opts ...pulumi.ResourceOption) (*kms.Key, error) {
	key, err := s.registerKey(ctx, opts...)
	if err != nil {
		return nil, err
	}
	return key, s.registerAlias(ctx, key, opts...)
}

func (s keySpec) registerKey(ctx *pulumi.Context, opts ...pulumi.ResourceOption) (*kms.Key, error) {
	return kms.NewKey(ctx, s.name, &kms.KeyArgs{
		Description:          pulumi.String(s.description),
		EnableKeyRotation:    pulumi.Bool(true),
		DeletionWindowInDays: pulumi.Int(keyDeletionDays),
		Policy:               pulumi.String(s.policy.JSON()),
		Tags:                 tags(s.tags),
	}, pulumi.Composite(opts...), pulumi.Protect(true), pulumi.RetainOnDelete(true))
}

func (s keySpec) registerAlias(ctx *pulumi.Context, key *kms.Key, opts ...pulumi.ResourceOption) error {
	_, err := kms.NewAlias(ctx, s.name, &kms.AliasArgs{Name: pulumi.String("alias/" + s.alias), TargetKeyId: key.KeyId}, opts...)
	return err
}
