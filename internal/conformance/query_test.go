package conformance

import "testing"

func TestQuery(t *testing.T) {
	each(t, func(s *service) {
		s.lacking("query")
		s.put("from", "1,one\n2,two\n", header{"x-ms-blob-cache-control": "max-age=1", "x-ms-blob-content-disposition": "inline", "x-ms-blob-content-encoding": "identity", "x-ms-blob-content-language": "en", "x-ms-encryption-scope": "mine", "x-ms-meta-k": "v"})
		s.blob("PUT", "b", "", header{"x-ms-copy-source": s.url(s.container + "/from"), "x-ms-encryption-scope": "mine"}, "").want(202, "")
		s.blob("PUT", "b", "comp=lease", header{"x-ms-lease-action": "acquire", "x-ms-lease-duration": "-1"}, "").want(201, "")
		const format = "<Format><Type>delimited</Type><DelimitedTextConfiguration></DelimitedTextConfiguration></Format>"
		query := func(expression string) *answer {
			return s.blob("POST", "b", "comp=query", nil, "<QueryRequest><QueryType>SQL</QueryType><Expression>"+expression+"</Expression><InputSerialization>"+
				format+"</InputSerialization><OutputSerialization>"+format+"</OutputSerialization></QueryRequest>")
		}
		got := query("SELECT _2 FROM BlobStorage WHERE _1 = 2").has(header{"Content-Type": "avro/binary", "ETag": "", "Last-Modified": "", "x-ms-blob-type": "BlockBlob", "Accept-Ranges": "bytes"})
		if got.status != 200 && got.status != 206 {
			s.Errorf("%d %s", got.status, got.code)
		}
		got.holds("Obj\x01", "two").holdsNot("one")
		s.blob("POST", "b", "comp=query", nil, "").want(400, "InvalidXmlDocument")
	})
}
