package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/logarchive/logarchive/stacks"
)

// A ddlTable is what "query-ddl" prints of a table with --json.
type ddlTable struct {
	Table    string     `json:"table"`
	Class    string     `json:"class"`
	Location string     `json:"location"`
	Template string     `json:"template"` // of keys
	DDL      string     `json:"ddl"`
	Queries  []ddlQuery `json:"queries"`
}

// A ddlQuery is an example.
type ddlQuery struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	SQL         string `json:"sql"`
}

func (m *Main) queryDDLCommand() *cobra.Command {
	var stack, class string
	var queries bool
	c := &cobra.Command{
		Use:   "query-ddl --stack NAME [--class CLASS] [--queries]",
		Short: "Print the statements that make Athena's tables over an archive",
		Long: `Print a CREATE EXTERNAL TABLE statement for every table that a stack's archive can be read with, for who keeps a catalog of
their own. What 'log-archive:queries' deploys are the same tables. Partitions are projected from the keys as the stack builds
them: there is nothing to crawl and nothing to repair, and a query should say from when. Neither engine nor AWS is needed.`,
		Example: `  logarchive query-ddl --stack beijing
  logarchive query-ddl --stack beijing --class cloudtrail --queries
  logarchive query-ddl --stack global --json | jq -r '.[].table'`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			project, err := m.project()
			if err != nil {
				return err
			}
			if err := needStack(project, stack); err != nil {
				return err
			}
			s, _, err := spec(project, stack)
			if err != nil {
				return err
			}
			tables, err := tablesOf(s, class)
			if err != nil {
				return err
			}
			return m.printDDL(s.ArchiveBucket.Bucket, tables, queries)
		},
	}
	stackFlag(c, &stack)
	c.Flags().StringVar(&class, "class", "", "only the tables of this `class` (the first part of their keys), or of this name")
	c.Flags().BoolVar(&queries, "queries", false, "print examples of queries, too")
	return c
}

// tablesOf are the tables of a class, or with a name; all of them for "".
func tablesOf(s *stacks.Spec, class string) ([]stacks.Table, error) {
	all := s.Tables()
	if class == "" {
		return all, nil
	}
	var known []string
	tables := slices.DeleteFunc(slices.Clone(all), func(t stacks.Table) bool {
		known = append(known, t.Class, t.Name)
		return t.Class != class && t.Name != class
	})
	if len(tables) == 0 {
		slices.Sort(known)
		return nil, usagef("--class %q: stack %s archives no such class; want one of %s", class, s.Stack, strings.Join(slices.Compact(known), ", "))
	}
	return tables, nil
}

func (m *Main) printDDL(bucket string, tables []stacks.Table, queries bool) error {
	if m.json {
		list := []ddlTable{}
		for _, t := range tables {
			d := ddlTable{Table: t.Name, Class: t.Class, Location: t.Location(bucket), Template: t.Template, DDL: t.DDL(bucket), Queries: []ddlQuery{}}
			for _, q := range t.Queries {
				d.Queries = append(d.Queries, ddlQuery(q))
			}
			list = append(list, d)
		}
		return m.printJSON(list)
	}
	for i, t := range tables {
		if i > 0 {
			fmt.Fprintln(m.Stdout)
		}
		fmt.Fprintf(m.Stdout, "-- %s\n%s", t.Description, t.DDL(bucket))
		if !queries {
			continue
		}
		for _, q := range t.Queries {
			fmt.Fprintf(m.Stdout, "\n-- %s: %s\n%s;\n", q.Name, q.Description, q.SQL)
		}
	}
	return nil
}
