package upgrade

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Program is a Pulumi program that declares what a golden graph says.
func Program(golden string) (pulumi.RunFunc, error) {
	all, err := read(golden)
	if err != nil {
		return nil, err
	}
	return func(ctx *pulumi.Context) error {
		d := &declaring{ctx: ctx, made: map[string]pulumi.Resource{}, providers: map[string]pulumi.ProviderResource{}, recorded: map[string]*resource{}}
		for _, r := range all {
			d.recorded[r.label] = r
		}
		for _, r := range all {
			if err := d.declare(r, nil); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// declaring is a golden graph whose resources are being registered.
type declaring struct {
	ctx       *pulumi.Context
	made      map[string]pulumi.Resource
	providers map[string]pulumi.ProviderResource
	recorded  map[string]*resource
}

// live is a registered resource with those outputs that AWS draws at random, or that hold something random.
type live struct {
	pulumi.CustomResourceState
	Arn          pulumi.StringOutput `pulumi:"arn"`
	KeyID        pulumi.StringOutput `pulumi:"keyId"`
	URL          pulumi.StringOutput `pulumi:"url"`
	QualifiedArn pulumi.StringOutput `pulumi:"qualifiedArn"`
}

// component is a registered component.
type component struct{ pulumi.ResourceState }

// declare registers a resource after those that it waits for.
func (d *declaring) declare(r *resource, waiting []string) error {
	if d.made[r.label] != nil {
		return nil
	}
	if slices.Contains(waiting, r.label) {
		return fmt.Errorf("%s waits for itself: %s", r.label, strings.Join(waiting, ", "))
	}
	waiting = append(waiting, r.label)
	first := []string{}
	if r.parent != "" {
		first = append(first, r.parent)
	}
	if r.provider != "" {
		first = append(first, "pulumi:providers:aws "+r.provider)
	}
	for _, dep := range r.after {
		first = append(first, dep.label)
	}
	for _, label := range first {
		other, ok := d.recorded[label]
		if !ok {
			return fmt.Errorf("%s names %s, which isn't in the graph", r.label, label)
		}
		if err := d.declare(other, waiting); err != nil {
			return err
		}
	}
	options, err := d.options(r)
	if err != nil {
		return err
	}
	switch {
	case r.instance():
		return d.provider(r)
	case r.custom():
		res := &live{}
		d.made[r.label] = res
		return d.ctx.RegisterResource(r.token, r.name, d.inputs(r), res, options...)
	}
	res := &component{}
	d.made[r.label] = res
	return d.ctx.RegisterComponentResource(r.token, r.name, res, options...)
}

func (d *declaring) options(r *resource) ([]pulumi.ResourceOption, error) {
	var options []pulumi.ResourceOption
	if r.parent != "" {
		options = append(options, pulumi.Parent(d.made[r.parent]))
	}
	if r.provider != "" {
		options = append(options, pulumi.Provider(d.providers[r.provider]))
	}
	var after []pulumi.Resource
	for _, dep := range r.after {
		after = append(after, d.made[dep.label])
	}
	options = append(options, pulumi.DependsOn(after))
	for _, option := range r.options {
		switch ignored, ok := strings.CutPrefix(option, "ignore changes of "); {
		case ok:
			options = append(options, pulumi.IgnoreChanges(strings.Fields(ignored)))
		case option == "protect":
			options = append(options, pulumi.Protect(true))
		case option == "retain on delete":
			options = append(options, pulumi.RetainOnDelete(true))
		case option == "delete before replace":
			options = append(options, pulumi.DeleteBeforeReplace(true))
		default:
			return nil, fmt.Errorf("%s has an unknown option %q", r.label, option)
		}
	}
	return options, nil
}

// provider registers a provider instance. What isn't given here the SDK sets by itself.
func (d *declaring) provider(r *resource) error {
	text := func(of any) pulumi.StringPtrInput {
		s, _ := of.(string)
		return pulumi.StringPtr(s)
	}
	args := &aws.ProviderArgs{}
	for name, value := range r.inputs {
		nested, _ := value.(map[string]any)
		switch name {
		case "region":
			args.Region = text(value)
		case "allowedAccountIds":
			var ids pulumi.StringArray
			for _, id := range value.([]any) {
				ids = append(ids, pulumi.String(fmt.Sprint(id)))
			}
			args.AllowedAccountIds = ids
		case "defaultTags":
			tags := pulumi.StringMap{}
			for k, v := range nested["tags"].(map[string]any) {
				tags[k] = pulumi.String(fmt.Sprint(v))
			}
			args.DefaultTags = &aws.ProviderDefaultTagsArgs{Tags: tags}
		case "assumeRole":
			args.AssumeRole = &aws.ProviderAssumeRoleArgs{
				RoleArn: text(nested["roleArn"]), ExternalId: text(nested["externalId"]), SessionName: text(nested["sessionName"]),
			}
		case "skipCredentialsValidation", "skipRegionValidation":
		default:
			return fmt.Errorf("provider %s has an unknown input %s", r.name, name)
		}
	}
	made, err := aws.NewProvider(d.ctx, r.name, args)
	if err != nil {
		return err
	}
	d.made[r.label], d.providers[r.name] = made, made
	return nil
}

// inputs are the recorded ones, with the outputs of this world in the place of the recorded outputs.
func (d *declaring) inputs(r *resource) pulumi.Map {
	inputs := pulumi.Map{}
	for name, value := range r.inputs {
		if archive, ok := value.(map[string]any); ok && len(archive) == 2 && archive["archive"] != nil && archive["sha256"] != nil {
			inputs[name] = pulumi.NewAssetArchive(map[string]any{"bootstrap": pulumi.NewStringAsset("an earlier version")})
			continue
		}
		var outputs []any
		var recorded []string
		for _, dep := range r.after {
			other, ok := d.made[dep.label].(*live)
			if !ok || !slices.Contains(strings.Split(dep.properties, ", "), name) {
				continue
			}
			for output, now := range map[string]pulumi.Output{
				"id": other.ID(), "arn": other.Arn, "keyId": other.KeyID, "url": other.URL, "qualifiedArn": other.QualifiedArn,
			} {
				if text := d.recorded[dep.label].outputs[output]; text != "" {
					outputs, recorded = append(outputs, now), append(recorded, text)
				}
			}
		}
		if len(outputs) == 0 {
			inputs[name] = pulumi.Any(value)
			continue
		}
		inputs[name] = pulumi.All(outputs...).ApplyT(func(now []any) any {
			var pairs [][2]string
			for i, text := range recorded {
				pairs = append(pairs, [2]string{text, fmt.Sprint(now[i])})
			}
			return replaced(value, pairs)
		}).(pulumi.AnyOutput)
	}
	return inputs
}

// replaced is a value with other texts in the place of recorded ones. The longest goes first: an ARN has the id in it.
func replaced(value any, pairs [][2]string) any {
	slices.SortFunc(pairs, func(a, b [2]string) int { return cmp.Or(len(b[0])-len(a[0]), cmp.Compare(a[0], b[0])) })
	var flat []string
	for _, p := range pairs {
		flat = append(flat, p[0], p[1])
	}
	return walk(value, strings.NewReplacer(flat...))
}

func walk(value any, r *strings.Replacer) any {
	switch v := value.(type) {
	case string:
		return r.Replace(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = walk(v[i], r)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = walk(v[k], r)
		}
		return out
	}
	return value
}
