package stacks

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// defaultRecordFields is the format of AWS for a VPC, subnet or network interface:
// https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
const defaultRecordFields = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"

// defaultGatewayFields is that for a transit gateway: https://docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html
const defaultGatewayFields = "version resource-type account-id tgw-id tgw-attachment-id tgw-src-vpc-account-id tgw-dst-vpc-account-id " +
	"tgw-src-vpc-id tgw-dst-vpc-id tgw-src-subnet-id tgw-dst-subnet-id tgw-src-eni tgw-dst-eni tgw-src-az-id tgw-dst-az-id " +
	"tgw-pair-attachment-id srcaddr dstaddr srcport dstport protocol packets bytes start end log-status type packets-lost-no-route " +
	"packets-lost-blackhole packets-lost-mtu-exceeded packets-lost-ttl-expired tcp-flags region flow-direction pkt-src-aws-service pkt-dst-aws-service"

// fields are what the flow log's records have, in order.
func (f FlowLogSpec) fields() []string {
	switch {
	case strings.TrimSpace(f.LogFormat) != "":
		return strings.Fields(strings.NewReplacer("${", "", "}", "").Replace(f.LogFormat))
	case f.Kind == KindTransitGateway:
		return strings.Fields(defaultGatewayFields)
	}
	return strings.Fields(defaultRecordFields)
}

// folder is where files that are read like the flow log's are kept apart from others. Parquet says itself which columns it
// has. Text doesn't: its fields are told by their position, so that each format needs a folder.
func (f FlowLogSpec) folder() string {
	fields := strings.Join(f.fields(), " ")
	switch {
	case f.Parquet:
		return "parquet/"
	case fields == defaultRecordFields:
		return "text/"
	}
	sum := sha256.Sum256([]byte(fields))
	return "text-" + hex.EncodeToString(sum[:4]) + "/"
}

// direct says whether the flow log is written without a stream.
func (f FlowLogSpec) direct() bool { return f.class() == "" }

// flowLogFolders gives every flow log that is written without a stream its prefix, once all accounts are read. Where all of
// them are read alike they share [DirectFlowLogPrefix], as they always did. Where not, each format has a folder below it: one
// table can't read both Parquet and text. What was delivered before stays where it is.
func (s *Spec) flowLogFolders() {
	var all []*FlowLogSpec
	folders := map[string]bool{}
	for _, of := range s.everyAccount() {
		for i := range of.FlowLogs {
			if f := &of.FlowLogs[i]; f.direct() {
				all = append(all, f)
				folders[f.folder()] = true
			}
		}
	}
	for _, f := range all {
		f.Prefix = DirectFlowLogPrefix
		if len(folders) > 1 {
			f.Prefix += f.folder()
		}
	}
}

// everyAccount is the stack as each source account has it, its own first.
func (s *Spec) everyAccount() []*Spec {
	all := []*Spec{s}
	for i := range s.Accounts {
		all = append(all, s.Accounts[i].Stack)
	}
	return all
}
