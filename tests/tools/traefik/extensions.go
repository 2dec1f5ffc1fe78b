// Package ext has the types with which others may extend Traefik's configuration. Traefik itself has none.
package ext

// HTTP has no extensions of the section `http`.
type HTTP struct{}

// Router has no extensions of a router.
type Router struct{}
