package blobtest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/goblob/azureblob"
	"github.com/goblob/azureblob/internal/rest"
)

func init() {
	handle(rest.Preflight, endpoint{run: preflight})
}

// matching is the first rule that lets a script from that origin use the method,
// or nil. It alone counts: no later rule lets through what its headers do not.
func (c *corsSettings) matching(origin, method string) *corsRule {
	if c == nil {
		return nil
	}
	for i := range c.Rules {
		r := &c.Rules[i]
		if r.hasOrigin(origin) && slices.Contains(list(*r.Methods), method) {
			return r
		}
	}
	return nil
}

// hasOrigin compares with case. An origin of a rule may stand for all hosts of
// a domain.
func (r *corsRule) hasOrigin(origin string) bool {
	return slices.ContainsFunc(list(*r.Origins), func(allowed string) bool {
		before, after, wild := strings.Cut(allowed, "*")
		return allowed == origin || wild && len(origin) > len(before)+len(after) && strings.HasPrefix(origin, before) && strings.HasSuffix(origin, after)
	})
}

// hasHeaders compares without case. A header of a rule may end in a star.
func (r *corsRule) hasHeaders(headers []string) bool {
	for _, h := range headers {
		if !slices.ContainsFunc(list(*r.Headers), func(allowed string) bool {
			prefix, wild := strings.CutSuffix(allowed, "*")
			return strings.EqualFold(allowed, h) || wild && len(h) >= len(prefix) && strings.EqualFold(h[:len(prefix)], prefix)
		}) {
			return false
		}
	}
	return true
}

// preflight answers browsers that ask whether a script may do something.
func preflight(x *exchange) error {
	origin, method := x.params.need("Origin"), x.params.need("Access-Control-Request-Method")
	if err := x.invalid(); err != nil {
		return err
	}
	asked := x.params.text("Access-Control-Request-Headers")
	rule := x.account.properties.Cors.matching(origin, method)
	if rule == nil || !rule.hasHeaders(list(asked)) {
		return fail(azureblob.CorsPreflightFailure)
	}
	x.set("Access-Control-Allow-Methods", method)
	if asked != "" {
		x.set("Access-Control-Allow-Headers", asked)
	}
	x.set("Access-Control-Max-Age", base10(*rule.MaxAge))
	// Unlike that of the request itself, this answer names the origin in any case.
	x.set("Access-Control-Allow-Origin", origin)
	x.set("Access-Control-Allow-Credentials", "true")
	return x.answer(http.StatusOK, nil)
}

// share adds what a browser has to be told with the answer to a request that a
// script of another origin sent. The request is carried out in any case.
func (x *exchange) share() {
	origin := x.params.text("Origin")
	if origin == "" || x.account == nil || x.request.Method == http.MethodOptions {
		return
	}
	x.server.mu.Lock()
	cors := x.account.properties.Cors
	x.server.mu.Unlock()
	rule := cors.matching(origin, x.request.Method)
	cached := x.request.Method == http.MethodGet || x.request.Method == http.MethodHead
	switch {
	case rule == nil:
		if cached && cors != nil && len(cors.Rules) > 0 {
			x.set("Vary", "Origin") // another origin would get another answer
		}
		return
	case slices.Contains(list(*rule.Origins), "*"):
		x.set("Access-Control-Allow-Origin", "*")
	default:
		x.set("Access-Control-Allow-Origin", origin)
		x.set("Access-Control-Allow-Credentials", "true")
		if cached {
			x.set("Vary", "Origin")
		}
	}
	if *rule.Exposed != "" {
		x.set("Access-Control-Expose-Headers", *rule.Exposed)
	}
}
