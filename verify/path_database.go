package verify

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/logarchive/logarchive/partition"
)

// exportedDatabase is a database as functions/rdsexports is told of it.
type exportedDatabase struct {
	Identifier string
	Cluster    bool
}

// kind is the type of the database's ARN.
func (d exportedDatabase) kind() string {
	if d.Cluster {
		return "cluster"
	}
	return "db"
}

// exportsInput is what an invocation, or a target of a rule, tells the function.
type exportsInput struct {
	Database *exportedDatabase
	Check    []exportedDatabase
}

// readExports reads an input; one that isn't the function's has no databases.
func readExports(r *Resource) (in exportsInput) {
	if err := json.Unmarshal([]byte(r.text("input")), &in); err != nil {
		return exportsInput{}
	}
	return in
}

// invokedFor is what people call the source of an invocation: the database, or the function.
func invokedFor(r *Resource) string {
	if in := readExports(r); in.Database != nil {
		return in.Database.Identifier
	}
	return r.text("functionName")
}

// invocation is the call of a function by whoever deploys, for one database. The provider needs lambda:InvokeFunction then
// (https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html).
func (e *evaluation) invocation(s *segment, r *Resource) {
	name := r.text("functionName")
	function, ok := e.find(typeFunction, func(f *Resource) bool { return f.Place == r.Place && (name == f.text("name") || name == f.text("arn")) })
	if !ok {
		s.to(Stop{Kind: KindNowhere, Name: name})
		s.broken(r.URN, "functionName", "there is no function "+quoted(name), "declare it, or name one that is declared")
		return
	}
	s.to(Stop{KindFunction, function.text("name"), function.Place})
	s.prove(e, request{title: "whoever deploys calls the function", caller: e.deployer(r.Place), owner: function.Place.Account, carrier: r.URN}.
		do(function.text("arn"), "lambda:InvokeFunction"))
	acting, ok := e.run(s, function)
	if !ok || !strings.Contains(function.URN, exportsComponent) {
		return
	}
	in := readExports(r)
	if in.Database == nil || in.Database.Identifier == "" || r.text("lifecycleScope") != "CRUD" {
		s.broken(r.URN, "input", "it names no database, or isn't called for its whole life", "give an input with a database, and lifecycleScope CRUD")
		return
	}
	e.lookAtDatabase(s, r, function, acting, *in.Database)
	e.changeExports(s, r, function, acting, *in.Database)
}

// checkExports are the requests of the function's schedule.
func (e *evaluation) checkExports(s *segment, target, function *Resource, acting Caller) {
	databases := readExports(target).Check
	if len(databases) == 0 {
		s.broken(target.URN, "input", "it names no database to check", "give an input with a list of databases")
		return
	}
	for _, d := range databases {
		e.lookAtDatabase(s, target, function, acting, d)
		if exportsVariable(function, "MEND") == "true" {
			e.changeExports(s, target, function, acting, d)
		}
	}
}

// exportsVariable is an environment variable of the function.
func exportsVariable(function *Resource, name string) string {
	return function.item("environment").item("variables").text("LOGARCHIVE_RDSEXPORTS_" + name)
}

// lookAtDatabase are the function's requests that read: of the database, and of its parameter and option groups, whose names
// nobody knows beforehand. RDS has resource-level permissions for all of them
// (https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html).
func (e *evaluation) lookAtDatabase(s *segment, carrier, function *Resource, acting Caller, d exportedDatabase) {
	p := function.Place
	q := request{title: "the function looks at the database", caller: acting, owner: p.Account, carrier: carrier.URN}
	arn := p.ARN(partition.RDS, d.kind()+":"+d.Identifier).String()
	group := func(kind, action string) {
		one := p.ARN(partition.RDS, kind+":"+sample).String()
		s.prove(e, q.sampling(one, p.ARN(partition.RDS, kind+":*").String()).do(one, action))
	}
	if d.Cluster {
		s.prove(e, q.do(arn, "rds:DescribeDBClusters"))
		q.title = "the function reads parameters"
		group("cluster-pg", "rds:DescribeDBClusterParameters")
		return
	}
	s.prove(e, q.do(arn, "rds:DescribeDBInstances"))
	q.title = "the function reads parameters and options"
	group("pg", "rds:DescribeDBParameters")
	group("og", "rds:DescribeOptionGroups")
}

// changeExports are the function's requests that switch exports on, and remember it in a tag; and with restore those that
// take it back.
func (e *evaluation) changeExports(s *segment, carrier, function *Resource, acting Caller, d exportedDatabase) {
	p := function.Place
	arn := p.ARN(partition.RDS, d.kind()+":"+d.Identifier).String()
	q := request{title: "the function switches exports on", caller: acting, owner: p.Account, carrier: carrier.URN}
	modify := "rds:ModifyDBInstance"
	if d.Cluster {
		modify = "rds:ModifyDBCluster"
	}
	s.prove(e, q.do(arn, modify))
	q.title = "the function remembers what it has switched on"
	remember := []string{"rds:AddTagsToResource"}
	if exportsVariable(function, "ON_REMOVAL") == "restore" {
		remember = append(remember, "rds:RemoveTagsFromResource")
	}
	s.prove(e, q.with("aws:TagKeys", exportsVariable(function, "TAG_KEY")).do(arn, remember...))
}

// deployer is whoever deploys to a place: the role of its provider if it says so, else the account. Nothing is known of its
// own policies.
func (e *evaluation) deployer(p partition.Place) Caller {
	role := p.RootARN().String()
	if e.deployers[p] != "" {
		role = e.deployers[p]
	}
	return Caller{Role: role, Unbounded: true}
}

// backupsReplication is the way of a DB instance's automated backups to another region. RDS copies by itself; what can be
// missing is the grant on the key there, which it takes with the permissions of whoever starts the replication
// (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReplicateBackups.html, Overview.Encryption.Keys.html).
func (e *evaluation) backupsReplication(s *segment, r *Resource) {
	s.to(Stop{KindAutoBackup, "replicated", r.Place})
	source, err := partition.ParseARN(r.text("sourceDbInstanceArn"))
	if s.refuse(r, err) {
		return
	}
	s.steps[0].From.Place = source.Place()
	if err := partition.CanCopy(source.Region, r.Place.Region); err != nil {
		s.broken(r.URN, "sourceDbInstanceArn", err.Error(), "replicate to the region's partner")
	}
	if !strings.HasPrefix(source.Resource, "db:") {
		s.broken(r.URN, "sourceDbInstanceArn", fmt.Sprintf("%s is no DB instance: RDS replicates no clusters", source), "name an instance; AWS Backup copies clusters")
	}
	k, ok := e.keyOf(r.Place, r.text("kmsKeyId"))
	if !ok {
		s.broken(r.URN, "kmsKeyId", fmt.Sprintf("there is no key %q in %s", r.text("kmsKeyId"), r.Place), "declare a key of its own where the backups go to")
		return
	}
	via, err := r.Place.ViaService(partition.RDS)
	if s.refuse(r, err) {
		return
	}
	q := request{title: "RDS takes a grant on the key", caller: e.deployer(r.Place), owner: k.Place.Account, carrier: r.URN}.with("kms:ViaService", via)
	s.prove(e, q.do(k.arn, "kms:DescribeKey"))
	s.prove(e, q.with("kms:GrantIsForAWSResource", "true").do(k.arn, "kms:CreateGrant"))
}
