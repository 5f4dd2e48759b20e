package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/logarchive/logarchive/catalog"
	"github.com/logarchive/logarchive/partition"
	"github.com/logarchive/logarchive/policy"
)

const (
	notificationToken      = "aws:s3/bucketNotification:BucketNotification"
	topicToken             = catalog.Topic
	topicPolicyToken       = "aws:sns/topicPolicy:TopicPolicy"
	topicSubscriptionToken = "aws:sns/topicSubscription:TopicSubscription"
)

// announcement is what the creation of objects sends on its way: S3 tells topics and queues, topics tell the queues that are
// subscribed. What is refused on the way goes to the subscription's dead letter queue, or is lost, as at AWS.
type announcement struct {
	d      *Delivery
	change queueChange
	err    error
}

// announce returns the messages of objects that are about to appear. It is called for whatever writes to the store.
func (d *Delivery) announce(objects []StoredObject) (*queueChange, error) {
	a := &announcement{d: d}
	for i := range objects {
		if objects[i].LastModified.IsZero() {
			objects[i].LastModified = d.clock.Now()
		}
		a.created(&objects[i])
	}
	return &a.change, a.err
}

// created tells of one object.
func (a *announcement) created(o *StoredObject) {
	visit(a.d.world, notificationToken, func(n *Object) {
		if n.Text("bucket") != o.Bucket {
			return
		}
		arn := partition.BucketARN(n.Place.Partition(), o.Bucket).String()
		for _, list := range []struct{ name, target, action, step string }{
			{"topics", "topicArn", "sns:Publish", "S3 publishes an event"}, {"queues", "queueArn", "sqs:SendMessage", "S3 sends an event"},
		} {
			for _, item := range objects(n.State[resource.PropertyKey(list.name)]) {
				if !notifies(strs(item["events"]), text(item, "filterPrefix"), text(item, "filterSuffix"), o.Key) {
					continue
				}
				body, err := s3Event(n.Place, text(item, "id"), arn, o)
				caller, callerErr := serviceCaller(n.Place, partition.S3, partition.Deliver)
				if err = errors.Join(err, callerErr); err != nil {
					a.err = errors.Join(a.err, err)
					return
				}
				hop := Hop{Step: list.step, Principal: caller, Action: list.action, Resource: text(item, list.target), Place: n.Place}.
					with("aws:SourceArn", arn, "aws:SourceAccount", string(n.Place.Account), "aws:SecureTransport", "true")
				to, err := a.send(hop)
				switch {
				case err != nil:
					a.lost(o, err)
				case list.name == "queues":
					a.enqueue(to, body, o, "")
				default:
					a.fanOut(to, body, o)
				}
			}
		}
	})
}

// notifies says whether a notification is for the creation of an object. Filters compare keys as events have them.
func notifies(events []string, prefix, suffix, key string) bool {
	created := false
	for _, e := range events {
		created = created || e == "s3:ObjectCreated:*" || e == "s3:ObjectCreated:Put"
	}
	encoded := eventKey(key)
	return created && strings.HasPrefix(encoded, prefix) && strings.HasSuffix(encoded, suffix)
}

// eventKey is a key as events have it: URL-encoded, but for slashes; a space is a plus sign.
func eventKey(key string) string { return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/") }

// s3Event is the message of S3.
//
// See https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func s3Event(place partition.Place, id, bucketARN string, o *StoredObject) (string, error) {
	object := map[string]any{
		"key": eventKey(o.Key), "size": o.Size, "eTag": o.SHA256[:min(32, len(o.SHA256))],
		"sequencer": fmt.Sprintf("%016X", o.LastModified.UnixNano()),
	}
	if o.VersionID != "" {
		object["versionId"] = o.VersionID
	}
	seed := fmt.Sprint(o.Bucket, "/", o.Key, "/", o.VersionID)
	body, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": place.Region, "eventName": "ObjectCreated:Put",
		"eventTime":         o.LastModified.UTC().Format("2006-01-02T15:04:05.000Z"),
		"userIdentity":      map[string]any{"principalId": "AWS:SANDBOX"},
		"requestParameters": map[string]any{"sourceIPAddress": "192.0.2.1"},
		"responseElements":  map[string]any{"x-amz-request-id": strings.ToUpper(uuidOf(seed)[:8]), "x-amz-id-2": uuidOf("2 " + seed)},
		"s3": map[string]any{
			"s3SchemaVersion": "1.0", "configurationId": id,
			"bucket": map[string]any{"name": o.Bucket, "arn": bucketARN, "ownerIdentity": map[string]any{"principalId": "SANDBOX"}},
			"object": object,
		},
	}}})
	if err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	return string(body), nil
}

// send puts the requests of a message to a topic or queue to the authoriser, the one to its key included.
func (a *announcement) send(hop Hop) (Object, error) {
	to, ok := a.d.world.ByARN(hop.Resource)
	if !ok {
		return to, hop.refuse("NotFound", hop.Resource, "%s doesn't exist", hop.Resource)
	}
	hop.Owner = to.Place.Account
	if err := a.d.authorizer.Authorize(hop); err != nil {
		return to, err
	}
	name := to.Text("kmsMasterKeyId")
	if name == "" {
		return to, nil
	}
	key, err := a.d.messageKey(hop, to)
	if err != nil {
		return to, err
	}
	hop.Step, hop.Resource, hop.Owner = hop.Step+" and has it encrypted", key.String(), key.Account
	for _, action := range []string{"kms:GenerateDataKey", "kms:Decrypt"} {
		hop.Action = action
		if err := a.d.authorizer.Authorize(hop); err != nil {
			return to, err
		}
	}
	return to, nil
}

// messageKey finds the key of a queue or topic. A key that AWS manages can't be used by services.
func (d *Delivery) messageKey(hop Hop, of Object) (partition.ARN, error) {
	name := of.Text("kmsMasterKeyId")
	arn, err := partition.ParseARN(name)
	if err != nil {
		resource := "key/" + name
		if strings.HasPrefix(name, "alias/") {
			resource = name
		}
		arn = of.Place.ARN(partition.KMS, resource)
	}
	key, ok := d.world.ByARN(arn.String())
	if ok && key.Type == aliasToken {
		if arn, err = partition.ParseARN(key.Text("targetKeyArn")); err != nil {
			return arn, fmt.Errorf("sandbox: alias %s: %w", key.ID, err)
		}
		key, ok = d.world.ByARN(arn.String())
	}
	switch {
	case !ok:
		return arn, hop.refuse("KMS.NotFoundException", arn.String(), "the key %s doesn't exist", arn)
	case key.PendingDeletion():
		return arn, hop.refuse("KMS.KMSInvalidStateException", arn.String(), "the key %s is pending deletion", arn)
	case key.State["isEnabled"].IsBool() && !boolean(key.State, "isEnabled"):
		return arn, hop.refuse("KMS.DisabledException", arn.String(), "the key %s is disabled", arn)
	}
	return arn, nil
}

// fanOut passes what was published on to the queues that are subscribed.
func (a *announcement) fanOut(topic Object, message string, o *StoredObject) {
	visit(a.d.world, topicSubscriptionToken, func(s *Object) {
		if s.Text("topic") != topic.ARN() || s.Text("protocol") != "sqs" || !filterAccepts(s, message) {
			return
		}
		caller, err := serviceCaller(topic.Place, partition.SNS, partition.Deliver)
		if err != nil {
			a.err = errors.Join(a.err, err)
			return
		}
		body := message
		if !boolean(s.State, "rawMessageDelivery") {
			body, err = envelope(topic, s.Text("arn"), message, o.LastModified)
			a.err = errors.Join(a.err, err)
		}
		hop := Hop{Step: "SNS passes an event on", Principal: caller, Action: "sqs:SendMessage", Resource: s.Text("endpoint"), Place: topic.Place}.
			with("aws:SourceArn", topic.ARN(), "aws:SourceAccount", string(topic.Place.Account), "aws:SecureTransport", "true")
		queue, err := a.send(hop)
		if err != nil {
			var r redrive
			if json.Unmarshal([]byte(s.Text("redrivePolicy")), &r) == nil && r.Target != "" {
				hop.Step, hop.Resource = "SNS keeps an event that it can't pass on", r.Target
				var again error
				if queue, again = a.send(hop); again == nil {
					a.enqueue(queue, body, o, s.ID)
					return
				}
				err = errors.Join(err, again)
			}
			a.lost(o, err)
			return
		}
		a.enqueue(queue, body, o, s.ID)
	})
}

// envelope is what SNS makes of a message without raw delivery. The sandbox has no key of AWS's to sign it with.
//
// See https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
func envelope(topic Object, subscription, message string, at time.Time) (string, error) {
	host, err := topic.Place.Endpoint(partition.SNS)
	if err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	body, err := json.Marshal(map[string]any{
		"Type": "Notification", "MessageId": uuidOf(subscription + message), "TopicArn": topic.ARN(), "Subject": "Amazon S3 Notification",
		"Message": message, "Timestamp": at.UTC().Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "1", "Signature": "SANDBOX",
		"SigningCertURL": "https://" + host + "/SimpleNotificationService-sandbox.pem",
		"UnsubscribeURL": "https://" + host + "/?Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(subscription),
	})
	if err != nil {
		return "", fmt.Errorf("sandbox: %w", err)
	}
	return string(body), nil
}

func (a *announcement) enqueue(queue Object, body string, o *StoredObject, by string) {
	at := o.LastModified.Add(time.Duration(integer(queue.State, "delaySeconds", 0)) * time.Second)
	a.change.Put = append(a.change.Put, QueuedMessage{
		ID:    uuidOf(fmt.Sprint(queue.ARN(), " ", o.Bucket, "/", o.Key, "/", o.VersionID, " ", o.SHA256, " ", by)),
		Queue: queue.ARN(), Body: body, Sent: o.LastModified, Visible: at,
	})
}

func (a *announcement) lost(o *StoredObject, err error) {
	refusal := (*Refusal)(nil)
	if !errors.As(err, &refusal) {
		a.err = errors.Join(a.err, err)
		return
	}
	a.change.Lost = append(a.change.Lost, LostEvent{Bucket: o.Bucket, Key: o.Key, At: o.LastModified, Code: refusal.Code, Reason: err.Error()})
}

// endpointPolicies are the policies of a queue or topic: a property, or resources of their own.
func (a *policyAuthorizer) endpointPolicies(arn partition.ARN) (name string, documents []string) {
	of, ok := a.world.ByARN(arn.String())
	if !ok {
		return "", nil
	}
	token, property, value := queuePolicy, "queueUrl", of.ID
	name = "the policy of queue " + arn.Resource
	if arn.Service == partition.SNS {
		token, property, value, name = topicPolicyToken, "arn", arn.String(), "the policy of topic "+arn.Resource
	}
	visit(a.world, token, func(o *Object) {
		if o.Text(property) == value {
			documents = append(documents, o.Text("policy"))
		}
	})
	if len(documents) == 0 {
		documents = append(documents, of.Text("policy"))
	}
	return name, documents
}

// refuseDeafListener: PutBucketNotificationConfiguration sends a test event to each target, and refuses all of it when one
// doesn't take it.
func (x *index) refuseDeafListener(refused *refusals, o *Object) {
	const message = "Unable to validate the following destination configurations (%s)"
	s3, err := o.Place.PrincipalFor(partition.S3, partition.Deliver)
	if err != nil {
		refused.add("InvalidArgument", message, err)
		return
	}
	allows := func(documents []string, action string) bool {
		for _, d := range documents {
			for _, s := range statements(d) {
				if s.Effect == policy.Allow && s.Principal != nil && anyMatches(principalNames(s.Principal), string(s3)) && anyMatches(s.Action, action) {
					return true
				}
			}
		}
		return false
	}
	for _, list := range []struct{ name, target, token, action string }{
		{"topics", "topicArn", topicPolicyToken, "sns:Publish"}, {"queues", "queueArn", queuePolicy, "sqs:SendMessage"},
	} {
		for _, item := range objects(o.Inputs[resource.PropertyKey(list.name)]) {
			target := x.arn(text(item, list.target))
			if target == nil {
				continue // missing things are reported as such
			}
			documents := []string{target.Text("policy")}
			for _, p := range x.dependents(target, list.token) {
				documents = append(documents, p.Text("policy"))
			}
			if !allows(documents, list.action) {
				refused.add("InvalidArgument", message, fmt.Sprintf("no policy of %s lets %s call %s yet", target.ARN(), s3, list.action))
			}
			if key := x.arn(target.Text("kmsMasterKeyId")); key != nil && !allows([]string{key.Text("policy")}, "kms:GenerateDataKey") {
				refused.add("InvalidArgument", message, fmt.Sprintf("the policy of key %s doesn't let %s encrypt", key.ARN(), s3))
			}
		}
	}
}

func principalNames(p *policy.Principals) []string {
	var names []string
	for _, s := range p.Service {
		names = append(names, string(s))
	}
	if p.Any {
		names = append(names, "*")
	}
	return names
}
