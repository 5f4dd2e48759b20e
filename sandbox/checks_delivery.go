package sandbox

import (
	"errors"
	"strings"

	"github.com/logarchive/logarchive/catalog"
)

// indexed is the world as delivery reads it, while the world is being changed.
type indexed struct{ *index }

func (x indexed) List(token string) []Object { return x.list(token) }

func (x indexed) ByARN(arn string) (Object, bool) {
	if o := x.arn(strings.TrimSuffix(arn, ":*")); o != nil {
		return *o, true
	}
	return Object{}, false
}

// undeliverable is what a service answers that isn't allowed to write to the bucket that it is told to, or to use the key.
// %[1]s is why.
var undeliverable = map[string]struct{ bucket, key string }{
	trailToken: {
		"InsufficientS3BucketPolicyException: Incorrect S3 bucket policy is detected for the bucket: %[1]s",
		"InsufficientEncryptionPolicyException: Insufficient permissions to access the S3 bucket or the KMS key: %[1]s",
	},
	catalog.DeliveryChannel: {
		"InsufficientDeliveryPolicyException: Insufficient delivery policy to s3 bucket, unable to write to bucket: %[1]s",
		"InsufficientDeliveryPolicyException: Insufficient delivery policy to s3 bucket, unable to use the provided kms key: %[1]s",
	},
	catalog.PublishingDestination: {
		"BadRequestException: The request failed because the GuardDuty service principal does not have permission to the resource specified by the bucket ARN: %[1]s",
		"BadRequestException: The request failed because the GuardDuty service principal does not have permission to the KMS key: %[1]s",
	},
}

// refuseUndeliverable: the services that write files themselves try it out before they say yes. What they try is what delivery
// does later.
func (x *index) refuseUndeliverable(refused *refusals, o *Object) {
	answer, ok := undeliverable[o.Type]
	if !ok {
		return
	}
	world := indexed{x}
	d := &Delivery{world: world, authorizer: NewAuthorizer(world)}
	for _, k := range fileKinds {
		if k.token != o.Type {
			continue
		}
		f := k.read(world, *o)
		if o.Type == catalog.DeliveryChannel {
			f = channelFile(*o) // nothing records yet
		}
		if f == nil {
			continue
		}
		if _, ok := bucketByARN(world, f.bucket); !ok {
			continue // a dangling reference, which is reported as such
		}
		var refusal *Refusal
		if err := f.tryOut(d); errors.As(err, &refusal) {
			form := answer.bucket
			if strings.HasPrefix(refusal.Hop.Action, "kms:") || strings.HasPrefix(refusal.Code, "KMS.") {
				form = answer.key
			}
			code, message, _ := strings.Cut(form, ": ")
			refused.add(code, message, refusal.Error())
		}
	}
	if s, ok := trailCopy(*o); ok && o.Type == catalog.Trail {
		var refusal *Refusal
		t := &transfer{d: d, receipt: &Receipt{}}
		if err := t.authorizeTrailToLogs(s); errors.As(err, &refusal) {
			code := "InvalidCloudWatchLogsLogGroupArnException"
			if refusal.Hop.Action == "sts:AssumeRole" {
				code = "InvalidCloudWatchLogsRoleArnException"
			}
			refused.add(code, "Access denied. Check the permissions and the trust relationships for your role: %s", refusal.Error())
		}
	}
}

// tryOut asks for what writing a file takes, and for what the service asks of the key beforehand.
func (f *serviceFile) tryOut(d *Delivery) error {
	b, w, _, err := f.bucketOf(d)
	if err != nil {
		return err
	}
	_, encryption, err := d.authorizeWrite(w, b, f.key(someHour, "unique"))
	if err != nil || encryption.KeyARN == "" {
		return err
	}
	key, ok := d.world.ByARN(encryption.KeyARN)
	if !ok {
		return nil
	}
	for _, action := range f.keyLooks {
		look := w.hop
		look.Step, look.Action, look.Resource, look.Owner = f.label+" looks at the key", action, encryption.KeyARN, key.Place.Account
		if err := d.authorizer.Authorize(look); err != nil {
			return err
		}
	}
	return nil
}
