package verify

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// keyAdministration is what whoever deploys must be able to do with a key, now and at the next change, and what rescues a key
// that was disabled or scheduled for deletion by mistake. The first group are the calls of the provider's Key and Alias
// resources.
var keyAdministration = []string{
	"kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListResourceTags", "kms:PutKeyPolicy",
	"kms:EnableKeyRotation", "kms:TagResource", "kms:UntagResource", "kms:UpdateKeyDescription",
	"kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias",
	"kms:CancelKeyDeletion", "kms:EnableKey", "kms:ListGrants", "kms:ListKeyPolicies",
}

// administration proves that keys can be administered: KMS trusts nobody by itself, not even its own account, and a key whose
// policy forgets its administrator can't be mended by anybody. No log line passes there, so it is no path of a report.
func (e *evaluation) administration() *Path {
	s := &segment{}
	for _, k := range e.sortedKeys() {
		s.to(Stop{Kind: "key", Name: k.Name, Place: k.Place})
		for _, who := range e.administrators(k) {
			q := request{title: "whoever deploys administers the key", caller: who, owner: k.Place.Account, carrier: k.URN}
			s.prove(e, q.do(k.arn, keyAdministration...))
		}
	}
	return &Path{Steps: s.steps}
}

// administrators are the account, and the role that the key's provider acts as, if it says so. Nothing is known of that role's
// own policies: it is taken to be an administrator of its account.
func (e *evaluation) administrators(k *key) []Caller {
	out := []Caller{{Role: k.Place.RootARN().String(), Unbounded: true}}
	if deployer := e.deployers[k.Place]; deployer != "" {
		out = append(out, Caller{Role: deployer, Unbounded: true})
	}
	return out
}

func (d *Deployment) sortedKeys() []*key {
	out := make([]*key, 0, len(d.keys))
	for _, r := range d.byType[typeKey] {
		if k := d.keys[r.text("arn")]; k != nil && !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// Deployer tells as which role the provider of a place acts, so that keys can be proven to stay administrable by it.
func (d *Deployment) Deployer(p partition.Place, role string) error {
	if role == "" {
		return nil
	}
	if arn, err := partition.ParseARN(role); err != nil || arn.Service != partition.IAM {
		return fmt.Errorf("deployer of %s: %q isn't the ARN of a role", p, role)
	}
	d.deployers[p] = role
	return nil
}

// assumedRole is the role that a provider instance assumes. The provider takes nested inputs as JSON text.
func assumedRole(inputs resource.PropertyMap) string {
	v := object(inputs).value("assumeRole")
	if v.IsString() {
		var role struct{ RoleArn string }
		if json.Unmarshal([]byte(v.StringValue()), &role) == nil {
			return role.RoleArn
		}
	}
	return object(inputs).item("assumeRole").text("roleArn")
}
