package sandbox

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/logarchive/logarchive/partition"
)

// A line of a flow log is a flow record, and a flow record has no room for text. So the lines that a flow log is sent
// are ids, and each becomes a record that looks like any other and holds the id in the values of its fields. The id can
// be read back from the record alone:
//
//	bits = check (32) | body
//	body = mode (1) | length (6) | characters | zeros,   all of it XORed with a key stream that check seeds
//
// check is a hash of the flow log's id and the line's id: so neighbouring ids look nothing alike, and a record that
// wasn't made from an id, or was made for another flow log of the same log group, isn't mistaken for one. Characters
// take 6 bits each when all are of 0-9 A-Z a-z - _ (mode 0), otherwise 8 (mode 1). The bits then fill these fields, as
// far as the format has them, in this order:
//
//	interface-id, instance-id, tgw-attachment-id, tgw-pair-attachment-id, tgw-src-eni, tgw-dst-eni   64 each
//	srcaddr (or else pkt-srcaddr)   24, as 10.x.y.z          dstaddr (or else pkt-dstaddr)   28, public
//	srcport   15, from 32768        dstport   4, of sixteen well-known ones                  protocol   1: TCP or UDP
//	packets   16, from 1            bytes   24, above 40 for each packet
//
// interface-id carries nothing when the flow log watches that very interface. The default format carries 22 characters
// (12 for one interface). Times, action and all other fields carry nothing.
type flowCodec struct {
	fields   []flowField
	index    map[string]int // of a field in fields
	carriers []flowCarrier
	bits     int
	constant map[string]string
	flowLog  string // its id
	traffic  string // ALL, ACCEPT, REJECT
	most     int    // seconds that a flow lasts
}

// flowCarrier is a field that carries bits. base is what a value is counted from, for which it sees the packets.
type flowCarrier struct {
	field  string
	bits   int
	encode func(v, packets uint64) string
	decode func(s string, packets uint64) (uint64, bool)
}

const (
	checkBits  = 32
	modeBits   = 1
	lengthBits = 6
	maxFlowID  = 1<<lengthBits - 1
	// idCharacters are those that take 6 bits.
	idCharacters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
	bytesOfIP    = 40 // an IP and a TCP header: no packet has less
)

var (
	knownPorts   = [16]string{"443", "80", "22", "53", "3306", "5432", "6379", "8080", "8443", "9092", "9200", "25", "123", "389", "1433", "27017"}
	publicOctets = [16]string{"3", "13", "15", "18", "34", "35", "43", "44", "50", "52", "54", "63", "68", "99", "107", "175"}
)

func newFlowCodec(f *flowLog) (*flowCodec, error) {
	c := &flowCodec{
		fields: f.fields, index: map[string]int{}, constant: f.constants(), flowLog: f.object.ID, traffic: f.traffic,
		most: min(f.aggregation, 60),
	}
	for i, field := range f.fields {
		c.index[field.name] = i
	}
	for _, carrier := range flowCarriers() {
		_, has := c.index[carrier.field]
		_, fixed := c.constant[carrier.field]
		_, plain := c.index[strings.TrimPrefix(carrier.field, "pkt-")]
		if !has || fixed || (strings.HasPrefix(carrier.field, "pkt-") && plain) {
			continue
		}
		c.carriers = append(c.carriers, carrier)
		c.bits += carrier.bits
	}
	if plain, _ := c.capacity(); plain < 4 {
		return nil, fmt.Errorf("the sandbox can't tell the records of %s apart: its format %q has room for ids of %d characters; it needs more of the fields interface-id, srcaddr, dstaddr, srcport, dstport, packets, bytes", f.object.ID, flowFieldNames(f.fields), plain)
	}
	return c, nil
}

// capacity returns how long an id may be: of plain characters, and of any bytes.
func (c *flowCodec) capacity() (plain, raw int) {
	room := max(0, c.bits-checkBits-modeBits-lengthBits)
	return min(room/6, maxFlowID), min(room/8, maxFlowID)
}

// check says whether an id fits.
func (c *flowCodec) check(id string) error {
	plain, raw := c.capacity()
	switch isPlain := strings.Trim(id, idCharacters) == ""; {
	case id == "":
		return fmt.Errorf("a line of a flow log is the id of a flow record, and not empty")
	case isPlain && len(id) > plain, !isPlain && len(id) > raw:
		return fmt.Errorf("a line of a flow log is the id of a flow record, and %s has room for ids of %d characters 0-9 A-Z a-z - _, or %d bytes of any kind; this one has %d", c.flowLog, plain, raw, len(id))
	}
	return nil
}

// record makes the record of an id that fits: its fields in order.
func (c *flowCodec) record(id string, at time.Time) []string {
	row := make([]string, len(c.fields))
	check := c.sum(id)
	body := packBits(c.bits - checkBits)
	alphabet, width := "", 8
	if strings.Trim(id, idCharacters) == "" {
		alphabet, width = idCharacters, 6
	}
	body.put(uint64(width-6)/2, modeBits)
	body.put(uint64(len(id)), lengthBits)
	for i := range len(id) {
		v := uint64(id[i])
		if alphabet != "" {
			v = uint64(strings.IndexByte(alphabet, id[i]))
		}
		body.put(v, width)
	}
	all := packBits(c.bits)
	all.put(uint64(check), checkBits)
	stream := c.keyStream(check)
	body.at, stream.at = 0, 0
	for left := c.bits - checkBits; left > 0; left -= 32 {
		n := min(left, 32)
		all.put(body.take(n)^stream.take(n), n)
	}
	all.at = 0
	packets := uint64(1)
	for _, carrier := range c.carriers {
		v := all.take(carrier.bits)
		if carrier.field == "packets" {
			packets = v + 1
		}
		row[c.index[carrier.field]] = carrier.encode(v, packets)
	}
	c.complete(row, check, at)
	return row
}

// complete fills the fields that carry nothing. What varies among them is drawn from check.
func (c *flowCodec) complete(row []string, check uint32, at time.Time) {
	get := func(name string) string {
		if i, ok := c.index[name]; ok {
			return row[i]
		}
		return ""
	}
	for i, field := range c.fields {
		if row[i] != "" {
			continue
		}
		value, known := c.constant[field.name]
		switch {
		case known:
		case field.name == "end":
			value = strconv.FormatInt(at.Unix(), 10)
		case field.name == "start":
			value = strconv.FormatInt(at.Unix()-1-int64(check)%int64(c.most), 10)
		case field.name == "action":
			value = c.traffic
			if c.traffic == "ALL" {
				value = [4]string{"ACCEPT", "ACCEPT", "ACCEPT", "REJECT"}[check>>30]
			}
		case field.name == "tcp-flags":
			value = "19" // SYN-ACK and FIN
			if get("protocol") == "17" {
				value = "0"
			}
		case field.name == "flow-direction":
			value = [2]string{"ingress", "egress"}[check>>29&1]
		case field.name == "pkt-srcaddr":
			value = get("srcaddr")
		case field.name == "pkt-dstaddr":
			value = get("dstaddr")
		default:
			value = "-"
		}
		row[i] = value
	}
}

// id reads the id back from a record's fields by name. It reports false for a record that this flow log didn't make.
func (c *flowCodec) id(value func(field string) string) (string, bool) {
	all := packBits(c.bits)
	packets := uint64(1)
	for _, carrier := range c.carriers {
		v, ok := carrier.decode(value(carrier.field), packets)
		if !ok || v>>carrier.bits != 0 {
			return "", false
		}
		if carrier.field == "packets" {
			packets = v + 1
		}
		all.put(v, carrier.bits)
	}
	all.at = 0
	check := uint32(all.take(checkBits))
	stream := c.keyStream(check)
	body := packBits(c.bits - checkBits)
	for left := c.bits - checkBits; left > 0; left -= 32 {
		n := min(left, 32)
		body.put(all.take(n)^stream.take(n), n)
	}
	body.at = 0
	width := 6 + 2*int(body.take(modeBits))
	length := int(body.take(lengthBits))
	if checkBits+modeBits+lengthBits+length*width > c.bits {
		return "", false
	}
	id := make([]byte, length)
	for i := range id {
		id[i] = byte(body.take(width))
		if width == 6 {
			id[i] = idCharacters[id[i]]
		}
	}
	for body.at < body.bits {
		if body.take(1) != 0 {
			return "", false
		}
	}
	return string(id), c.sum(string(id)) == check
}

func (c *flowCodec) sum(id string) uint32 {
	sum := sha256.Sum256([]byte(c.flowLog + "\x00" + id))
	return binary.BigEndian.Uint32(sum[:])
}

// keyStream returns as many bits as a record can carry.
func (c *flowCodec) keyStream(check uint32) *bitString {
	stream := packBits(c.bits)
	seed := binary.BigEndian.AppendUint32([]byte(c.flowLog), check)
	for block := byte(0); stream.at < stream.bits; block++ {
		sum := sha256.Sum256(append(seed, block))
		for _, b := range sum {
			n := min(8, stream.bits-stream.at)
			stream.put(uint64(b)>>(8-n), n)
		}
	}
	stream.at = 0
	return stream
}

// bitString is a string of bits, written or read from at on.
type bitString struct {
	data []byte
	bits int
	at   int
}

func packBits(bits int) *bitString { return &bitString{data: make([]byte, (bits+7)/8), bits: bits} }

// put writes the lowest n bits of v, the highest of them first.
func (b *bitString) put(v uint64, n int) {
	for i := n - 1; i >= 0; i-- {
		if v>>i&1 != 0 {
			b.data[b.at/8] |= 0x80 >> (b.at % 8)
		}
		b.at++
	}
}

func (b *bitString) take(n int) uint64 {
	var v uint64
	for range n {
		v = v<<1 | uint64(b.data[b.at/8]>>(7-b.at%8)&1)
		b.at++
	}
	return v
}

func flowCarriers() []flowCarrier {
	return []flowCarrier{
		hexCarrier("interface-id", "eni-0"), hexCarrier("instance-id", "i-0"),
		hexCarrier("tgw-attachment-id", "tgw-attach-0"), hexCarrier("tgw-pair-attachment-id", "tgw-attach-0"),
		hexCarrier("tgw-src-eni", "eni-0"), hexCarrier("tgw-dst-eni", "eni-0"),
		privateAddress("srcaddr"), privateAddress("pkt-srcaddr"), publicAddress("dstaddr"), publicAddress("pkt-dstaddr"),
		numberCarrier("srcport", 15, 32768, 0), tableCarrier("dstport", knownPorts[:]), tableCarrier("protocol", []string{"6", "17"}),
		numberCarrier("packets", 16, 1, 0), numberCarrier("bytes", 24, 0, bytesOfIP),
	}
}

// hexCarrier is an id such as eni-0123456789abcdef0.
func hexCarrier(field, prefix string) flowCarrier {
	return flowCarrier{field, 64,
		func(v, _ uint64) string { return fmt.Sprintf("%s%016x", prefix, v) },
		func(s string, _ uint64) (uint64, bool) {
			digits, ok := strings.CutPrefix(s, prefix)
			v, err := strconv.ParseUint(digits, 16, 64)
			return v, ok && err == nil && len(digits) == 16
		},
	}
}

func privateAddress(field string) flowCarrier {
	return flowCarrier{field, 24,
		func(v, _ uint64) string { return "10." + octets(v) },
		func(s string, _ uint64) (uint64, bool) {
			rest, ok := strings.CutPrefix(s, "10.")
			v, fits := parseOctets(rest)
			return v, ok && fits
		},
	}
}

func publicAddress(field string) flowCarrier {
	return flowCarrier{field, 28,
		func(v, _ uint64) string { return publicOctets[v>>24] + "." + octets(v&0xffffff) },
		func(s string, _ uint64) (uint64, bool) {
			first, rest, _ := strings.Cut(s, ".")
			i, ok := indexOf(publicOctets[:], first)
			v, fits := parseOctets(rest)
			return i<<24 | v, ok && fits
		},
	}
}

func octets(v uint64) string { return fmt.Sprintf("%d.%d.%d", v>>16&0xff, v>>8&0xff, v&0xff) }

func parseOctets(s string) (v uint64, ok bool) {
	parts := strings.Split(s, ".")
	for _, part := range parts {
		octet, err := strconv.ParseUint(part, 10, 8)
		if err != nil {
			return 0, false
		}
		v = v<<8 | octet
	}
	return v, len(parts) == 3
}

// numberCarrier is a number above base and above each for every packet.
func numberCarrier(field string, bits int, base, each uint64) flowCarrier {
	return flowCarrier{field, bits,
		func(v, packets uint64) string { return strconv.FormatUint(base+each*packets+v, 10) },
		func(s string, packets uint64) (uint64, bool) {
			v, err := strconv.ParseUint(s, 10, 64)
			return v - base - each*packets, err == nil && v >= base+each*packets
		},
	}
}

func tableCarrier(field string, table []string) flowCarrier {
	bits := len(strconv.FormatInt(int64(len(table)-1), 2))
	return flowCarrier{field, bits,
		func(v, _ uint64) string { return table[v] },
		func(s string, _ uint64) (uint64, bool) { return indexOf(table, s) },
	}
}

func indexOf(table []string, s string) (uint64, bool) {
	for i, entry := range table {
		if entry == s {
			return uint64(i), true
		}
	}
	return 0, false
}

// constants are the fields that are the same in all records of a flow log.
func (f *flowLog) constants() map[string]string {
	place := f.object.Place
	derived := f.derivedID
	fields := map[string]string{
		"version": strconv.Itoa(flowVersion(f.fields)), "account-id": string(place.Account), "log-status": "OK", "type": "IPv4",
		"region": string(place.Region), "az-id": zoneID(place.Region), "vpc-id": derived("vpc-", "vpc"), "subnet-id": derived("subnet-", "subnet"),
	}
	switch f.kind {
	case watchGateway:
		for name, value := range map[string]string{
			"resource-type": "TransitGateway", "tgw-id": f.resource,
			"tgw-src-vpc-account-id": string(place.Account), "tgw-dst-vpc-account-id": string(place.Account),
			"tgw-src-vpc-id": derived("vpc-", "source"), "tgw-dst-vpc-id": derived("vpc-", "destination"),
			"tgw-src-subnet-id": derived("subnet-", "source subnet"), "tgw-dst-subnet-id": derived("subnet-", "destination subnet"),
			"tgw-src-az-id": zoneID(place.Region), "tgw-dst-az-id": zoneID(place.Region),
			"packets-lost-no-route": "0", "packets-lost-blackhole": "0", "packets-lost-mtu-exceeded": "0", "packets-lost-ttl-expired": "0",
		} {
			fields[name] = value
		}
	case watchAttachment:
		fields["resource-type"], fields["tgw-attachment-id"], fields["tgw-id"] = "TransitGatewayAttachment", f.resource, derived("tgw-", "gateway")
	case watchVPC:
		fields["vpc-id"] = f.resource
	case watchSubnet:
		fields["subnet-id"] = f.resource
	case watchInterface:
		fields["interface-id"] = f.resource
	}
	return fields
}

// zoneID is the id of the region's first zone: cnn1-az1 for cn-north-1, use1-az1 for us-east-1.
func zoneID(r partition.Region) string {
	parts := strings.Split(string(r), "-")
	id := parts[0]
	for _, part := range parts[1:] {
		short := strings.NewReplacer("north", "n", "south", "s", "east", "e", "west", "w", "central", "c").Replace(part)
		id += short
	}
	return id + "-az1"
}
