// Reads requests, one JSON object a line, and writes for each one which rules of Coraza match, and the status of the refusal,
// or 0. The first line has the directives. Their files are those of the OWASP Core Rule Set.
//
// The firewall of traefik/waf/traefik.yml has the same engine and rules, but is a WebAssembly module that Traefik fetches.
package main

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/corazawaf/coraza-coreruleset/v4"
	"github.com/corazawaf/coraza/v3"
	"github.com/corazawaf/coraza/v3/types"
)

type request struct {
	Method, URI, Body string
	Headers           [][2]string
}

type decision struct {
	Status int   `json:"status"`
	Rules  []int `json:"rules"`
}

func inspect(transaction types.Transaction, sent request) (*types.Interruption, error) {
	transaction.ProcessConnection("192.0.2.1", 50000, "192.0.2.2", 443)
	transaction.ProcessURI(sent.URI, sent.Method, "HTTP/1.1")
	for _, header := range sent.Headers {
		transaction.AddRequestHeader(header[0], header[1])
		if strings.EqualFold(header[0], "host") {
			transaction.SetServerName(header[1])
		}
	}
	if found := transaction.ProcessRequestHeaders(); found != nil {
		return found, nil
	}
	found, _, err := transaction.ReadRequestBodyFrom(strings.NewReader(sent.Body))
	if found != nil || err != nil {
		return found, err
	}
	return transaction.ProcessRequestBody()
}

func decide(firewall coraza.WAF, sent request) (decision, error) {
	transaction := firewall.NewTransaction()
	defer transaction.Close()
	found, err := inspect(transaction, sent)
	result := decision{Rules: []int{}}
	if found != nil {
		result.Status = found.Status
	}
	for _, matched := range transaction.MatchedRules() {
		if matched.Message() != "" {
			result.Rules = append(result.Rules, matched.Rule().ID())
		}
	}
	return result, err
}

func run() error {
	input, output := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var directives []string
	if err := input.Decode(&directives); err != nil {
		return err
	}
	settings := coraza.NewWAFConfig().WithRootFS(coreruleset.FS).WithDirectives(strings.Join(directives, "\n"))
	firewall, err := coraza.NewWAF(settings)
	if err != nil {
		return err
	}
	for input.More() {
		var sent request
		if err := input.Decode(&sent); err != nil {
			return err
		}
		result, err := decide(firewall, sent)
		if err != nil {
			return err
		}
		if err := output.Encode(result); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}
