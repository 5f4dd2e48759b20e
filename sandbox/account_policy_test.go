package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const ownErrors = "/aws/kinesisfirehose/" + testStream

// accountPolicyState is a policy that subscribes every log group but some to the test world's stream.
func accountPolicyState(pattern string, exclude ...string) map[string]any {
	document, _ := json.Marshal(map[string]string{"DestinationArn": testStreamARN, "RoleArn": filterRole, "FilterPattern": pattern})
	state := map[string]any{"policyName": "all", "policyType": catalog.SubscriptionFilterPolicy, "scope": "ALL", "policyDocument": string(document)}
	if len(exclude) > 0 {
		names, _ := json.Marshal(exclude)
		state["selectionCriteria"] = "LogGroupName NOT IN " + string(names)
	}
	return state
}

// addGroup adds a log group without a filter.
func (w *testResources) addGroup(place partition.Place, name, class string) {
	w.add(logGroupToken, place, name, map[string]any{"name": name, "arn": place.LogGroupARN(name).String(), "logGroupClass": class})
}

func groupID(place partition.Place, name string) string {
	return "log-group:" + string(place.Account) + ":" + string(place.Region) + ":" + name
}

// Events of a log group without a filter of its own are delivered by the account's policy, each once; those of a group that has
// a filter and is left out by its filter, each once, too.
func TestAccountPolicyDelivers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTestWorld(t)
	w.addGroup(sourcePlace, "/app/new", "STANDARD")
	w.add(accountPolicyToken, sourcePlace, "all", accountPolicyState("", ownErrors, testGroup, dbGroup, flowGroup))
	d := newTestDelivery(t, w)
	ways := map[string]string{"/app/new": "/app/new -> account policy all -> Firehose logs -> ", testGroup: testGroup + " -> filter to-logs -> Firehose logs -> "}
	sent := map[string][]string{}
	for group, way := range ways {
		s := findSource(t, d, groupID(sourcePlace, group))
		if !strings.HasPrefix(s.Path, way) || strings.Contains(s.Path, " and ") || s.Broken != "" {
			t.Errorf("path %s, broken %q", s.Path, s.Broken)
		}
		lines, err := d.Lines(s, "run", 200)
		if err != nil {
			t.Fatal(err)
		}
		sent[group] = lines
		if receipt, err := d.Send(ctx, s, lines); err != nil || receipt.Selected != 200 {
			t.Fatalf("%s: %+v, %v", group, receipt, err)
		}
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for group := range ways {
		got, refs, err := d.Find(ctx, findSource(t, d, groupID(sourcePlace, group)))
		if err != nil || !cmp.Equal(sent[group], got) || len(refs) != 1 {
			t.Errorf("%s: %d lines in %d objects, %v", group, len(got), len(refs), err)
		}
	}
}

// The two are additive: a group that has a filter and isn't left out is delivered twice, which is what the rule pipeline-once
// is about.
func TestAccountPolicyAndFilterDeliverTwice(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTestWorld(t)
	w.add(accountPolicyToken, sourcePlace, "all", accountPolicyState("", ownErrors))
	d := newTestDelivery(t, w)
	s := findSource(t, d, groupID(sourcePlace, testGroup))
	if _, err := d.Send(ctx, s, []string{"one"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if got, _, err := d.Find(ctx, s); err != nil || !slices.Equal(got, []string{"one", "one"}) {
		t.Errorf("%q, %v", got, err)
	}
}

// What the policy doesn't select goes nowhere.
func TestAccountPolicyLeavesOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		place        partition.Place
		group, class string
		exclude      string
		open         bool
	}{
		"selected":        {sourcePlace, "/app/new", "STANDARD", "/app", true},
		"left out":        {sourcePlace, "/app/new", "STANDARD", "/app/new", false},
		"a star":          {sourcePlace, "/app/new", "STANDARD", "/app/*", true},
		"another class":   {sourcePlace, "/app/new", "INFREQUENT_ACCESS", "/app", false},
		"another region":  {partition.Place{Account: sourcePlace.Account, Region: vaultPlace.Region}, "/app/new", "STANDARD", "/app", false},
		"another account": {partition.Place{Account: vaultPlace.Account, Region: sourcePlace.Region}, "/app/new", "STANDARD", "/app", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestWorld(t)
			w.addGroup(test.place, test.group, test.class)
			w.add(accountPolicyToken, sourcePlace, "all", accountPolicyState("", ownErrors, test.exclude))
			d := newTestDelivery(t, w)
			id := groupID(test.place, test.group)
			refusal := refusalOf(t, d, id)
			if open := refusal == nil; open != test.open {
				t.Errorf("open %t: %v", open, refusal)
			}
			if refusal != nil && !strings.Contains(refusal.Reason, "no subscription filter") {
				t.Errorf("refused: %v", refusal)
			}
			if s := findSource(t, d, id); (s.Broken == "") != test.open {
				t.Errorf("broken %q", s.Broken)
			}
		})
	}
}

// Each link of the way that is taken away refuses, as for a filter.
func TestAccountPolicyRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		take         func(*testResources)
		code, action string
	}{
		"nothing":       {func(*testResources) {}, "", ""},
		"policy":        {func(w *testResources) { w.remove(accountPolicyToken, "all") }, "ResourceNotFoundException", "logs:DescribeSubscriptionFilters"},
		"role":          {func(w *testResources) { w.remove(roleToken, "subscribe-logs") }, "AccessDenied", "sts:AssumeRole"},
		"role's policy": {func(w *testResources) { w.remove(rolePolicyToken, "subscribe-logs:own") }, "AccessDenied", "firehose:PutRecord"},
		"stream":        {func(w *testResources) { w.remove(streamToken, testStreamARN) }, "ResourceNotFoundException", "firehose:PutRecord"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTestWorld(t)
			w.addGroup(sourcePlace, "/app/new", "")
			w.add(accountPolicyToken, sourcePlace, "all", accountPolicyState("", ownErrors))
			test.take(w)
			got := refusalOf(t, newTestDelivery(t, w), groupID(sourcePlace, "/app/new"))
			switch {
			case test.code == "" && got != nil:
				t.Errorf("refused: %v", got)
			case test.code != "" && (got == nil || got.Code != test.code || got.Hop.Action != test.action):
				t.Errorf("got %v, want %s for %s", got, test.code, test.action)
			}
		})
	}
}

// The policy's pattern selects events, and each batch says that an account's policy has selected it. The stream is tried once,
// for all log groups.
func TestAccountPolicyBatches(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTestWorld(t)
	w.addGroup(sourcePlace, "/app/a", "")
	w.addGroup(sourcePlace, "/app/b", "")
	w.add(accountPolicyToken, sourcePlace, "all", accountPolicyState("ERROR", ownErrors))
	d := newTestDelivery(t, w)
	for _, group := range []string{"/app/a", "/app/b"} {
		receipt, err := d.Send(ctx, findSource(t, d, groupID(sourcePlace, group)), []string{"ERROR in " + group, "fine"})
		if err != nil || receipt.Selected != 1 {
			t.Errorf("%s: %+v, %v", group, receipt, err)
		}
	}
	if err := d.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	objects, err := d.store.List(testBucket, "logs/")
	if err != nil || len(objects) != 1 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	var got []string
	file, _, err := d.store.Open(testBucket, objects[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	packed, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	for decoder := json.NewDecoder(bytes.NewReader(gunzip(t, packed))); decoder.More(); {
		var batch subscriptionData
		if err := decoder.Decode(&batch); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(batch.MessageType, " ", batch.LogGroup, " ", batch.SubscriptionFilters, " ", batch.PolicyLevel))
	}
	want := []string{"CONTROL_MESSAGE  [] ", "DATA_MESSAGE /app/a [all] ACCOUNT_LEVEL_POLICY", "DATA_MESSAGE /app/b [all] ACCOUNT_LEVEL_POLICY"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// AWS tries the role when the policy is put, takes one in an account and region, and takes a second one of the same name for a
// change of it.
func TestAccountPolicyCreationsAreRefusedAsByAWS(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	stream, ships, deaf := text(l.stream.state, "arn"), text(l.ships.state, "arn"), text(l.role.state, "arn")
	inputs := func(name, destination, role string, exclude ...string) resource.PropertyMap {
		document, _ := json.Marshal(map[string]string{"DestinationArn": destination, "RoleArn": role, "FilterPattern": ""})
		names, _ := json.Marshal(exclude)
		return properties("policyName", name, "policyType", catalog.SubscriptionFilterPolicy, "policyDocument", string(document), "selectionCriteria", "LogGroupName NOT IN "+string(names))
	}
	refused := func(code, reason string, in resource.PropertyMap) {
		t.Helper()
		if _, err := l.home.create(accountPolicyToken, "refused", in); err == nil || !strings.Contains(err.Error(), code) || !strings.Contains(err.Error(), reason) {
			t.Errorf("got %v, want %s: %s", err, code, reason)
		}
	}
	refused("InvalidParameterException", "does not trust CloudWatch Logs", inputs("all", stream, deaf, "/a"))
	refused("InvalidParameterException", "does not exist", inputs("all", beijing.ARN(partition.Firehose, "deliverystream/none").String(), ships, "/a"))
	early := l.home.mustCreate(roleToken, "early", properties("name", "early", "assumeRolePolicy", trustOf(t, beijing, partition.Logs)))
	refused("InvalidParameterException", "Could not deliver test message", inputs("all", stream, text(early.state, "arn"), "/a"))
	made := l.home.mustCreate(accountPolicyToken, "all", inputs("all", stream, ships, "/a"))
	if made.id != "all" {
		t.Errorf("id %s", made.id)
	}
	refused("LimitExceededException", "1 account policies", inputs("more", stream, ships, "/a"))
	l.home.mustCreate(accountPolicyToken, "again", inputs("all", stream, ships, "/a", "/b"))
	l.home.mustCreate(accountPolicyToken, "index", properties("policyName", "index", "policyType", "FIELD_INDEX_POLICY", "policyDocument", `{"Fields":["a"]}`))
}

// A policy to a destination of another account is held against that account's policy, for both actions.
func TestAccountPolicyToDestination(t *testing.T) {
	t.Parallel()
	l := newLandscape(t)
	theirs := l.s.at(t, partition.Place{Account: partners, Region: beijing.Region})
	theirs.mustCreate(logGroupToken, "group", properties("name", "/app"))
	arn := beijing.ARN(partition.Logs, "destination:central").String()
	l.home.mustCreate(destinationToken, "central", properties("name", "central", "targetArn", text(l.stream.state, "arn"), "roleArn", text(l.ships.state, "arn")))
	open := func(actions ...string) {
		l.home.mustCreate(destinationPolicyToken, fmt.Sprint(len(actions)), properties("destinationName", "central", "accessPolicy",
			document(allow(policy.AWSPrincipals(string(partners)), actions, []string{arn}, nil))))
	}
	in := properties("policyName", "all", "policyType", catalog.SubscriptionFilterPolicy, "policyDocument", `{"DestinationArn":"`+arn+`","FilterPattern":""}`)
	open("logs:PutSubscriptionFilter")
	if _, err := theirs.create(accountPolicyToken, "early", in); err == nil || !strings.Contains(err.Error(), "not authorized to perform PutAccountPolicy") {
		t.Errorf("got %v", err)
	}
	open("logs:PutSubscriptionFilter", "logs:PutAccountPolicy")
	theirs.mustCreate(accountPolicyToken, "all", in)
}
