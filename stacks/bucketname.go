package stacks

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/logarchive/logarchive/stacks/schema"
)

// checkBucketName says whether a bucket of the archive may have the name. It is stricter than S3 in one point: dots are
// refused, because the certificate of S3's host names doesn't cover them.
//
// See https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
func checkBucketName(name string) error {
	refuse := func(why string) error {
		return fmt.Errorf("%s is not a bucket name: %s; want 3 to 63 lower-case letters, digits and hyphens, a letter or digit first and last", schema.Quote(name), why)
	}
	if len(name) < 3 || len(name) > 63 {
		return refuse(fmt.Sprintf("it has %d characters", len(name)))
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return refuse("it is an IP address")
	}
	for _, c := range name {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-':
		case c == '.':
			return refuse("dots break TLS")
		case c >= 'A' && c <= 'Z':
			return refuse("it has upper-case letters")
		default:
			return refuse(fmt.Sprintf("it has the character %q", c))
		}
	}
	if name[0] == '-' || name[len(name)-1] == '-' {
		return refuse("it begins or ends with a hyphen")
	}
	for _, prefix := range []string{"xn--", "sthree-", "amzn-s3-demo-"} {
		if strings.HasPrefix(name, prefix) {
			return refuse("names that begin with " + prefix + " belong to AWS")
		}
	}
	for _, suffix := range []string{"-s3alias", "--ol-s3", "--x-s3", "--table-s3"} {
		if strings.HasSuffix(name, suffix) {
			return refuse("names that end with " + suffix + " belong to AWS")
		}
	}
	return nil
}
