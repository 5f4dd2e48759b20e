package main

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
)

// replacement matches the SDK's ways to say that any change of a property replaces the resource: "Forces new
// resource", "Changing this forces a new resource to be created", "Changing it recreates the resource", "Changing
// this value will re-create the resource", "Changing `snapshotName` forces a new resource". Sentences that begin with
// a condition ("If pending, changing …", "Downgrading … will recreate") don't match: those need a rule of their own.
var replacement = regexp.MustCompile("\\bForces new resource\\b|\\bChanging (this|it|the value|(the )?`[A-Za-z0-9]+`)( value)? (forces|will force|(will )?re-?creates?)\\b")

// forcesNew says whether a property's comment says so. Lines that begin like a list entry speak of nested properties.
func forcesNew(doc string) bool {
	for line := range strings.Lines(doc) {
		if !strings.HasPrefix(strings.TrimSpace(line), "* `") && replacement.MatchString(line) {
			return true
		}
	}
	return false
}

// deprecation returns the text after "Deprecated:", on one line.
func deprecation(doc string) string {
	_, text, ok := strings.Cut(doc, "Deprecated: ")
	if !ok {
		return ""
	}
	text, _, _ = strings.Cut(text, "\n\n")
	return strings.Join(strings.Fields(text), " ")
}

// checks reads a New function: the Go names of the arguments that it refuses to do without, and the properties that
// it makes secret.
func checks(f *ast.FuncDecl) (required, secret map[string]bool) {
	required, secret = map[string]bool{}, map[string]bool{}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt:
			if name, ok := nilCheck(n.Cond); ok && returnsError(n.Body) {
				required[name] = true
			}
		case *ast.CallExpr:
			if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "AdditionalSecretOutputs" {
				for _, name := range stringLiterals(n) {
					secret[name] = true
				}
			}
		}
		return true
	})
	return required, secret
}

// nilCheck matches args.Name == nil.
func nilCheck(e ast.Expr) (string, bool) {
	b, ok := e.(*ast.BinaryExpr)
	if !ok || b.Op != token.EQL {
		return "", false
	}
	sel, ok := b.X.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	id, ok := b.Y.(*ast.Ident)
	return sel.Sel.Name, ok && id.Name == "nil"
}

func returnsError(b *ast.BlockStmt) bool {
	if len(b.List) != 1 {
		return false
	}
	ret, ok := b.List[0].(*ast.ReturnStmt)
	return ok && len(ret.Results) == 2
}

func stringLiterals(n ast.Node) []string {
	var ss []string
	ast.Inspect(n, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if s, err := strconv.Unquote(lit.Value); err == nil {
				ss = append(ss, s)
			}
		}
		return true
	})
	return ss
}
