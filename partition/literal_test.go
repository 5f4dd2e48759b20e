package partition

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// What differs between partitions is spelled out in this package and nowhere else: a literal elsewhere works in one
// partition and fails in the other, at run time.
var forbidden = []string{"arn:aws", "amazonaws.com"}

// TestNoPartitionLiterals walks the whole module. Comments don't count, concatenated literals do.
func TestNoPartitionLiterals(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	files := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			hidden := rel != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_"))
			if hidden || name == "testdata" || name == "node_modules" || rel == "partition" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		files++
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, f := range partitionLiterals(t, rel, src) {
			t.Errorf("%s: %q: take it from package partition", f.place, f.text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatalf("no Go files under %s", root)
	}
}

func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = up
	}
}

type finding struct{ place, text string }

func partitionLiterals(t *testing.T, name string, src []byte) []finding {
	t.Helper()
	// Most files have neither word, in one piece or in two, and parsing is the slow part.
	if text := string(src); !strings.Contains(text, "amazon") && !strings.Contains(text, "arn:") {
		return nil
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, src, parser.SkipObjectResolution)
	if err != nil {
		// Somebody else's file that doesn't parse fails their build, not this test.
		t.Logf("%s: %v", name, err)
		return nil
	}
	var found []finding
	check := func(n ast.Node, text string) {
		for _, f := range forbidden {
			if strings.Contains(strings.ToLower(text), f) {
				found = append(found, finding{fset.Position(n.Pos()).String(), text})
				return
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.BinaryExpr:
			if n.Op != token.ADD {
				return true
			}
			for _, run := range literalRuns(n) {
				check(n, run)
			}
			// Operands that are no literals, such as calls, have literals of their own.
			for _, operand := range operands(n) {
				if _, ok := operand.(*ast.BasicLit); !ok {
					ast.Inspect(operand, func(m ast.Node) bool {
						if lit, ok := m.(*ast.BasicLit); ok && lit.Kind == token.STRING {
							check(lit, unquote(lit))
						}
						return true
					})
				}
			}
			return false
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				check(n, unquote(n))
			}
		}
		return true
	})
	return found
}

// operands flattens a sum: a + (b + c) gives a, b, c.
func operands(e ast.Expr) []ast.Expr {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return operands(e.X)
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return append(operands(e.X), operands(e.Y)...)
		}
	}
	return []ast.Expr{e}
}

// literalRuns joins neighbouring string literals of a sum: "arn:" + "aws" + p + "x" gives "arn:aws", "x".
func literalRuns(e *ast.BinaryExpr) []string {
	var runs []string
	inRun := false
	for _, operand := range operands(e) {
		lit, ok := operand.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			inRun = false
			continue
		}
		if !inRun {
			runs = append(runs, "")
		}
		inRun = true
		runs[len(runs)-1] += unquote(lit)
	}
	return runs
}

func unquote(lit *ast.BasicLit) string {
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return lit.Value
	}
	return s
}

func TestPartitionLiteralsFinds(t *testing.T) {
	t.Parallel()
	const src = `package x
import _ "example.com/amazonaws.com"
// A comment may say arn:aws:s3:::b and amazonaws.com.
var a = "arn:aws:s3:::b"
var b = "arn:" + "aws" + ":iam"
var c = ("s3.amazonaws" + (".com" + ".cn"))
var d = f("x" + g("logs.amazonaws.com"))
var e = "arn:" + p + ":aws"
var h = ` + "`https://s3.AMAZONAWS.com`" + `
`
	var got []string
	for _, f := range partitionLiterals(t, "x.go", []byte(src)) {
		got = append(got, f.text)
	}
	want := []string{"arn:aws:s3:::b", "arn:aws:iam", "s3.amazonaws.com.cn", "logs.amazonaws.com", "https://s3.AMAZONAWS.com"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found %q, want %q", got, want)
	}
}
