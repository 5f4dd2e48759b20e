package verify_test

var machineCases = []ruleCase{
	{rule: "machine-disk", name: "a plain disk", resource: "syslog", reason: "disk /dev/sdb isn't encrypted",
		change: func(p *program) { p.set("LaunchTemplate", "syslog", "blockDeviceMappings[1].ebs.encrypted", "false") }},
	{rule: "machine-disk", name: "a disk that says nothing", resource: "syslog", reason: "disk /dev/xvda isn't encrypted",
		change: func(p *program) { p.set("LaunchTemplate", "syslog", "blockDeviceMappings[0].ebs.encrypted", nil) }},
	{rule: "machine-metadata", name: "IMDSv1", resource: "syslog", reason: "without a token",
		change: func(p *program) { p.set("LaunchTemplate", "syslog", "metadataOptions.httpTokens", "optional") }},
	{rule: "machine-metadata", name: "no options", resource: "syslog", reason: "without a token",
		change: func(p *program) { p.set("LaunchTemplate", "syslog", "metadataOptions", nil) }},
	{rule: "machine-inbound", name: "everywhere", resource: "syslog-from-10.20.0.0/16", reason: "lets in 0.0.0.0/0",
		change: func(p *program) {
			p.set("SecurityGroupIngressRule", "syslog-from-10.20.0.0/16", "cidrIpv4", "0.0.0.0/0")
		}},
	{rule: "machine-inbound", name: "SSH", resource: "syslog-from-10.20.0.0/16", reason: "lets SSH in",
		change: func(p *program) { p.set("SecurityGroupIngressRule", "syslog-from-10.20.0.0/16", "fromPort", 20.0) }},
	{rule: "machine-inbound", name: "a rule of the group's own", resource: "syslog-collector", reason: "lets in ::/0",
		change: func(p *program) {
			p.set("SecurityGroup", "syslog-collector", "ingress", []any{map[string]any{"protocol": "tcp", "fromPort": 443.0, "toPort": 443.0, "ipv6CidrBlocks": []any{"::/0"}}})
		}},
}
