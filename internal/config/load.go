package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"syscall"

	"github.com/trailhouse/trailhouse"
)

// FileName is the configuration file that is looked for.
const FileName = "trailhouse.yaml"

// Input is where a configuration comes from. It is all that this package knows of
// the process.
type Input struct {
	// File is the file that --config named; empty to look for one.
	File string
	// Environ is the environment as NAME=value.
	Environ []string
	// Flags are the settings that flags gave, by key, as text.
	Flags map[string]string
	// Dir is the working directory.
	Dir string
}

// Load reads the configuration: flags before environment before file before
// defaults. It collects everything that is wrong and returns it as one error of
// CodeUsage.
func Load(in Input) (*Config, error) {
	c, err := Check(in)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Check is Load for who looks for further mistakes: it returns what could be read also
// where something is wrong.
func Check(in Input) (*Config, error) {
	env := environment(in.Environ)
	c := Default(DataHome(in.Environ))
	err := errors.Join(c.readFile(in, env), c.readTexts(in, env))
	return c, errors.Join(err, c.finish(in, env))
}

// Sound reports whether Check found nothing wrong in a section such as clients.
func (c *Config) Sound(section string) bool { return !c.faulty[section] }

// DataHome returns the default of data_dir: trailhouse below $XDG_DATA_HOME, else
// below ~/.local/share. It is empty where the environment names no home.
func DataHome(environ []string) string {
	env := environment(environ)
	if dir := env["XDG_DATA_HOME"]; filepath.IsAbs(dir) {
		return filepath.Join(dir, "trailhouse")
	}
	if home := env["HOME"]; home != "" {
		return filepath.Join(home, ".local", "share", "trailhouse")
	}
	return ""
}

// environment turns NAME=value texts to a map; the last of a name wins.
func environment(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			env[name] = value
		}
	}
	return env
}

// readFile finds and reads the configuration file. One that was named must exist.
func (c *Config) readFile(in Input, env map[string]string) error {
	named := in.File
	if named == "" {
		named = env["TRAILHOUSE_CONFIG"]
	}
	candidates := []string{named}
	if named == "" {
		candidates = []string{FileName, filepath.Join(c.firstDataDir(in, env), FileName)}
	}
	for _, file := range candidates {
		content, err := os.ReadFile(absolute(in.Dir, file))
		// A data directory that is a file is told by checkDataDir.
		if named == "" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) {
			continue
		}
		if err != nil {
			return trailhouse.Errorf(trailhouse.CodeUsage, "configuration %s cannot be read: %w", file, err).
				WithHint("name an existing file with --config")
		}
		c.file = absolute(in.Dir, file)
		return decodeYAML(c, file, content)
	}
	return nil
}

// firstDataDir is the data directory as known before any file is read.
func (c *Config) firstDataDir(in Input, env map[string]string) string {
	if dir := in.Flags["data_dir"]; dir != "" {
		return dir
	}
	if _, dir := variableOf(env, "data_dir"); dir != "" {
		return dir
	}
	return c.DataDir
}

// readTexts applies the environment, then the flags. An empty variable counts as
// not set.
func (c *Config) readTexts(in Input, env map[string]string) error {
	var wrong []error
	for _, f := range c.fields() {
		if name, text := variableOf(env, f.key); text != "" {
			wrong = append(wrong, c.set(f, text, "environment "+name))
		}
		delete(env, variable(f.key))
		if text, ok := in.Flags[f.key]; ok {
			wrong = append(wrong, c.set(f, text, "flag"))
		}
	}
	delete(env, "TRAILHOUSE_CONFIG")
	delete(env, shortDataDir)
	for name := range env {
		if strings.HasPrefix(name, "TRAILHOUSE_") {
			c.unknown = append(c.unknown, name)
		}
	}
	sort.Strings(c.unknown)
	return errors.Join(wrong...)
}

// set gives a setting a value from outside the file.
func (c *Config) set(f field, text, origin string) error {
	if err := setText(f.value, text); err != nil {
		return trailhouse.Errorf(trailhouse.CodeUsage, "%s: %s: %w", origin, f.key, err)
	}
	c.origins[f.key] = origin
	return nil
}

// finish checks values and makes paths absolute.
func (c *Config) finish(in Input, env map[string]string) error {
	var wrong []error
	for _, f := range c.fields() {
		if err := f.check(); err != nil {
			wrong = append(wrong, trailhouse.Errorf(trailhouse.CodeUsage, "%s: %s: %w", c.Origin(f.key), f.key, err))
		}
		if f.tag.Get("dir") != "" && f.value.String() != "" {
			f.value.SetString(c.absolutePath(f, in, env))
		}
	}
	wrong = append(wrong, c.checkDataDir())
	wrong = append(wrong, c.checkClients()...)
	wrong = append(wrong, c.checkHosts()...)
	wrong = append(wrong, c.checkImages()...)
	wrong = append(wrong, c.checkSources(env)...)
	wrong = append(wrong, c.checkDeliver(env)...)
	return errors.Join(slices.DeleteFunc(wrong, saysNothing)...)
}

// saysNothing finds errors at keys whose values could not be read.
func saysNothing(err error) bool { return err != nil && err.Error() == "" }

// absolutePath resolves a path against the place that it was written in: the
// file's directory, else the working directory. A leading ~/ is the home directory,
// since no shell expands it in a file.
func (c *Config) absolutePath(f field, in Input, env map[string]string) string {
	path := f.value.String()
	if rest, ok := strings.CutPrefix(path, "~/"); ok && env["HOME"] != "" {
		return filepath.Join(env["HOME"], rest)
	}
	base := in.Dir
	if c.file != "" && c.fromFile(f.key) {
		base = filepath.Dir(c.file)
	}
	return absolute(base, path)
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}
