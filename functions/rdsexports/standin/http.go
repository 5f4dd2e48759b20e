package standin

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/logarchive/logarchive/functions/rdsexports"
)

// pageSize is how many parameters an answer has, as RDS's have at most.
const pageSize = 100

// ServeHTTP answers the calls of an RDS client in the AWS Query protocol. It looks at no signature.
//
// See https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_Operations.html
func (r *RDS) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if err := q.ParseForm(); err != nil {
		refuse(w, Refuse("MalformedQueryString", "%v", err))
		return
	}
	answer, err := r.answer(q)
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	name := q.Form.Get("Action")
	fmt.Fprintf(w, "<%sResponse><%sResult>", name, name)
	if err := xml.NewEncoder(w).Encode(answer); err != nil {
		panic(http.ErrAbortHandler) // a torn answer, which the client notices
	}
	fmt.Fprintf(w, "</%sResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></%sResponse>", name, name)
}

func (r *RDS) answer(q *http.Request) (any, error) {
	ctx, form := q.Context(), q.Form
	switch form.Get("Action") {
	case "DescribeDBInstances":
		d, err := r.Describe(ctx, rdsexports.Instance, form.Get("DBInstanceIdentifier"))
		return xmlInstances{Instance: []xmlInstance{instanceOf(d)}}, err
	case "DescribeDBClusters":
		d, err := r.Describe(ctx, rdsexports.Cluster, form.Get("DBClusterIdentifier"))
		return xmlClusters{Cluster: []xmlCluster{clusterOf(d)}}, err
	case "ModifyDBInstance":
		return nothing{}, r.modify(ctx, form, rdsexports.Instance, form.Get("DBInstanceIdentifier"))
	case "ModifyDBCluster":
		return nothing{}, r.modify(ctx, form, rdsexports.Cluster, form.Get("DBClusterIdentifier"))
	case "DescribeDBParameters":
		return r.page(q, rdsexports.Instance, form.Get("DBParameterGroupName"))
	case "DescribeDBClusterParameters":
		return r.page(q, rdsexports.Cluster, form.Get("DBClusterParameterGroupName"))
	case "DescribeOptionGroups":
		names, err := r.Options(ctx, form.Get("OptionGroupName"))
		out := xmlOptionGroups{Name: form.Get("OptionGroupName")}
		for _, n := range names {
			out.Option = append(out.Option, xmlOption{n})
		}
		return out, err
	case "AddTagsToResource":
		return nothing{}, r.Tag(ctx, form.Get("ResourceName"), form.Get("Tags.Tag.1.Key"), form.Get("Tags.Tag.1.Value"))
	case "RemoveTagsFromResource":
		return nothing{}, r.Untag(ctx, form.Get("ResourceName"), form.Get("TagKeys.member.1"))
	}
	return nil, Refuse("InvalidAction", "The action %s is not valid for this web service.", form.Get("Action"))
}

// modify changes exports.
func (r *RDS) modify(ctx context.Context, form url.Values, kind rdsexports.Kind, id string) error {
	if err := onlyExports(form); err != nil {
		return err
	}
	const list = "CloudwatchLogsExportConfiguration."
	return r.Export(ctx, kind, id, members(form, list+"EnableLogTypes.member."), members(form, list+"DisableLogTypes.member."))
}

// onlyExports refuses a modification of anything else: a function that changes logs must never apply what is pending.
func onlyExports(form url.Values) error {
	for key := range form {
		switch {
		case key == "Action", key == "Version", key == "DBInstanceIdentifier", key == "DBClusterIdentifier":
		case strings.HasPrefix(key, "CloudwatchLogsExportConfiguration."):
		default:
			return Refuse("InvalidParameterValue", "the stand-in changes exports and nothing else, but %s was sent", key)
		}
	}
	return nil
}

func (r *RDS) page(q *http.Request, kind rdsexports.Kind, group string) (any, error) {
	values, err := r.Parameters(q.Context(), kind, group)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(values))
	from, _ := strconv.Atoi(q.Form.Get("Marker"))
	out := xmlParameters{}
	for _, name := range names[min(from, len(names)):min(from+pageSize, len(names))] {
		out.Parameter = append(out.Parameter, xmlParameter{name, values[name]})
	}
	if from+pageSize < len(names) {
		out.Marker = strconv.Itoa(from + pageSize)
	}
	return out, nil
}

// members are the values of a list, in order.
func members(form url.Values, prefix string) []string {
	var out []string
	for i := 1; form.Has(prefix + strconv.Itoa(i)); i++ {
		out = append(out, form.Get(prefix+strconv.Itoa(i)))
	}
	return out
}

func refuse(w http.ResponseWriter, err error) {
	code, message, status := "InternalFailure", err.Error(), http.StatusInternalServerError
	if api := smithy.APIError(nil); errors.As(err, &api) {
		code, message, status = api.ErrorCode(), api.ErrorMessage(), http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_ = xml.NewEncoder(w).Encode(xmlError{Code: code, Message: message}) // the client sees a torn answer
}

// What answers consist of, as far as the function reads them.
type (
	nothing struct {
		XMLName xml.Name `xml:"Nothing"`
	}
	xmlError struct {
		XMLName xml.Name `xml:"ErrorResponse"`
		Code    string   `xml:"Error>Code"`
		Message string   `xml:"Error>Message"`
	}
	xmlTag       struct{ Key, Value string }
	xmlParameter struct {
		ParameterName  string
		ParameterValue string
	}
	xmlParameters struct {
		XMLName   xml.Name       `xml:"Parameters"`
		Parameter []xmlParameter `xml:"Parameter"`
		Marker    string         `xml:"-"`
	}
	xmlOption       struct{ OptionName string }
	xmlOptionGroups struct {
		XMLName xml.Name    `xml:"OptionGroupsList"`
		Name    string      `xml:"OptionGroup>OptionGroupName"`
		Option  []xmlOption `xml:"OptionGroup>Options>Option"`
	}
	xmlGroupName struct{ DBParameterGroupName string }
	xmlOptions   struct{ OptionGroupName string }
	xmlPending   struct {
		Enable  []string `xml:"PendingCloudwatchLogsExports>LogTypesToEnable>member"`
		Disable []string `xml:"PendingCloudwatchLogsExports>LogTypesToDisable>member"`
	}
	xmlInstance struct {
		DBInstanceIdentifier, DBInstanceArn, Engine, DBInstanceStatus string
		IAMDatabaseAuthenticationEnabled                              bool
		EnabledCloudwatchLogsExports                                  []string       `xml:"EnabledCloudwatchLogsExports>member"`
		PendingModifiedValues                                         xmlPending     `xml:"PendingModifiedValues"`
		DBParameterGroups                                             []xmlGroupName `xml:"DBParameterGroups>DBParameterGroup"`
		OptionGroupMemberships                                        []xmlOptions   `xml:"OptionGroupMemberships>OptionGroupMembership"`
		TagList                                                       []xmlTag       `xml:"TagList>Tag"`
	}
	xmlInstances struct {
		XMLName  xml.Name      `xml:"DBInstances"`
		Instance []xmlInstance `xml:"DBInstance"`
	}
	xmlCluster struct {
		DBClusterIdentifier, DBClusterArn, Engine, Status, DBClusterParameterGroup string
		IAMDatabaseAuthenticationEnabled                                           bool
		EnabledCloudwatchLogsExports                                               []string   `xml:"EnabledCloudwatchLogsExports>member"`
		PendingModifiedValues                                                      xmlPending `xml:"PendingModifiedValues"`
		TagList                                                                    []xmlTag   `xml:"TagList>Tag"`
	}
	xmlClusters struct {
		XMLName xml.Name     `xml:"DBClusters"`
		Cluster []xmlCluster `xml:"DBCluster"`
	}
)

// MarshalXML puts the marker beside the list.
func (p xmlParameters) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	type list struct {
		XMLName   xml.Name       `xml:"Parameters"`
		Parameter []xmlParameter `xml:"Parameter"`
	}
	if err := e.Encode(list{Parameter: p.Parameter}); err != nil {
		return err
	}
	if p.Marker == "" {
		return nil
	}
	return e.EncodeElement(p.Marker, xml.StartElement{Name: xml.Name{Local: "Marker"}})
}

func tagsOf(d rdsexports.Database) []xmlTag {
	var out []xmlTag
	for _, key := range slices.Sorted(maps.Keys(d.Tags)) {
		out = append(out, xmlTag{key, d.Tags[key]})
	}
	return out
}

func instanceOf(d rdsexports.Database) xmlInstance {
	out := xmlInstance{DBInstanceIdentifier: d.ID, DBInstanceArn: d.ARN, Engine: d.Engine, DBInstanceStatus: d.Status, IAMDatabaseAuthenticationEnabled: d.IAMAuthentication,
		EnabledCloudwatchLogsExports: d.Exports, PendingModifiedValues: xmlPending{d.Enabling, d.Disabling}, TagList: tagsOf(d)}
	for _, g := range d.ParameterGroups {
		out.DBParameterGroups = append(out.DBParameterGroups, xmlGroupName{g})
	}
	for _, g := range d.OptionGroups {
		out.OptionGroupMemberships = append(out.OptionGroupMemberships, xmlOptions{g})
	}
	return out
}

func clusterOf(d rdsexports.Database) xmlCluster {
	out := xmlCluster{DBClusterIdentifier: d.ID, DBClusterArn: d.ARN, Engine: d.Engine, Status: d.Status, IAMDatabaseAuthenticationEnabled: d.IAMAuthentication,
		EnabledCloudwatchLogsExports: d.Exports, PendingModifiedValues: xmlPending{d.Enabling, d.Disabling}, TagList: tagsOf(d)}
	if len(d.ParameterGroups) > 0 {
		out.DBClusterParameterGroup = d.ParameterGroups[0]
	}
	return out
}
