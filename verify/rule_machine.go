package verify

import (
	"net/netip"
)

var machineRules = []Rule{
	{
		ID: "machine-disk", Title: "disks of machines are encrypted",
		Why:    "what waits for its delivery lies on them, and stays there when a machine ends",
		Remedy: "set encrypted in every block device mapping of the launch template",
		check:  machineDisks,
	},
	{
		ID: "machine-inbound", Title: "nobody reaches machines from everywhere, or by SSH",
		Why:    "a collector is for the VPC and what is connected to it; whoever gets in can write into the archive in its name",
		Remedy: "name the address ranges of the senders, and the ports that they need",
		check:  machineInbound,
	},
	{
		ID: "machine-metadata", Title: "machines hand out credentials by IMDSv2 only",
		Why:    "with IMDSv1 a single request that a machine can be talked into gives its role away",
		Remedy: "set metadataOptions.httpTokens to required in the launch template",
		check:  machineMetadata,
	},
}

func machineDisks(e *evaluation, report reporter) {
	for _, t := range e.byType[typeLaunchTemplate] {
		for _, m := range t.items("blockDeviceMappings") {
			if disk := m.item("ebs"); disk != nil && disk.text("encrypted") != "true" {
				report(t.URN, "set encrypted to true", "disk %s isn't encrypted", m.text("deviceName"))
			}
		}
	}
}

func machineMetadata(e *evaluation, report reporter) {
	for _, t := range e.byType[typeLaunchTemplate] {
		if options := t.item("metadataOptions"); options.text("httpTokens") != "required" && options.text("httpEndpoint") != "disabled" {
			report(t.URN, "set metadataOptions.httpTokens to required", "the metadata service answers without a token")
		}
	}
}

// widestInbound is the shortest prefix that isn't taken for everywhere: a private network is a /8 at most.
const widestInbound = 8

// machineInbound looks at security groups, whose rules are properties or resources of their own.
func machineInbound(e *evaluation, report reporter) {
	look := func(urn string, protocol string, from, to float64, ranges ...string) {
		for _, text := range ranges {
			prefix, err := netip.ParsePrefix(text)
			if err != nil {
				continue
			}
			switch {
			case prefix.Bits() < widestInbound:
				report(urn, "name the senders' ranges", "it lets in %s", text)
			case protocol == "-1" || from <= 22 && to >= 22 && protocol == "tcp":
				report(urn, "name the ports that are needed", "it lets SSH in from %s", text)
			}
		}
	}
	for _, r := range e.byType[typeIngressRule] {
		look(r.URN, r.text("ipProtocol"), r.number("fromPort"), r.number("toPort"), r.text("cidrIpv4"), r.text("cidrIpv6"))
	}
	for _, g := range e.byType[typeSecurityGroup] {
		for _, in := range g.items("ingress") {
			look(g.URN, in.text("protocol"), in.number("fromPort"), in.number("toPort"), append(in.texts("cidrBlocks"), in.texts("ipv6CidrBlocks")...)...)
		}
	}
}
