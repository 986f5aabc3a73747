package avro

import (
	"encoding/json"
	"errors"
	"fmt"
)

// kind is a primitive type of Avro.
type kind uint8

const (
	kindNull kind = iota
	kindBoolean
	kindInt
	kindLong
	kindFloat
	kindDouble
	kindBytes
	kindString
)

var kinds = map[string]kind{
	"null": kindNull, "boolean": kindBoolean, "int": kindInt, "long": kindLong,
	"float": kindFloat, "double": kindDouble, "bytes": kindBytes, "string": kindString,
}

// Field is a field of a record. Type is the name of a primitive type, such as
// long or bytes.
type Field struct {
	Name, Type string
	kind       kind
}

// Schema is a type of records: a name, with its namespace, and fields.
type Schema struct {
	Name   string
	Fields []Field
}

// parseSchema reads the schema of a file: a record, or a union of records,
// whose fields are primitive. Union tells which of the two it is: the items of a
// union are written with the number of their branch in front.
func parseSchema(text []byte) (records []Schema, union bool, err error) {
	var branches []json.RawMessage
	if json.Unmarshal(text, &branches) != nil {
		branches = []json.RawMessage{text}
	} else {
		union = true
	}
	if len(branches) == 0 {
		return nil, false, errors.New("avro: the schema is an empty union")
	}
	for _, branch := range branches {
		s, err := parseRecord(branch)
		if err != nil {
			return nil, false, err
		}
		records = append(records, s)
	}
	return records, union, nil
}

func parseRecord(text []byte) (Schema, error) {
	var r struct {
		Type, Name, Namespace string
		Fields                []struct {
			Name string
			Type json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &r); err != nil || r.Type != "record" {
		return Schema{}, errors.New("avro: the schema is no record and no union of records")
	}
	s := Schema{Name: r.Name}
	if r.Namespace != "" {
		s.Name = r.Namespace + "." + r.Name
	}
	for _, f := range r.Fields {
		name, ok := primitive(f.Type)
		if !ok {
			return Schema{}, fmt.Errorf("avro: field %q of record %q has a type that is not supported", f.Name, s.Name)
		}
		s.Fields = append(s.Fields, Field{Name: f.Name, Type: name, kind: kinds[name]})
	}
	return s, nil
}

// primitive reads a type that is a name, or an object with the name as its type.
func primitive(text []byte) (string, bool) {
	var name string
	if json.Unmarshal(text, &name) != nil {
		var o struct{ Type string }
		if json.Unmarshal(text, &o) != nil {
			return "", false
		}
		name = o.Type
	}
	_, ok := kinds[name]
	return name, ok
}
