package policy

import (
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// Request is one thing that a caller asks of AWS.
type Request struct {
	Caller Caller
	Action string // "service:Name", in any case
	// Resource is the ARN of what is acted on, or "*" (also "") for actions that no single resource has.
	Resource string
	// Owner is the account that the resource belongs to, for ARNs that don't say so (S3). Empty means: the caller's.
	Owner   partition.Account
	Context Context
}

// Context is what AWS knows of a request beyond caller, action and resource: condition keys and their values. Keys are
// in any case, as in policies. AWS sets many keys by itself: [Request.Derived] gives those that follow from the
// request, all others are the caller's to fill in.
type Context map[string]Value

// Value is what a context has under one key. The zero value is no value, as if the key were absent.
type Value struct {
	values []string
	list   bool
}

// One returns the value of a single-valued key.
func One(v string) Value { return Value{values: []string{v}} }

// Many returns the values of a multivalued key, such as aws:TagKeys. Conditions on it need ForAllValues or ForAnyValue.
func Many(v ...string) Value { return Value{values: slices.Clone(v), list: true} }

// Values returns the key's values.
func (v Value) Values() []string { return slices.Clone(v.values) }

// null says whether there is nothing to compare: no value, or empty ones only ("a null dataset, such as an empty
// string", as the set operators and Null have it).
func (v Value) null() bool {
	for _, s := range v.values {
		if s != "" {
			return false
		}
	}
	return true
}

// lookup finds a key in any case. Keys of a context that differ in case only are one key in AWS; the same one of them
// is always taken.
func (c Context) lookup(key string) (Value, bool) {
	if v, ok := c[key]; ok {
		return v, len(v.values) > 0
	}
	found := ""
	for k := range c {
		if len(k) == len(key) && strings.EqualFold(k, key) && (found == "" || k < found) {
			found = k
		}
	}
	v := c[found]
	return v, found != "" && len(v.values) > 0
}

// With returns the context with one more single-valued key; c stays as it is.
func (c Context) With(key, value string) Context {
	out := make(Context, len(c)+1)
	for k, v := range c {
		if !strings.EqualFold(k, key) {
			out[k] = v
		}
	}
	out[key] = One(value)
	return out
}

// Derived returns the request with the global condition keys that follow from it added to its context: who the caller
// is (aws:PrincipalArn, aws:PrincipalAccount, aws:PrincipalType, aws:PrincipalIsAWSService, aws:PrincipalServiceName,
// aws:username) and whose the resource is (aws:ResourceAccount). Keys that the context has already stay as they are.
//
// See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (q Request) Derived() Request {
	out := make(Context, len(q.Context)+6)
	for k, v := range q.Context {
		out[k] = v
	}
	set := func(key, value string) {
		if _, ok := out.lookup(key); !ok && value != "" {
			out[key] = One(value)
		}
	}
	c := q.Caller
	isService := "false"
	if c.Kind == ServiceCaller {
		isService = "true"
		set("aws:PrincipalServiceName", string(c.Service))
	}
	set("aws:PrincipalIsAWSService", isService)
	if c.Kind != ServiceCaller && c.Kind != AnonymousCaller && c.Kind != FederatedCaller {
		set("aws:PrincipalAccount", string(c.Account))
		set("aws:PrincipalArn", c.principalARN())
	}
	set("aws:PrincipalType", c.Kind.principalType())
	if c.Kind == UserCaller {
		set("aws:username", c.name)
	}
	if owner := q.owner(); owner != "" {
		set("aws:ResourceAccount", string(owner))
	}
	q.Context = out
	return q
}

// owner returns the account that the resource belongs to; "" when nobody says.
func (q *Request) owner() partition.Account {
	if seg, ok := splitARN(q.Resource); ok {
		if a, err := partition.ParseAccount(seg[4]); err == nil {
			return a
		}
	}
	if q.Owner != "" {
		return q.Owner
	}
	return q.Caller.Account
}
