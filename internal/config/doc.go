// Package config reads salvor.yaml, the one file that configures Salvor.
//
// It is strict: a key that is not known, a value of another shape and a value that cannot work are errors, told all at once,
// each with its line, why it is wrong and what to do. Secrets are never in the file: a key that ends in _file names the file
// that holds one. Relative paths are taken from the directory of salvor.yaml. An empty file is a configuration that runs.
package config
