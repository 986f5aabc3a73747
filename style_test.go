package azureblob

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// source is a Go file of the module.
type source struct {
	path string // with slashes, from the root
	test bool
	file *ast.File
	text string
}

func sources(t *testing.T) (*token.FileSet, []source) {
	t.Helper()
	set := token.NewFileSet()
	var all []source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil && name != "." || strings.HasPrefix(d.Name(), ".") && name != "." || d.Name() == "node_modules" || d.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(set, name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, source{filepath.ToSlash(name), strings.HasSuffix(name, "_test.go"), file, string(text)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return set, all
}

var forbiddenNames = regexp.MustCompile(`^(models|common|shared|utils?|helpers?|constants|responses|types|misc)(_test)?\.go$`)

func TestStyleOfFiles(t *testing.T) {
	set, all := sources(t)
	for _, s := range all {
		most := 600
		if s.test {
			most = 800
		}
		if n := strings.Count(s.text, "\n"); n > most {
			t.Errorf("%s has %d lines, and %d is the most: split it by concept", s.path, n, most)
		}
		if forbiddenNames.MatchString(path.Base(s.path)) {
			t.Errorf("%s is a name that says nothing", s.path)
		}
		if strings.Contains(s.text, "TO"+"DO") || strings.Contains(s.text, "FIX"+"ME") {
			t.Errorf("%s leaves something for later", s.path)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || s.test {
				continue
			}
			if n := set.Position(f.End()).Line - set.Position(f.Pos()).Line; n > 60 {
				t.Errorf("%s: %s has %d lines, and 60 is the most", s.path, f.Name.Name, n)
			}
		}
	}
}

// layers are what a package may import of the module. A folder that is not
// listed goes by the one above it.
var layers = map[string][]string{
	"":                     {"internal/checksum", "internal/engine", "internal/link", "internal/pipeline", "internal/rest", "internal/wire", "internal/xmlplan", "sas"},
	"appendblob":           typed,
	"blockblob":            append([]string{"internal/avro"}, typed...),
	"pageblob":             typed,
	"sas":                  {},
	"blobtest":             {"", "internal/avro", "internal/pipeline", "internal/rest", "internal/selfsigned", "internal/wire", "internal/xmlplan", "internal/checksum"},
	"internal/avro":        {},
	"internal/azurite":     {"internal/selfsigned"},
	"internal/checksum":    {},
	"internal/engine":      {},
	"internal/link":        {"internal/engine", "internal/pipeline", "internal/wire"},
	"internal/pipeline":    {},
	"internal/rest":        {"internal/wire"},
	"internal/secretless":  {}, // tests only
	"internal/selfsigned":  {},
	"internal/wire":        {"internal/checksum", "internal/pipeline", "internal/xmlplan"},
	"internal/xmlplan":     {},
	"internal/conformance": {}, // tests only
	"internal/soak":        {}, // tests only
	"examples":             {"", "appendblob", "blobtest", "blockblob", "examples/internal/connect", "pageblob", "sas"},

	// What examples share.
	"examples/internal/connect":     {"", "blobtest"},
	"examples/internal/exampletest": {"", "blobtest", "examples/internal/connect", "internal/azurite"},
}

// typed is what the packages of the blob types may import.
var typed = []string{"", "internal/checksum", "internal/engine", "internal/link", "internal/rest", "internal/wire", "internal/xmlplan"}

func TestStyleOfImports(t *testing.T) {
	const module = "github.com/goblob/azureblob"
	_, all := sources(t)
	for _, s := range all {
		if s.test {
			continue
		}
		folder := path.Dir(s.path)
		if folder == "." {
			folder = ""
		}
		allowed, known := layers[folder]
		for up := folder; !known && up != "."; {
			up = path.Dir(up)
			allowed, known = layers[up]
		}
		if !known {
			t.Errorf("%s: the package has no place in the layers", s.path)
		}
		for _, i := range s.file.Imports {
			name := strings.Trim(i.Path.Value, `"`)
			if name != module && !strings.HasPrefix(name, module+"/") {
				continue
			}
			name = strings.TrimPrefix(strings.TrimPrefix(name, module), "/")
			found := false
			for _, a := range allowed {
				found = found || a == name
			}
			if !found {
				t.Errorf("%s imports %s, which lies on no floor below it", s.path, name)
			}
		}
	}
}

// TestStyleOfDocs demands a comment on all that is exported, and the REST
// operation on every method that makes one.
func TestStyleOfDocs(t *testing.T) {
	set, all := sources(t)
	packages := map[string][]*ast.File{}
	for _, s := range all {
		if !s.test {
			packages[path.Dir(s.path)] = append(packages[path.Dir(s.path)], s.file)
		}
	}
	for folder, files := range packages {
		p, err := doc.NewFromFiles(set, files, "github.com/goblob/azureblob/"+folder)
		if err != nil {
			t.Fatal(err)
		}
		if p.Doc == "" {
			t.Errorf("package %s has no comment", folder)
		}
		for _, f := range p.Funcs {
			documented(t, folder, f.Name, f.Doc)
		}
		for _, v := range append(p.Consts, p.Vars...) {
			documented(t, folder, strings.Join(v.Names, ", "), v.Doc)
		}
		for _, ty := range p.Types {
			documented(t, folder, ty.Name, ty.Doc)
			for _, f := range append(ty.Funcs, ty.Methods...) {
				documented(t, folder, ty.Name+"."+f.Name, f.Doc)
				if strings.HasSuffix(ty.Name, "Client") && takesContext(f.Decl) && !strings.Contains(f.Doc, "REST: ") {
					t.Errorf("%s.%s does not say which REST operation it is", ty.Name, f.Name)
				}
			}
			for _, v := range append(ty.Consts, ty.Vars...) {
				documented(t, folder, strings.Join(v.Names, ", "), v.Doc)
			}
			if spec, ok := ty.Decl.Specs[0].(*ast.TypeSpec); ok && spec.Assign.IsValid() && ast.IsExported(ty.Name) {
				t.Errorf("%s.%s is an alias, which shows no fields in the documentation", folder, ty.Name)
			}
		}
	}
}

func documented(t *testing.T, folder, name, text string) {
	t.Helper()
	if strings.TrimSpace(text) == "" {
		t.Errorf("%s: %s has no comment", folder, name)
	}
}

func takesContext(f *ast.FuncDecl) bool {
	for _, p := range f.Type.Params.List {
		if s, ok := p.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Context" {
			return true
		}
	}
	return false
}
