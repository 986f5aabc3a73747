package azurite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Installed reports whether there is something to start.
func Installed() bool {
	_, _, err := locate()
	return err == nil
}

// Install installs the pinned npm package beside this file, as "make azurite"
// does. It needs Node.js, npm and the npm registry, and takes about ten seconds.
func Install(ctx context.Context) error {
	home, err := home()
	if err != nil {
		return err
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = home
	if text, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("azurite: npm ci: %w\n%s", err, text)
	}
	// make looks at this file to see what is installed.
	return os.WriteFile(filepath.Join(home, "node_modules", ".stamp"), nil, 0o644)
}

// home is the folder of this package in the source tree. It is looked for from
// the working directory upwards, since a test runs in the folder of its package
// and paths in the binary may be trimmed.
func home() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("azurite: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		home := filepath.Join(dir, "internal", "azurite")
		if _, err := os.Stat(filepath.Join(home, "run.js")); err == nil {
			return home, nil
		} else if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("azurite: %w", err)
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%w (no internal/azurite above %s)", ErrNotInstalled, start)
		}
	}
}
