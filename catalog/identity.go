package catalog

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// draw returns bytes in place of random ones. They depend on the type, the place, the logical name and the salt, and
// on what they are for.
func (c *completion) draw(what string) [32]byte {
	return sha256.Sum256([]byte(strings.Join([]string{
		c.t.Token, string(c.Place.Account), string(c.Place.Region), c.Name, c.Salt, what}, "|")))
}

// hex returns up to 64 hexadecimal digits.
func (c *completion) hex(what string, digits int) string {
	sum := c.draw(what)
	return hex.EncodeToString(sum[:])[:digits]
}

// uuid returns a UUID of version 4.
func (c *completion) uuid(what string) string {
	b := c.draw(what)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// digits returns up to 32 decimal digits.
func (c *completion) digits(what string, n int) string {
	sum := c.draw(what)
	d := make([]byte, n)
	for i := range d {
		d[i] = '0' + sum[i]%10
	}
	return string(d)
}

// uniqueID returns an IAM unique id: a prefix that tells the kind (AROA for roles, ANPA for policies) and 17 letters
// and digits. See https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func (c *completion) uniqueID(prefix string) string {
	sum := c.draw("unique")
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// version returns the opaque version id that AWS Backup gives to plans: 48 letters, digits and signs.
func (c *completion) version() string {
	sum := c.draw("version")
	return base32.StdEncoding.EncodeToString(sum[:])[:48]
}
