package catalog

import (
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/partition"
)

// Request is one resource as a program declares it.
type Request struct {
	// Place is where the provider instance acts.
	Place partition.Place
	// Name is the logical name, from which the provider makes a physical one where the inputs have none.
	Name string
	// Inputs are the resource's input properties.
	Inputs resource.PropertyMap
	// DefaultTags are the provider's default tags. Tags in the inputs win over them.
	DefaultTags map[string]string
	// Salt makes random ids differ between two creations of the same resource.
	Salt string
}

// Failure is one reason for which AWS, or the provider before it, refuses a resource.
type Failure struct {
	// Property is the path of the property concerned, or "" for the resource as a whole.
	Property string
	// Code is AWS's own error code, or [CheckFailure] when the provider's own schema refuses.
	Code string
	// Reason says what is wrong with which value, and what is accepted.
	Reason string
}

// CheckFailure is the code of a failure that the provider finds by its schema, before AWS is asked.
const CheckFailure = "CheckFailure"

// Error returns "property: reason (code)".
func (f Failure) Error() string {
	if f.Property == "" {
		return fmt.Sprintf("%s (%s)", f.Reason, f.Code)
	}
	return fmt.Sprintf("%s: %s (%s)", f.Property, f.Reason, f.Code)
}

// Reference is something that a resource's inputs point to.
type Reference struct {
	// Property is the path of the input that points.
	Property string
	// TargetToken is the type of what it points to.
	TargetToken string
	// By says what Value is: the target's ARN, its name (the type's NameProperty) or its id.
	By RefKind
	// Value is the ARN, name or id.
	Value string
	// SameRegion and SameAccount say that AWS demands the target in the resource's own region or account.
	SameRegion, SameAccount bool
	// External says that the target may be something that no stack owns, such as a VPC or a database.
	External bool
	// Code is the error code with which AWS answers when the target doesn't exist.
	Code string
}

// RefKind is the way in which a reference names its target.
type RefKind string

// The ways to name a target.
const (
	ByARN  RefKind = "arn"
	ByName RefKind = "name"
	ByID   RefKind = "id"
)

// Type is one resource type. The zero value is of no use: see [Lookup].
type Type struct {
	// Token is Pulumi's name for the type, such as "aws:s3/bucketV2:BucketV2".
	Token string
	// Inputs and Outputs are the properties by name. Outputs has every property that the resource has after its
	// creation, so most inputs are there again.
	Inputs, Outputs map[string]Property
	// Stateful types hold data or grant access to it: their replacement loses something.
	Stateful bool
	// NameProperty is the input that holds the physical name, or "" for types without one.
	NameProperty string
	// ImportIDFromInputs says that the resource's id follows from its inputs, so that one whose creation was cut
	// short can be found again.
	ImportIDFromInputs bool

	model *model
}

// Lookup returns the type with the token, such as "aws:s3/bucketV2:BucketV2".
func Lookup(token string) (*Type, bool) {
	t, ok := table[token]
	return t, ok
}

// Tokens returns the tokens of every type in the table, sorted.
func Tokens() []string {
	tokens := make([]string, 0, len(table))
	for token := range table {
		tokens = append(tokens, token)
	}
	slices.Sort(tokens)
	return tokens
}

// ARN returns the resource's own ARN, as its state has it, or "" for a type that has none. The arn of an event target and of
// a topic's policy is another resource's. (That it is an input says nothing: streams and parameters take theirs, too.)
func (t *Type) ARN(state resource.PropertyMap) string {
	switch t.Token {
	case "aws:cloudwatch/eventTarget:EventTarget", "aws:sns/topicPolicy:TopicPolicy":
		return ""
	}
	return view(state).str("arn")
}

// table is built once from the generated schemas and the hand-written models. A model without a schema, or the
// reverse, is found by a test.
var table = buildTable(models())

func models() []*model {
	return slices.Concat(
		providerModels, s3Models, s3BucketModels, kmsModels, iamModels, firehoseModels, logsModels, accountPolicyModels, destinationModels, alarmModels,
		flowLogModels, backupModels, rdsModels, queueModels, athenaModels, lambdaModels, lambdaTriggerModels, invocationModels, eventModels, parameterModels, systemsManagerModels, balancerModels, machineModels, vpcEndpointModels,
		trailModels, configModels, guardDutyModels, resolverModels)
}

func buildTable(ms []*model) map[string]*Type {
	t := make(map[string]*Type, len(ms))
	for _, m := range ms {
		t[m.token] = newType(m)
	}
	return t
}
