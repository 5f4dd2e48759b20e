package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/logarchive/logarchive/partition"
)

// Consumer is a role that receives from a queue and reads the objects that it is told of.
type Consumer struct {
	d     *Delivery
	queue Object
	role  partition.ARN
	hop   Hop
}

// Queue finds a queue by its name, or a part of it that no other has, or by its ARN or URL.
func (d *Delivery) Queue(name string) (Object, error) {
	var exact, part, names []Object
	visit(d.world, queueToken, func(o *Object) {
		names = append(names, *o)
		switch n := o.Text("name"); {
		case n == name || o.ARN() == name || o.ID == name:
			exact = append(exact, *o)
		case name != "" && strings.Contains(n, name) && !strings.HasSuffix(n, "-failed"):
			part = append(part, *o)
		}
	})
	if len(exact) == 0 {
		exact = part
	}
	if len(exact) == 1 {
		return exact[0], nil
	}
	var known []string
	for _, o := range names {
		known = append(known, o.Text("name"))
	}
	return Object{}, fmt.Errorf("sandbox: %d queues are called %q; there are %s", len(exact), name, strings.Join(known, ", "))
}

// Consumer returns the consumer of a queue: the role that a stack's configuration says receives from it, or the role with the
// ARN, if that isn't "".
func (d *Delivery) Consumer(queue Object, role string) (*Consumer, error) {
	var roles []string
	visit(d.world, roleToken, func(o *Object) {
		if o.External && slices.Contains(strings.Split(o.Text("queue"), ","), queue.Text("name")) {
			roles = append(roles, o.ARN())
		}
	})
	if role == "" && len(roles) > 0 {
		slices.Sort(roles)
		role = roles[0]
	}
	if role == "" {
		return nil, fmt.Errorf("sandbox: no stack says who receives from queue %s: name a role", queue.Text("name"))
	}
	arn, err := partition.ParseARN(role)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	caller, pairs, err := roleCaller(arn, "consumer")
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	place := partition.Place{Account: arn.Account, Region: queue.Place.Region}
	return &Consumer{d, queue, arn, Hop{Principal: caller, Place: place}.with(pairs...).with("aws:SecureTransport", "true", "s3:TlsVersion", "1.2")}, nil
}

// Role is the ARN of the consumer's role.
func (c *Consumer) Role() string { return c.role.String() }

// authorize asks whether the consumer may do something.
func (c *Consumer) authorize(step, action, resource string, owner partition.Account, pairs ...string) error {
	hop := c.hop.with(pairs...)
	hop.Step, hop.Action, hop.Resource, hop.Owner = step, action, resource, owner
	return c.d.authorizer.Authorize(hop)
}

// Receive returns up to so many messages that are visible, and hides them for the queue's visibility timeout. Those that were
// received as often as the redrive policy allows go to the dead letter queue instead, and those that are older than the queue
// keeps them are gone. What is returned counts as received whatever happens to this process.
func (c *Consumer) Receive(_ context.Context, most int) ([]QueuedMessage, error) {
	d := c.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := c.authorize("the consumer receives", "sqs:ReceiveMessage", c.queue.ARN(), c.queue.Place.Account); err != nil {
		return nil, err
	}
	if err := c.decrypts(); err != nil {
		return nil, err
	}
	if err := d.hold(); err != nil {
		return nil, err
	}
	now, err := d.clock.Follow()
	if err != nil {
		return nil, err
	}
	received, change, err := d.receive(c.queue, now, most)
	if err != nil {
		return nil, err
	}
	return received, d.store.changeQueues(change)
}

// receive works out what receiving from a queue changes.
func (d *Delivery) receive(queue Object, now time.Time, most int) ([]QueuedMessage, *queueChange, error) {
	messages, err := d.store.queued(queue.ARN())
	if err != nil {
		return nil, nil, err
	}
	redrive, mostReceives, err := redriveOf(queue)
	if err != nil {
		return nil, nil, err
	}
	_, hasDead := d.world.ByARN(redrive.Target)
	keep := time.Duration(integer(queue.State, "messageRetentionSeconds", 345600)) * time.Second
	hidden := time.Duration(integer(queue.State, "visibilityTimeoutSeconds", 30)) * time.Second
	var received []QueuedMessage
	change := &queueChange{}
	for _, m := range messages {
		switch {
		case !now.Before(m.Sent.Add(keep)):
			change.Delete = append(change.Delete, m.ID)
		case m.Visible.After(now):
		case hasDead && mostReceives > 0 && m.Receives >= mostReceives:
			// It keeps the time at which it was sent: in the dead letter queue it expires by that.
			m.Queue, m.Visible, m.Receives = redrive.Target, now, 0
			change.Put = append(change.Put, m)
		case len(received) < most:
			m.Receives++
			m.Visible = now.Add(hidden)
			change.Put = append(change.Put, m)
			received = append(received, m)
		}
	}
	return received, change, nil
}

// decrypts asks whether the consumer may decrypt what it receives.
func (c *Consumer) decrypts() error {
	if c.queue.Text("kmsMasterKeyId") == "" {
		return nil
	}
	key, err := c.d.messageKey(c.hop, c.queue)
	if err != nil {
		return err
	}
	via, err := c.queue.Place.ViaService(partition.SQS)
	if err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	return c.authorize("SQS decrypts messages for the consumer", "kms:Decrypt", key.String(), key.Account,
		"kms:ViaService", via, "kms:CallerAccount", string(c.role.Account), "aws:ViaAWSService", "true",
		"kms:EncryptionContext:aws:sqs:arn", c.queue.ARN(), "kms:EncryptionContextKeys", "aws:sqs:arn")
}

// Delete takes a message out of the queue: it is handled.
func (c *Consumer) Delete(_ context.Context, m QueuedMessage) error {
	if err := c.authorize("the consumer deletes a message", "sqs:DeleteMessage", c.queue.ARN(), c.queue.Place.Account); err != nil {
		return err
	}
	return c.d.store.changeQueues(&queueChange{Delete: []string{m.ID}})
}

// Objects returns the objects that a message tells of, in SNS's envelope or without. An event of S3's own test tells of none.
func (m QueuedMessage) Objects() ([]ObjectRef, error) {
	body := []byte(m.Body)
	var sns struct{ TopicArn, Message string }
	if json.Unmarshal(body, &sns) == nil && sns.TopicArn != "" {
		body = []byte(sns.Message)
	}
	var event struct {
		Records []struct {
			S3 struct {
				Bucket struct{ Name string }
				Object struct {
					Key, VersionID string
					Size           int64
				}
			}
		}
	}
	if err := json.Unmarshal(body, &event); err != nil {
		return nil, fmt.Errorf("sandbox: message %s: %w", m.ID, err)
	}
	var refs []ObjectRef
	for _, r := range event.Records {
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil {
			return nil, fmt.Errorf("sandbox: message %s: %w", m.ID, err)
		}
		refs = append(refs, ObjectRef{Bucket: r.S3.Bucket.Name, Key: key, VersionID: r.S3.Object.VersionID, Size: r.S3.Object.Size})
	}
	return refs, nil
}

// Read opens an object as the consumer, who must be allowed to read and decrypt it. The caller closes the file.
func (c *Consumer) Read(_ context.Context, ref ObjectRef) (*os.File, StoredObject, error) {
	bucket, ok := bucketByARN(c.d.world, partition.BucketARN(c.queue.Place.Partition(), ref.Bucket).String())
	if !ok {
		return nil, StoredObject{}, fmt.Errorf("sandbox: NoSuchBucket: %s", ref.Bucket)
	}
	object := bucket.arn + "/" + ref.Key
	action := "s3:GetObject"
	if ref.VersionID != "" {
		action = "s3:GetObjectVersion"
	}
	owner := bucket.object.Place
	if err := c.authorize("the consumer reads an object", action, object, owner.Account); err != nil {
		return nil, StoredObject{}, err
	}
	file, stored, err := c.d.store.OpenVersion(ref.Bucket, ref.Key, ref.VersionID)
	if err != nil || stored.Encryption.Algorithm != kmsAlgorithm {
		return file, stored, err
	}
	context := object
	if stored.Encryption.BucketKey {
		context = bucket.arn
	}
	key, err := partition.ParseARN(stored.Encryption.KeyARN)
	via, viaErr := owner.ViaService(partition.S3)
	if err = errors.Join(err, viaErr); err == nil {
		err = c.authorize("S3 decrypts an object for the consumer", "kms:Decrypt", key.String(), key.Account,
			"kms:ViaService", via, "kms:CallerAccount", string(c.role.Account), "aws:ViaAWSService", "true",
			"kms:EncryptionContext:aws:s3:arn", context, "kms:EncryptionContextKeys", "aws:s3:arn")
	}
	if err != nil {
		return nil, StoredObject{}, errors.Join(err, file.Close())
	}
	return file, stored, nil
}
