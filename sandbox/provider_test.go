package sandbox

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// trustOf returns the trust policy of a role for services.
func trustOf(t testing.TB, place partition.Place, services ...partition.Service) string {
	t.Helper()
	var principals []partition.Principal
	for _, s := range services {
		p, err := place.ServicePrincipal(s)
		if err != nil {
			t.Fatal(err)
		}
		principals = append(principals, p)
	}
	return policy.Document{Statements: []policy.Statement{{Effect: policy.Allow, Principal: policy.Services(principals...), Action: []string{"sts:AssumeRole"}}}}.JSON()
}

// allowing returns an identity's policy.
func allowing(resource string, actions ...string) string {
	return policy.Document{Statements: []policy.Statement{{Effect: policy.Allow, Action: actions, Resource: []string{resource}}}}.JSON()
}

func TestCheckFindsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	_, s := start(t, Options{})
	c := s.at(t, beijing)
	_, failures, err := c.check(logGroupToken, "g", properties("nmae", "/app", "retentionInDays", 31, "kmsKeyId", 5))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, f := range failures {
		found[string(f.Property)] = f.Reason
	}
	for _, property := range []string{"nmae", "retentionInDays", "kmsKeyId"} {
		if found[property] == "" {
			t.Errorf("no failure for %s: %v", property, found)
		}
	}
}

func TestCheckAddsDefaultTags(t *testing.T) {
	t.Parallel()
	_, s := start(t, Options{})
	c := s.at(t, beijing)
	for name, tc := range map[string]struct{ tags, want any }{
		"none":  {nil, map[string]any{"stack": "test"}},
		"own":   {map[string]any{"team": "a"}, map[string]any{"stack": "test", "team": "a"}},
		"wins":  {map[string]any{"stack": "b"}, map[string]any{"stack": "b"}},
		"other": {map[string]any{"x": ""}, map[string]any{"stack": "test", "x": ""}},
	} {
		inputs := properties("name", "/app/"+name)
		if tc.tags != nil {
			inputs["tags"] = resource.NewPropertyValue(tc.tags)
		}
		m := c.mustCreate(logGroupToken, "g-"+name, inputs)
		want := resource.NewPropertyValue(tc.want)
		if !m.inputs["tagsAll"].DeepEquals(want) || !m.state["tagsAll"].DeepEquals(want) {
			t.Errorf("%s: tagsAll is %v in the inputs and %v in the state, want %v", name, m.inputs["tagsAll"], m.state["tagsAll"], want)
		}
		if _, ok := m.state["tags"]; ok != (tc.tags != nil) {
			t.Errorf("%s: tags are %v", name, m.state["tags"])
		}
	}
	checked, _, err := c.check(logGroupToken, "g", resource.PropertyMap{"name": resource.NewPropertyValue("g"), "tags": unknown()})
	if err != nil || !checked["tagsAll"].IsComputed() {
		t.Errorf("unknown tags: %v, tagsAll %v", err, checked["tagsAll"])
	}
}

func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	w, s := start(t, Options{})
	c := s.at(t, beijing)
	secret := resource.MakeSecret(resource.NewPropertyValue("for my eyes"))
	inputs := resource.PropertyMap{
		"description": secret,
		"tags":        resource.NewPropertyValue(resource.PropertyMap{"open": resource.NewPropertyValue("yes"), "hidden": secret}),
	}
	m := c.mustCreate(keyToken, "key", inputs)
	read, err := c.read(m)
	if err != nil {
		t.Fatal(err)
	}
	news := inputs.Copy()
	news["enableKeyRotation"] = resource.NewPropertyValue(true)
	updated, err := c.update(m, news)
	if err != nil {
		t.Fatal(err)
	}
	for name, state := range map[string]resource.PropertyMap{
		"checked": m.inputs, "created": m.state, "read": read.Outputs, "read inputs": read.Inputs, "updated": updated.Properties,
	} {
		tags := state["tags"]
		if !state["description"].IsSecret() || !tags.IsObject() || !tags.ObjectValue()["hidden"].IsSecret() || tags.ObjectValue()["open"].IsSecret() {
			t.Errorf("%s: description %v, tags %v", name, state["description"], tags)
		}
		if !state["tagsAll"].ContainsSecrets() {
			t.Errorf("%s: tagsAll %v shows the hidden tag", name, state["tagsAll"])
		}
	}
	o, _ := w.Get(keyToken, beijing, string(m.id))
	if o.Text("description") != "for my eyes" {
		t.Errorf("the world holds %v: AWS knows the value", o.State["description"])
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	_, s := start(t, Options{})
	c := s.at(t, beijing)
	lambda := trustOf(t, beijing, partition.Lambda)
	spaced := strings.NewReplacer(`":`, `" : `, `,"`, ",\n \"").Replace(lambda)
	listed := strings.Replace(lambda, `"Action":"sts:AssumeRole"`, `"Action":["sts:AssumeRole"]`, 1)
	if spaced == lambda || listed == lambda {
		t.Fatalf("the variants are not: %s", lambda)
	}
	lifecycle := func(days ...any) resource.PropertyMap {
		var rules []any
		for _, d := range days {
			rules = append(rules, map[string]any{"id": "r", "status": "Enabled", "expiration": map[string]any{"days": d}})
		}
		return properties("bucket", "b", "rules", rules)
	}
	for name, tc := range map[string]struct {
		token      string
		olds, news resource.PropertyMap
		want       map[string]plugin.DiffKind
		dbr        bool
	}{
		"nothing":             {logGroupToken, properties("name", "g"), properties("name", "g"), nil, false},
		"update":              {logGroupToken, properties("name", "g", "retentionInDays", 1), properties("name", "g", "retentionInDays", 3), map[string]plugin.DiffKind{"retentionInDays": plugin.DiffUpdate}, false},
		"add":                 {logGroupToken, properties("name", "g"), properties("name", "g", "retentionInDays", 3), map[string]plugin.DiffKind{"retentionInDays": plugin.DiffAdd}, false},
		"remove":              {logGroupToken, properties("name", "g", "retentionInDays", 3), properties("name", "g"), map[string]plugin.DiffKind{"retentionInDays": plugin.DiffDelete}, false},
		"zero is absent":      {logGroupToken, properties("name", "g", "skipDestroy", false, "tags", map[string]any{}), properties("name", "g", "kmsKeyId", ""), nil, false},
		"explicit name":       {logGroupToken, properties("name", "g"), properties("name", "h"), map[string]plugin.DiffKind{"name": plugin.DiffUpdateReplace}, true},
		"replaced in place":   {logGroupToken, properties("name", "g"), properties("name", "g", "logGroupClass", "INFREQUENT_ACCESS"), map[string]plugin.DiffKind{"logGroupClass": plugin.DiffAddReplace}, true},
		"no name given":       {keyToken, properties("keyUsage", "ENCRYPT_DECRYPT"), properties("keyUsage", "SIGN_VERIFY"), map[string]plugin.DiffKind{"keyUsage": plugin.DiffUpdateReplace}, false},
		"unknown":             {logGroupToken, properties("name", "g"), resource.PropertyMap{"name": resource.NewPropertyValue("g"), "kmsKeyId": unknown()}, map[string]plugin.DiffKind{"kmsKeyId": plugin.DiffAdd}, false},
		"unknown name":        {logGroupToken, properties("name", "g"), resource.PropertyMap{"name": unknown()}, map[string]plugin.DiffKind{"name": plugin.DiffUpdateReplace}, true},
		"nested":              {"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", lifecycle(30.0, 60.0), lifecycle(30.0, 90.0), map[string]plugin.DiffKind{"rules[1].expiration.days": plugin.DiffUpdate}, false},
		"shorter list":        {"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", lifecycle(30.0, 60.0), lifecycle(30.0), map[string]plugin.DiffKind{"rules[1]": plugin.DiffDelete}, false},
		"other bucket":        {"aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2", lifecycle(), properties("bucket", "c"), map[string]plugin.DiffKind{"bucket": plugin.DiffUpdateReplace}, false},
		"tag with a dot":      {logGroupToken, properties("name", "g", "tags", map[string]any{"a.b": "1"}), properties("name", "g", "tags", map[string]any{"a.b": "2"}), map[string]plugin.DiffKind{`tags["a.b"]`: plugin.DiffUpdate}, false},
		"white space":         {roleToken, properties("name", "r", "assumeRolePolicy", lambda), properties("name", "r", "assumeRolePolicy", spaced), nil, false},
		"list of one":         {roleToken, properties("name", "r", "assumeRolePolicy", lambda), properties("name", "r", "assumeRolePolicy", listed), nil, false},
		"another principal":   {roleToken, properties("name", "r", "assumeRolePolicy", lambda), properties("name", "r", "assumeRolePolicy", trustOf(t, beijing, partition.Firehose)), map[string]plugin.DiffKind{"assumeRolePolicy": plugin.DiffUpdate}, false},
		"order of a document": {roleToken, properties("name", "r", "assumeRolePolicy", trustOf(t, beijing, partition.Lambda, partition.Firehose)), properties("name", "r", "assumeRolePolicy", trustOf(t, beijing, partition.Firehose, partition.Lambda)), nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := c.p.Diff(t.Context(), plugin.DiffRequest{URN: urnOf(tc.token, "x"), ID: "x", OldInputs: tc.olds, OldOutputs: tc.olds, NewInputs: tc.news, AllowUnknowns: true})
			if err != nil {
				t.Fatal(err)
			}
			kinds := map[string]plugin.DiffKind{}
			for path, d := range got.DetailedDiff {
				kinds[path] = d.Kind
			}
			if tc.want == nil {
				tc.want = map[string]plugin.DiffKind{}
			}
			if diff := cmp.Diff(tc.want, kinds); diff != "" {
				t.Errorf("detailed diff (-want +got):\n%s", diff)
			}
			if some := got.Changes == plugin.DiffSome; some != (len(tc.want) > 0) {
				t.Errorf("changes: %v", got.Changes)
			}
			if got.DeleteBeforeReplace != tc.dbr {
				t.Errorf("delete before replace: %v, want %v", got.DeleteBeforeReplace, tc.dbr)
			}
		})
	}
}

func TestDiffOfWhatIsSoAlready(t *testing.T) {
	t.Parallel()
	_, s := start(t, Options{})
	c := s.at(t, beijing)
	m := c.mustCreate(roleToken, "r", properties("name", "r", "assumeRolePolicy", trustOf(t, beijing, partition.Lambda)))
	got, err := c.p.Diff(t.Context(), plugin.DiffRequest{URN: m.urn, ID: m.id, OldInputs: m.inputs, OldOutputs: m.state, NewInputs: func() resource.PropertyMap {
		news := m.inputs.Copy()
		news["path"] = resource.NewPropertyValue("/") // what it has by default
		return news
	}()})
	if err != nil || got.Changes != plugin.DiffNone {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestDiffConfigReplacesWhatActsElsewhere(t *testing.T) {
	t.Parallel()
	_, s := start(t, Options{})
	c := s.at(t, beijing)
	home := instanceInputs(t, beijing)
	tagged := home.Copy()
	tagged["defaultTags"] = resource.NewPropertyValue(encoded(t, map[string]any{"tags": map[string]string{"stack": "other"}}))
	for name, tc := range map[string]struct {
		news    resource.PropertyMap
		replace bool
		some    bool
	}{
		"nothing": {home, false, false},
		"tags":    {tagged, false, true},
		"region":  {instanceInputs(t, ningxia), true, true},
		"account": {instanceInputs(t, archive), true, true},
	} {
		got, err := c.p.DiffConfig(t.Context(), plugin.DiffConfigRequest{URN: urnOf("pulumi:providers:aws", "p"), OldInputs: home, OldOutputs: home, NewInputs: tc.news})
		if err != nil {
			t.Fatal(err)
		}
		if replace, some := len(got.ReplaceKeys) > 0, got.Changes == plugin.DiffSome; replace != tc.replace || some != tc.some {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestPreviewKeepsWhatIsUnknownUnknown(t *testing.T) {
	t.Parallel()
	w, s := start(t, Options{})
	c := s.at(t, beijing)
	inputs := resource.PropertyMap{"name": resource.NewPropertyValue("/app"), "kmsKeyId": unknown(), "retentionInDays": resource.NewPropertyValue(7.0)}
	checked, failures, err := c.check(logGroupToken, "g", inputs)
	if err != nil || len(failures) > 0 {
		t.Fatal(err, failures)
	}
	planned, err := c.p.Create(t.Context(), plugin.CreateRequest{URN: urnOf(logGroupToken, "g"), Properties: checked, Preview: true})
	if err != nil {
		t.Fatal(err)
	}
	if planned.ID != "" || !planned.Properties["arn"].IsComputed() || !planned.Properties["kmsKeyId"].IsComputed() || text(planned.Properties, "name") != "/app" {
		t.Errorf("planned creation: id %q, %v", planned.ID, planned.Properties)
	}
	if len(w.List(logGroupToken)) != 0 {
		t.Error("a preview made something")
	}
	m := c.mustCreate(logGroupToken, "g", properties("name", "/app"))
	changed, err := c.p.Update(t.Context(), plugin.UpdateRequest{URN: m.urn, ID: m.id, OldInputs: m.inputs, OldOutputs: m.state, NewInputs: checked, Preview: true})
	if err != nil {
		t.Fatal(err)
	}
	if !changed.Properties["arn"].DeepEquals(m.state["arn"]) || !changed.Properties["kmsKeyId"].IsComputed() {
		t.Errorf("planned update: %v", changed.Properties)
	}
	if _, err := c.p.Create(t.Context(), plugin.CreateRequest{URN: urnOf(keyToken, "k"), Properties: resource.PropertyMap{"policy": unknown()}, Preview: true}); err != nil {
		t.Error(err)
	}
}

func TestUpdateKeepsIdentityAndHistory(t *testing.T) {
	t.Parallel()
	w, s := start(t, Options{})
	c := s.at(t, beijing)
	m := c.mustCreate(vaultToken, "v", properties("name", "vault"))
	o, _ := w.Get(vaultToken, beijing, "vault")
	o.State = o.State.Copy()
	o.State["recoveryPoints"] = resource.NewPropertyValue(3.0) // AWS Backup was here
	if err := w.Put(o); err != nil {
		t.Fatal(err)
	}
	got, err := c.update(m, properties("name", "vault", "tags", map[string]any{"a": "b"}))
	if err != nil {
		t.Fatal(err)
	}
	if n := got.Properties["recoveryPoints"]; !n.IsNumber() || n.NumberValue() != 3 {
		t.Errorf("recovery points after an update: %v", n)
	}
	refused(t, c.delete(m), "InvalidRequestException")
	if err := w.Delete(vaultToken, beijing, "vault"); err != nil {
		t.Fatal(err)
	}
	_, err = c.update(m, properties("name", "vault"))
	refused(t, err, "ResourceNotFoundException")
	if err := c.delete(m); err != nil {
		t.Errorf("deleting what is gone: %v", err)
	}
	if got, err := c.read(m); err != nil || got.ID != "" {
		t.Errorf("reading what is gone: %q, %v", got.ID, err)
	}
}

func TestImportByID(t *testing.T) {
	t.Parallel()
	_, s := start(t, Options{})
	c := s.at(t, archive)
	got, err := c.p.Read(t.Context(), plugin.ReadRequest{URN: urnOf(roleToken, "deployer"), ID: "deployer"})
	if err != nil || text(got.Outputs, "arn") != archive.RoleARN("deployer").String() || text(got.Inputs, "name") != "deployer" {
		t.Errorf("an external role: %v, %v, %v", err, got.Outputs, got.Inputs)
	}
	if _, ok := got.Inputs["arn"]; ok {
		t.Error("the ARN is no input")
	}
}

func TestObjectsThatShareAnID(t *testing.T) {
	t.Parallel()
	_, s := start(t, Options{})
	c := s.at(t, beijing)
	var streams []made
	for _, group := range []string{"/a", "/b"} {
		c.mustCreate(logGroupToken, group, properties("name", group))
		streams = append(streams, c.mustCreate(logStreamToken, group, properties("logGroupName", group, "name", "errors")))
	}
	unfinished := streams[1]
	unfinished.state = resource.PropertyMap{}
	if got, err := c.read(unfinished); err != nil || text(got.Outputs, "logGroupName") != "/b" {
		t.Errorf("a creation whose end the engine doesn't know: %v, %v", got.Outputs, err)
	}
	if err := c.delete(streams[1]); err != nil {
		t.Fatal(err)
	}
	for i, want := range []resource.ID{"errors", ""} {
		if got, err := c.read(streams[i]); err != nil || got.ID != want || want != "" && text(got.Outputs, "logGroupName") != "/a" {
			t.Errorf("stream %d: %q, %v", i, got.ID, err)
		}
	}
}
