package catalog

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// agentDocument is AWS's document that configures the CloudWatch agent.
const agentDocument = "AmazonCloudWatch-ManageAgent"

// AgentInstanceID stands for the instance's id in the name of a log stream.
const AgentInstanceID = "{instance_id}"

// AgentRun is what an association of Systems Manager has instances do about the CloudWatch agent.
type AgentRun struct {
	// Documents are those that run, the association's own first. A name that [ManagedDocument] knows is AWS's.
	Documents []string
	// Packages are those that are installed.
	Packages []string
	// Parameter has the agent's configuration.
	Parameter string
	// OutputBucket keeps the output, below OutputPrefix; "" if no bucket does. Whoever reads the association sets them.
	OutputBucket, OutputPrefix string
}

// AgentRunOf reads an association by its document's name and content, which isn't needed for a document of AWS, and its
// parameters. False when it doesn't configure the agent from a parameter.
func AgentRunOf(document, content string, parameters map[string]string) (AgentRun, bool) {
	run := AgentRun{Documents: []string{document}}
	if ManagedDocument(document) {
		run.step(document, parameters)
		return run, run.Parameter != ""
	}
	parsed := documentContent(content)
	for _, step := range parsed.Steps {
		if step.Action != "aws:runDocument" || step.Inputs.Type != "SSMDocument" {
			continue
		}
		run.Documents = append(run.Documents, step.Inputs.Path)
		given := map[string]string{}
		for name, value := range step.Inputs.Parameters {
			if text, ok := value.(string); ok {
				given[name] = parsed.fill(text, parameters)
			}
		}
		run.step(step.Inputs.Path, given)
	}
	return run, run.Parameter != ""
}

// step reads one of AWS's documents.
func (a *AgentRun) step(document string, given map[string]string) {
	switch {
	case document == agentDocument && given["optionalConfigurationSource"] == "ssm":
		a.Parameter = given["optionalConfigurationLocation"]
	case document == "AWS-ConfigureAWSPackage":
		a.Packages = append(a.Packages, given["name"])
	}
}

// commandDocument is what is read of a document.
type commandDocument struct {
	SchemaVersion string `json:"schemaVersion"`
	Description   string `json:"description"`
	Parameters    map[string]struct {
		Default any `json:"default"`
	} `json:"parameters"`
	Steps []struct {
		Action string `json:"action"`
		Inputs struct {
			Type       string         `json:"documentType"`
			Path       string         `json:"documentPath"`
			Parameters map[string]any `json:"documentParameters"`
		} `json:"inputs"`
	} `json:"mainSteps"`
}

// documentContent reads a document; what isn't one is empty.
func documentContent(text string) (d commandDocument) {
	if json.Unmarshal([]byte(text), &d) != nil {
		return commandDocument{}
	}
	return d
}

// placeholder is a parameter in a document.
var placeholder = regexp.MustCompile(`\{\{\s*([\w.-]+)\s*\}\}`)

// fill puts parameters, or their defaults, where a document names them.
func (d *commandDocument) fill(text string, parameters map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		name := placeholder.FindStringSubmatch(found)[1]
		if value, ok := parameters[name]; ok {
			return value
		}
		if value, ok := d.Parameters[name].Default.(string); ok {
			return value
		}
		return found
	})
}

// AgentLog is a file or channel that a CloudWatch agent collects.
type AgentLog struct {
	// From is the file's path, or the channel's name.
	From string
	// Group and Stream are where its events go. The stream may have variables, such as {instance_id}.
	Group, Stream string
}

// AgentLogs reads what a configuration of the CloudWatch agent collects. It fails where the agent would, or where events
// would end in a log group that isn't named.
func AgentLogs(configuration string) ([]AgentLog, error) {
	type entry struct {
		File   string `json:"file_path"`
		Event  string `json:"event_name"`
		Group  string `json:"log_group_name"`
		Stream string `json:"log_stream_name"`
	}
	var parsed struct {
		Logs struct {
			Stream    string `json:"log_stream_name"`
			Collected struct {
				Files struct {
					List []entry `json:"collect_list"`
				} `json:"files"`
				Events struct {
					List []entry `json:"collect_list"`
				} `json:"windows_events"`
			} `json:"logs_collected"`
		} `json:"logs"`
	}
	if err := json.Unmarshal([]byte(configuration), &parsed); err != nil {
		return nil, fmt.Errorf("the agent's configuration isn't JSON: %w", err)
	}
	var logs []AgentLog
	for i, e := range slices.Concat(parsed.Logs.Collected.Files.List, parsed.Logs.Collected.Events.List) {
		l := AgentLog{e.File + e.Event, e.Group, e.Stream}
		if l.Stream == "" {
			l.Stream = parsed.Logs.Stream
		}
		if l.Stream == "" {
			l.Stream = AgentInstanceID
		}
		if l.From == "" || l.Group == "" {
			return nil, fmt.Errorf("entry %d of the agent's configuration has no file_path or event_name, or no log_group_name", i+1)
		}
		logs = append(logs, l)
	}
	if len(logs) == 0 {
		return nil, fmt.Errorf("the agent's configuration collects no logs")
	}
	return logs, nil
}

// AgentRequest is a request that an instance makes, as its role, for an [AgentRun].
type AgentRequest struct {
	// Title says what it is for.
	Title, Action string
	// Resource is what it is about; for an action that has no resource, an ARN that only "*" covers. Pattern is how a policy
	// writes a Resource that isn't known beforehand, else "".
	Resource, Pattern string
}

// Requests returns what the SSM Agent of an instance asks for, in its order: it reports, finds the association, reads the
// documents, installs packages, and has the CloudWatch agent read its configuration. What the CloudWatch agent then asks of
// CloudWatch Logs isn't among them.
//
// See https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html and
// https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-messageAPIs.html
func (a AgentRun) Requests(place partition.Place, instance, association string) []AgentRequest {
	machine, every := place.ARN(partition.EC2, "instance/"+instance).String(), place.ARN(partition.EC2, "instance/*").String()
	status := place.ARN(partition.SSM, "association/"+association).String()
	var list []AgentRequest
	add := func(title, resource, pattern string, actions ...string) {
		for _, action := range actions {
			list = append(list, AgentRequest{title, action, resource, pattern})
		}
	}
	add("the instance reports to Systems Manager", machine, every, "ssm:UpdateInstanceInformation")
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonmessagedeliveryservice.html and
	// list_amazonsessionmanagermessagegatewayservice.html: there are no resources.
	add("the instance opens its channel", place.ARN(partition.SSMMessages, "channel").String(), "*", "ssmmessages:CreateControlChannel", "ssmmessages:OpenControlChannel")
	add("the instance gets and answers messages", place.ARN(partition.EC2Messages, "message").String(), "*",
		"ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage", "ec2messages:GetEndpoint", "ec2messages:GetMessages", "ec2messages:SendReply")
	add("the instance finds its associations", machine, every, "ssm:ListInstanceAssociations")
	for _, name := range a.Documents {
		arn := place.ARN(partition.SSM, "document/"+name)
		if ManagedDocument(name) {
			arn = place.ManagedDocumentARN(name)
		}
		add("the instance reads the document", arn.String(), "", "ssm:GetDocument", "ssm:DescribeDocument")
	}
	for _, name := range a.Packages {
		add("the instance installs the package", place.ARN(partition.SSM, "package/"+name).String(), "*", "ssm:GetManifest", "ssm:PutConfigurePackageResult")
	}
	add("the agent reads its configuration", place.ARN(partition.SSM, "parameter/"+strings.TrimPrefix(a.Parameter, "/")).String(), "", "ssm:GetParameter")
	add("the instance reports the association's status", status, place.ARN(partition.SSM, "association/*").String(), "ssm:UpdateInstanceAssociationStatus")
	if a.OutputBucket != "" {
		object := func(key string) string {
			return partition.ObjectARN(place.Partition(), a.OutputBucket, a.OutputPrefix+key).String()
		}
		add("the instance keeps the output", object(instance), object("*"), "s3:PutObject")
	}
	add("the instance reports its compliance", machine, every, "ssm:PutComplianceItems")
	return list
}
