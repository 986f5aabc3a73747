// Package sas is about shared access signatures: who may do what with which
// resource, until when. Values go in, and a query string comes out. Nothing is
// sent.
package sas
