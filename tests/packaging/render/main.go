// Renders the templates of a Helm chart as far as this repository's chart goes. In: JSON on standard input with Values and
// Release; templates as arguments. Out: YAML documents. Helm's engine is Go's text/template with further functions; those
// that the chart uses are here with Helm's meaning. It is no Helm: no subcharts, no includes, no lookups.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"text/template"
)

func main() {
	var given map[string]any
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		panic(err)
	}
	functions := template.FuncMap{
		"quote": func(value any) string { return fmt.Sprintf("%q", fmt.Sprint(value)) },
		"int":  func(value any) (int, error) { var found int; _, err := fmt.Sscan(fmt.Sprint(value), &found); return found, err },
		"fail": func(reason string) (string, error) { return "", errors.New(reason) },
		"toJson": func(value any) (string, error) {
			data, err := json.Marshal(value)
			return string(data), err
		},
	}
	for _, path := range os.Args[1:] {
		text, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		parsed := template.Must(template.New(path).Funcs(functions).Option("missingkey=error").Parse(string(text)))
		fmt.Println("---")
		if err := parsed.Execute(os.Stdout, given); err != nil {
			panic(err)
		}
	}
}
